package io.tomcatdrain;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** Threads that wait until what they look at is over. Thread-safe; {@link #wake} takes no lock and never blocks. */
final class Waiters {
    private final List<Thread> threads = new CopyOnWriteArrayList<>();

    /**
     * Waits on the calling thread, which looks again each time that it is woken.
     *
     * @param look returns the nanoseconds until the thread looks again by itself; not positive once there is nothing to wait for
     */
    void await(LongSupplier look) throws InterruptedException {
        threads.add(Thread.currentThread());
        try {
            for (long nanos = look.getAsLong(); nanos > 0; nanos = look.getAsLong()) {
                LockSupport.parkNanos(this, nanos);
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        } finally {
            threads.remove(Thread.currentThread());
        }
    }

    /** Lets all that wait look again. */
    void wake() {
        threads.forEach(LockSupport::unpark);
    }
}
