package io.tomcatdrain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Knows the probers that ask for readiness, how often each does, and which have been told that the node is leaving. Thread-safe; used by
 * readiness polls and drains only, never by other requests. Any client may ask, so no client may shorten a wait by asking. What is not
 * known for sure is waited for, within {@code lameDuckTimeout}.
 *
 * <ul>
 *   <li>A prober is an address, a {@code User-Agent} and a name. A poll that came through a front end is none.
 *   <li>One whose interval times {@code probeFailures} is longer than {@code lameDuckTimeout} is waited for until the limit, even if it
 *       has seen enough by chance: its operator is warned, and what the warning says is what happens.
 *   <li>One that asks more rarely than once in {@code lameDuckTimeout} (and a tenth) is not waited for.
 *   <li>One that asked once only, less than 10 s before the drain began, is waited for until 10 s and one more have passed since it
 *       asked, unless its rhythm shows before. A prober that asked a node younger than 10 s did so less than 10 s ago, so the age of
 *       the node is not looked at. A third of {@code lameDuckTimeout} counts instead of 10 s where that is longer.
 *   <li>One that asks for the first time while the node leaves was never told that it is up, and is not waited for.
 *   <li>The table has room for 64. A newcomer displaces one that is not active, or is too rare; if there is none it is turned away, and
 *       as it may have been a prober, the next lame duck lasts as long as it may.
 * </ul>
 */
final class ProberWatch {
    static final int MOST = 64;

    /** How many are named in one line of the log. */
    private static final int NAMED = 5;
    /** How often to look whether the lame duck of a drain around this one lasts. */
    private static final long LOOK_AROUND_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long LEAST_CROWDED_NANOS = TimeUnit.SECONDS.toNanos(11);

    private static final Comparator<DrainStatus.Prober> ORDER = Comparator.comparing(ProberWatch::textOf);

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<ReadinessPoll, Prober> probers = new HashMap<>();
    private final Duration lameDuckTimeout;
    private final Prober.Rules rules;
    private volatile BooleanSupplier lameDuckAround = () -> false;
    private final Announcements announcements = new Announcements();
    private long drainNanos;
    private boolean turnedAway;
    private long turnedAwayNanos;

    /** A newcomer, which may be a prober, was turned away shortly before the drain that runs, or while it runs. */
    private boolean crowded;

    private boolean crowdWarned;
    private boolean askedThroughFrontEnd;
    private boolean namingExplained;

    ProberWatch(int probeFailures, Duration lameDuckTimeout) {
        this.lameDuckTimeout = lameDuckTimeout;
        this.rules = new Prober.Rules(probeFailures, lameDuckTimeout.toNanos());
    }

    /** Sets how to see whether the lame duck of an outer drain lasts, whose probers are this one's, too. */
    void onLameDuckAround(BooleanSupplier lasts) {
        lameDuckAround = lasts;
    }

    /** Notes one answer to a readiness poll. */
    void polled(ReadinessPoll poll, boolean ready, long now) {
        lock.lock();
        try {
            if (poll.forwarded()) {
                askedThroughFrontEnd = true;
                return;
            }
            Prober prober = probers.get(poll);
            if (prober != null) {
                prober.polled(ready, now);
            } else if (hasRoom(now)) {
                probers.put(poll, new Prober(poll, rules, ready, now));
            } else {
                turnedAway = true;
                turnedAwayNanos = now;
                crowded = true;
            }
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- the table

    private boolean hasRoom(long now) {
        if (probers.size() < MOST) {
            return true;
        }
        Prober out = displaceable(now);
        return out != null && probers.remove(out.who(), out);
    }

    /**
     * Finds the one that a newcomer may displace: those that asked once first, then those of the address that has most places, so that a flood
     * displaces itself, then the one that has been silent for longest.
     */
    private @Nullable Prober displaceable(long now) {
        List<Prober> candidates = probers.values().stream()
                .filter(prober -> !prober.isActive(now) || prober.isRare())
                .toList();
        if (candidates.size() <= 1) {
            return candidates.isEmpty() ? null : candidates.get(0);
        }
        Map<String, Integer> places = new HashMap<>();
        probers.values().forEach(prober -> places.merge(addressOf(prober), 1, Integer::sum));
        return candidates.stream()
                .min(Comparator.comparing(Prober::isRegular)
                        .thenComparing(prober -> prober.isActive(now))
                        .thenComparing(prober -> -places.getOrDefault(addressOf(prober), 0))
                        .thenComparing(prober -> -prober.silentForNanos(now)))
                .orElse(null);
    }

    private static String addressOf(Prober prober) {
        String remote = prober.who().remote();
        return remote == null ? "" : remote;
    }

    // ---------------------------------------------------------------- drains

    /** A drain begins now, of which no prober has been told. */
    void drainBegins(long now) {
        lock.lock();
        try {
            drainNanos = now;
            announcements.drainBegins();
            crowded = turnedAway && now - turnedAwayNanos < Math.max(LEAST_CROWDED_NANOS, rules.rareNanos());
            crowdWarned = false;
            probers.values().forEach(Prober::drainBegins);
        } finally {
            lock.unlock();
        }
    }

    /** Notes that for so long until now nothing could be answered: a prober's silence in that time does not count. */
    void stoodStill(long nanos, long now) {
        lock.lock();
        try {
            probers.values().forEach(prober -> prober.stoodStill(nanos, now));
        } finally {
            lock.unlock();
        }
    }

    /** The node serves again: no prober is shown as told. */
    void drainIsUndone() {
        lock.lock();
        try {
            probers.values().forEach(Prober::forgetDrain);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns how long to wait before asking again whether all that are waited for have learned of the drain; 0 if they have, or there is
     * none; {@link Long#MAX_VALUE} if only the limit ends the waiting.
     */
    long nanosUntilSeen(long now) {
        lock.lock();
        try {
            long next = crowded ? Long.MAX_VALUE : Math.max(0, announcements.nanosPending(now));
            for (Prober prober : probers.values()) {
                long left = prober.nanosPending(drainNanos, now);
                if (left > 0) {
                    next = next == 0 ? left : Math.min(next, left);
                }
            }
            if (next == 0 && lameDuckAround.getAsBoolean()) {
                return LOOK_AROUND_NANOS;
            }
            return next;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the listeners that tell callers which do not ask by themselves: the lame duck waits for them, too. */
    Announcements announcements() {
        return announcements;
    }

    /** Returns true if the lame duck of the drain that has begun waits for a prober, or for a listener that tells callers elsewhere. */
    boolean anybodyWaitedFor(long now) {
        lock.lock();
        try {
            return isAnybodyWaitedFor(now) || lameDuckAround.getAsBoolean();
        } finally {
            lock.unlock();
        }
    }

    private boolean isAnybodyWaitedFor(long now) {
        return crowded
                || announcements.nanosPending(now) > 0
                || probers.values().stream().anyMatch(prober -> prober.isWaitedFor(drainNanos, now));
    }

    // ---------------------------------------------------------------- words

    /** Returns the warnings that the drain that has begun gives reason for, each once; more may come while it goes on. */
    List<String> warnings(long now) {
        List<String> warnings = new ArrayList<>();
        lock.lock();
        try {
            for (Prober prober : probers.values()) {
                if (prober.isToBeWarnedOf(drainNanos, now)) {
                    warnings.add(
                            "readiness is asked for by " + prober.described() + ", too slowly to see probeFailures ["
                                    + rules.probeFailures() + "] answers of 503 within lameDuckTimeout ["
                                    + Durations.format(lameDuckTimeout)
                                    + "]: the lame duck lasts that long, and what is sent here"
                                    + " later is refused; set lameDuckTimeout to at least [" + prober.secondsNeeded()
                                    + "s], or let it ask more often");
                }
            }
            if (crowded && !crowdWarned) {
                crowdWarned = true;
                warnings.add(
                        "more than " + MOST + " ask for readiness, so that a prober may be unknown: the lame duck lasts"
                                + " lameDuckTimeout [" + Durations.format(lameDuckTimeout)
                                + "]; let nobody but probers reach the readiness URL");
            }
        } finally {
            lock.unlock();
        }
        return warnings;
    }

    /** Names the probers that the lame duck of the drain that has begun waits for, the slowest first; empty if there are none. */
    String waitedFor(long now) {
        lock.lock();
        try {
            List<String> names = probers.values().stream()
                    .filter(prober -> prober.isWaitedFor(drainNanos, now))
                    .sorted(Comparator.comparingLong(Prober::intervalNanos).reversed())
                    .map(Prober::described)
                    .toList();
            return String.join(", ", names.subList(0, Math.min(NAMED, names.size())))
                    + (names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : "");
        } finally {
            lock.unlock();
        }
    }

    /** Returns what is worth knowing about the probers when a drain begins. */
    List<String> hints(long now) {
        List<String> hints = new ArrayList<>();
        lock.lock();
        try {
            for (String rare : described(prober -> prober.isRare() && prober.isActive(now))) {
                hints.add("not waiting for " + rare
                        + ", which asks for readiness more rarely than once in lameDuckTimeout ["
                        + Durations.format(lameDuckTimeout)
                        + "]; if it is a front end, let it ask more often, or raise lameDuckTimeout");
            }
            announcements.hint(lameDuckTimeout).ifPresent(hints::add);
            if (askedThroughFrontEnd && !isAnybodyWaitedFor(now)) {
                hints.add(
                        "readiness was asked for through a front end (with Forwarded, X-Forwarded-For or Via), which is no"
                                + " probe; let the front end itself ask");
            }
            List<String> nameless =
                    described(prober -> prober.who().isNameless() && prober.isWaitedFor(drainNanos, now));
            if (!nameless.isEmpty() && !namingExplained) {
                namingExplained = true;
                hints.add("readiness is asked for without a User-Agent or a name by " + nameless
                        + "; since each of these may be two probers, the lame duck lasts until it has seen twice probeFailures ["
                        + rules.probeFailures()
                        + "] answers of 503; let each prober ask with [?prober=NAME], a name of its"
                        + " own, to make that shorter");
            }
        } finally {
            lock.unlock();
        }
        return hints;
    }

    private List<String> described(Predicate<Prober> which) {
        return probers.values().stream().filter(which).map(Prober::described).toList();
    }

    /** Returns all that are active, or ask regularly and have been told of the drain that runs. */
    List<DrainStatus.Prober> snapshot(long now) {
        lock.lock();
        try {
            return probers.values().stream()
                    .filter(prober -> prober.isShown(now))
                    .map(prober -> new DrainStatus.Prober(
                            prober.who().remote(),
                            prober.who().name(),
                            prober.who().userAgent(),
                            prober.seenDown()))
                    .sorted(ORDER)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private static String textOf(DrainStatus.Prober prober) {
        return prober.remote() + "\n" + prober.name() + "\n" + prober.agent();
    }
}
