package io.tomcatdrain.testkit.fleet;

import java.util.concurrent.locks.LockSupport;

/** A wait for a time, and for nothing else. */
public final class Pause {
    private Pause() {}

    /** Returns at that time of {@link System#nanoTime()}, however often the thread is woken before: those of a pool are. */
    public static void until(long nanos) {
        for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
