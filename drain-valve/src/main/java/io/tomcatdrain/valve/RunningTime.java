package io.tomcatdrain.valve;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A limit on how long to wait, in which a time counts little for which the whole process stood still (stopped by a signal, or without a
 * processor): what is waited for could not happen meanwhile either. For one thread that looks every few milliseconds.
 */
final class RunningTime {
    /** A process that runs looks again within less. */
    static final long MOST_BETWEEN_LOOKS_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final long limitNanos;
    private final LongSupplier clock;
    private long leftNanos;
    private long lookedNanos;

    RunningTime(long limitNanos) {
        this(limitNanos, System::nanoTime);
    }

    RunningTime(long limitNanos, LongSupplier clock) {
        this.limitNanos = limitNanos;
        this.clock = clock;
        restart();
    }

    /** Gives the whole time again. */
    void restart() {
        leftNanos = limitNanos;
        lookedNanos = clock.getAsLong();
    }

    /** Looks: returns true once the limit has passed. */
    boolean isOver() {
        long now = clock.getAsLong();
        leftNanos -= Math.min(now - lookedNanos, MOST_BETWEEN_LOOKS_NANOS);
        lookedNanos = now;
        return leftNanos <= 0;
    }
}
