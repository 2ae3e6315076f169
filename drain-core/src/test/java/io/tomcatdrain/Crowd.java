package io.tomcatdrain;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Many that ask for readiness before a drain and while it is a lame duck, and what each has been told when the lame duck ends. Times are
 * in seconds before (negative) and after the beginning of the drain.
 */
final class Crowd {
    /** So that nanosecond readings overflow shortly after the drain's beginning. */
    private static final long DRAIN_NANOS = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(3);

    private record Poll(Object speaker, ReadinessPoll who, double at, long order) {}

    private final ProberWatch watch;
    private final double limit;
    private final Queue<Poll> polls =
            new PriorityQueue<>(Comparator.comparingDouble(Poll::at).thenComparingLong(Poll::order));
    private final Map<Object, Integer> told = new HashMap<>();
    private LongConsumer eachPoll = now -> {};

    Crowd(int probeFailures, Duration lameDuckTimeout) {
        this.watch = new ProberWatch(probeFailures, lameDuckTimeout);
        this.limit = lameDuckTimeout.toNanos() / 1e9;
    }

    /** One that asks by agent and address only. */
    static ReadinessPoll named(String remote) {
        return new ReadinessPoll(remote, "probe/1", null, false);
    }

    /** One that could be several. */
    static ReadinessPoll nameless(String remote) {
        return new ReadinessPoll(remote, null, null, false);
    }

    ProberWatch watch() {
        return watch;
    }

    Crowd afterEachPoll(LongConsumer check) {
        eachPoll = check;
        return this;
    }

    Crowd asks(ReadinessPoll who, double at) {
        polls.add(new Poll(who, who, at, polls.size()));
        return this;
    }

    /** A stranger asks, in the name of another. */
    Crowd isAskedInTheNameOf(ReadinessPoll who, double at) {
        polls.add(new Poll("a stranger", who, at, polls.size()));
        return this;
    }

    /** Asks from then on, again and again. */
    Crowd asksEvery(double interval, ReadinessPoll who, double from, double until) {
        for (int i = 0; from + i * interval <= until; i++) {
            asks(who, from + i * interval);
        }
        return this;
    }

    /** The same without an end. */
    Crowd asksEvery(double interval, ReadinessPoll who, double from) {
        return asksEvery(interval, who, from, limit + 1);
    }

    static long nanos(double seconds) {
        return DRAIN_NANOS + Math.round(seconds * 1e9);
    }

    /** Lets time go on until the lame duck ends; returns how long it lasted, in seconds. */
    double lameDuck() {
        begin();
        double now = 0;
        while (now < limit) {
            long wait = watch.nanosUntilSeen(nanos(now));
            if (wait <= 0) {
                break;
            }
            double next = Math.min(limit, wait == Long.MAX_VALUE ? limit : now + wait / 1e9);
            Poll poll = polls.peek();
            if (poll != null && poll.at <= next) {
                now = Math.max(now, poll.at);
                ask(false);
            } else {
                now = next;
            }
        }
        return Math.round(now * 1e6) / 1e6;
    }

    /** Lets time go on until the drain has begun. */
    Crowd begin() {
        while (!polls.isEmpty() && polls.element().at <= 0) {
            ask(true);
        }
        watch.drainBegins(nanos(0));
        return this;
    }

    private void ask(boolean ready) {
        Poll poll = polls.remove();
        watch.polled(poll.who, ready, nanos(poll.at));
        if (!ready) {
            told.merge(poll.speaker, 1, Integer::sum);
        }
        eachPoll.accept(nanos(poll.at));
    }

    /** How many times it was answered no so far; strangers who asked in its name do not count. */
    int told(ReadinessPoll who) {
        return told.getOrDefault(who, 0);
    }

    /** How many times strangers were. */
    int toldStrangers() {
        return told.getOrDefault("a stranger", 0);
    }
}
