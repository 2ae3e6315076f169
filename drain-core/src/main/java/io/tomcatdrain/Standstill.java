package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;

/**
 * Notices that the process stood still while it drains: stopped by a signal, in a snapshot of its machine, in a pause of the garbage
 * collector. Nothing can arrive meanwhile, and what was on its way has had no chance yet, so that such a time proves no prober dead and no
 * upload stalled. Limits go on all the same. Not thread-safe; guarded by the lock of the sequence.
 */
final class Standstill {
    /** How often a drain that runs looks. */
    static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A thread that is this late may just have had no processor. */
    private static final long LEAST_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ProberWatch probers;
    private final InFlightWork work;
    private final DrainNotifier notifier;
    private long lookedNanos;

    Standstill(ProberWatch probers, InFlightWork work, DrainNotifier notifier) {
        this.probers = probers;
        this.work = work;
        this.notifier = notifier;
    }

    /** A drain begins to look now. */
    void begins(long now) {
        lookedNanos = now;
    }

    /** Looks, while a drain runs, and sees to it that no prober or upload is given up for a time in which the process stood still. */
    void look(boolean drainRuns, long now) {
        long still = now - lookedNanos - LOOK_NANOS;
        lookedNanos = now;
        if (drainRuns && still >= LEAST_NANOS) {
            probers.stoodStill(still, now);
            work.stoodStill(still, now);
            notifier.say(
                    Level.INFO,
                    "nothing ran here for " + LogText.seconds(still)
                            + " (was the process stopped, or short of CPU time?); this does not count as silence of a prober or an upload");
        }
    }

    /** Returns how long a drain with nothing to do for that long may wait until it looks again. */
    static long atMost(boolean drainRuns, long waitNanos) {
        return drainRuns ? Math.min(waitNanos, LOOK_NANOS) : waitNanos;
    }
}
