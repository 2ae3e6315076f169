package io.tomcatdrain;

import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The daemon thread that takes the steps of a drain. It exists only while there are any to take. Guarded by the lock of the
 * sequence that it works for, but for {@link #wake} and {@link #isMissing}.
 */
final class DrainWorker {
    /** What a step returns when there is nothing to wait for any more. */
    static final long END = -1;

    private final String threadName;
    private final ThreadStarter threads;
    private final ReentrantLock lock;
    private final LongSupplier step;

    /** Written under the lock, read by threads that wake it. */
    private volatile @Nullable Thread thread;

    /** Written under the lock. */
    private volatile boolean missing;

    /**
     * Makes a worker without a thread.
     *
     * @param step takes all steps that are due, and returns the nanoseconds until the next one may be, or {@link #END}; never throws
     */
    DrainWorker(String threadName, ThreadStarter threads, ReentrantLock lock, LongSupplier step) {
        this.threadName = threadName;
        this.threads = threads;
        this.lock = lock;
        this.step = step;
    }

    /**
     * Starts the thread unless it runs.
     *
     * @return why there is none now; null if there is one
     */
    @Nullable Throwable ensure() {
        assert lock.isHeldByCurrentThread();
        if (thread != null) {
            return null;
        }
        try {
            thread = threads.start(
                    threadName, this::work); // only now: one that could not start must not stand in the way of the next
            missing = false;
            return null;
        } catch (Throwable noThread) {
            missing = true;
            return noThread;
        }
    }

    /** Returns true if the last attempt to start the thread failed, so that the threads that look at the drain must take its steps. */
    boolean isMissing() {
        return missing;
    }

    /** Lets the calling thread, if it is the worker's, end: there is nothing more to do. */
    void noMoreSteps() {
        assert lock.isHeldByCurrentThread();
        missing = false;
        if (Thread.currentThread() == thread) {
            thread = null;
        }
    }

    /** Lets the thread, if there is one, take the next step at once. */
    void wake() {
        LockSupport.unpark(thread);
    }

    private void work() {
        for (long waitNanos = step.getAsLong(); waitNanos != END; waitNanos = step.getAsLong()) {
            LockSupport.parkNanos(this, waitNanos);
            // An interrupt is no command here, and would turn the parking into spinning.
            Thread.interrupted();
        }
    }
}
