package io.tomcatdrain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Knows who asks for readiness, how often, and who has been told that the node is leaving. Thread-safe; used by readiness polls and
 * drains only, never by a request.
 */
final class ProberWatch {
    private static final int MOST = 64;
    private static final int LONGEST_AGENT = 200;
    private static final long LEAST_SILENCE_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final long MOST_EXTRA_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A remote address and a user agent, which may be none. */
    private record Key(String remote, @Nullable String agent) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Key, Prober> probers = new HashMap<>();
    private final int probeFailures;
    private final long lameDuckTimeoutNanos;

    ProberWatch(int probeFailures, Duration lameDuckTimeout) {
        this.probeFailures = probeFailures;
        this.lameDuckTimeoutNanos = lameDuckTimeout.toNanos();
    }

    private static final class Prober {
        private final Key key;
        private final long[] gapsNanos = new long[3];
        private int gaps;
        private long lastNanos;
        private boolean sawReady;
        private int seenDown;

        /** When it had seen the node down often enough; meaningful once it has. */
        private long convincedNanos;

        Prober(Key key, long nowNanos) {
            this.key = key;
            this.lastNanos = nowNanos;
        }

        boolean polledTwice() {
            return gaps > 0;
        }

        /** The median of the last three gaps, so that one outage of the prober does not make its interval long. */
        long intervalNanos() {
            int known = Math.min(gaps, gapsNanos.length);
            long[] sorted = Arrays.copyOf(gapsNanos, known);
            Arrays.sort(sorted);
            return sorted[known / 2];
        }

        long silentForNanos(long nowNanos) {
            return nowNanos - lastNanos;
        }

        /** How much longer it is believed to be alive without a word; not positive if it is not. */
        long activeForNanos(long nowNanos) {
            return Math.max(LEAST_SILENCE_NANOS, 3 * intervalNanos()) - silentForNanos(nowNanos);
        }
    }

    /** Notes one answer to a readiness poll. */
    void polled(String remote, @Nullable String agent, boolean ready, long nowNanos) {
        String bounded = agent != null && agent.length() > LONGEST_AGENT ? agent.substring(0, LONGEST_AGENT) : agent;
        Key key = new Key(remote, bounded);
        lock.lock();
        try {
            Prober prober = probers.get(key);
            if (prober == null) {
                if (probers.size() >= MOST) {
                    evictOne(nowNanos);
                }
                prober = new Prober(key, nowNanos);
                probers.put(key, prober);
            } else {
                prober.gapsNanos[prober.gaps % prober.gapsNanos.length] = prober.silentForNanos(nowNanos);
                prober.gaps++;
                prober.lastNanos = nowNanos;
            }
            if (ready) {
                prober.sawReady = true;
            } else if (++prober.seenDown == probeFailures) {
                prober.convincedNanos = nowNanos;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Makes room: whoever asked only once goes first, then whoever has been silent for longest. */
    private void evictOne(long nowNanos) {
        probers.values().stream()
                .min(Comparator.comparing(Prober::polledTwice)
                        .thenComparing(prober -> -prober.silentForNanos(nowNanos)))
                .ifPresent(prober -> probers.remove(prober.key));
    }

    /** Forgets what was seen of the drain that is over. */
    void forgetDrain() {
        lock.lock();
        try {
            probers.values().forEach(prober -> prober.seenDown = 0);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns how long to wait before asking again whether everybody who matters has seen the drain; 0 if everybody has, or nobody
     * matters.
     */
    long nanosUntilSeen(long nowNanos) {
        long next = Long.MAX_VALUE;
        boolean pending = false;
        lock.lock();
        try {
            for (Prober prober : probers.values()) {
                long left = nanosPending(prober, nowNanos);
                if (left > 0) {
                    pending = true;
                    next = Math.min(next, left);
                }
            }
        } finally {
            lock.unlock();
        }
        return pending ? next : 0;
    }

    /** How long this one may keep the lame duck waiting before it is looked at again; not positive if it does not. */
    private long nanosPending(Prober prober, long nowNanos) {
        if (!isWaitedFor(prober, nowNanos)) {
            return 0;
        }
        if (prober.seenDown < probeFailures) {
            // One that dies is no longer waited for; a poll in between wakes the drain.
            return prober.activeForNanos(nowNanos);
        }
        long extra = Math.min(MOST_EXTRA_NANOS, prober.intervalNanos());
        return extra - (nowNanos - prober.convincedNanos);
    }

    private boolean isWaitedFor(Prober prober, long nowNanos) {
        return prober.polledTwice() && prober.sawReady && prober.activeForNanos(nowNanos) > 0 && !isTooSlow(prober);
    }

    private boolean isTooSlow(Prober prober) {
        return prober.intervalNanos() > lameDuckTimeoutNanos / probeFailures;
    }

    /** Returns true if somebody probes whom a lame duck waits for. */
    boolean anybodyWaitedFor(long nowNanos) {
        lock.lock();
        try {
            return probers.values().stream().anyMatch(prober -> isWaitedFor(prober, nowNanos));
        } finally {
            lock.unlock();
        }
    }

    /** Names the active probers that are never waited for, with their intervals. */
    List<String> tooSlow(long nowNanos) {
        List<String> named = new ArrayList<>();
        lock.lock();
        try {
            for (Prober prober : probers.values()) {
                if (prober.polledTwice() && prober.activeForNanos(nowNanos) > 0 && isTooSlow(prober)) {
                    String agent = prober.key.agent == null ? "no user agent" : LogText.bounded(prober.key.agent);
                    named.add(LogText.bounded(prober.key.remote) + " [" + agent + "] every "
                            + TimeUnit.NANOSECONDS.toMillis(prober.intervalNanos()) + " ms");
                }
            }
        } finally {
            lock.unlock();
        }
        return named;
    }

    /** Returns everybody who is active, or has been told of the drain that runs. */
    List<DrainStatus.Prober> snapshot(long nowNanos) {
        lock.lock();
        try {
            return probers.values().stream()
                    .filter(prober ->
                            prober.polledTwice() && (prober.activeForNanos(nowNanos) > 0 || prober.seenDown > 0))
                    .sorted(Comparator.comparing((Prober prober) -> prober.key.remote)
                            .thenComparing(prober -> String.valueOf(prober.key.agent)))
                    .map(prober -> new DrainStatus.Prober(prober.key.remote, prober.seenDown))
                    .toList();
        } finally {
            lock.unlock();
        }
    }
}
