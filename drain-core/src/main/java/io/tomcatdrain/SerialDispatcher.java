package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks one after the other, in order, on a daemon thread that exists only while there are any. Thread-safe. A task that
 * fails is logged and changes nothing; one that hangs delays only those behind it. Where no thread can be made the tasks wait until
 * one can, which each later call tries.
 */
final class SerialDispatcher {
    private static final System.Logger LOG = System.getLogger(SerialDispatcher.class.getName());

    /** How often a caller that waits for the tasks tries to make the thread that was missing. */
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** More lines and changes than the drains of many weeks make. */
    static final int MOST_WAITING = 10_000;

    private final String threadName;
    private final ThreadStarter threads;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    /** Tasks not yet finished; the caller that raises it from 0 starts the thread. */
    private final AtomicInteger unfinished = new AtomicInteger();

    private final AtomicInteger dropped = new AtomicInteger();

    /** True while there are tasks and no thread could be made for them. */
    private final AtomicBoolean threadMissing = new AtomicBoolean();

    SerialDispatcher(String threadName, ThreadStarter threads) {
        this.threadName = threadName;
        this.threads = threads;
    }

    /**
     * Queues a task; never runs it on the caller's thread, and never throws for lack of a thread. Behind one that hangs so many wait, and
     * what comes then is dropped: memory must not grow for as long as a log or a listener of others hangs.
     */
    void execute(Runnable task) {
        if (unfinished.get() >= MOST_WAITING) {
            dropped.incrementAndGet();
            return;
        }
        queue(task);
    }

    /** As {@link #execute}, unless an earlier task has not ended. */
    void executeIfIdle(Runnable task) {
        if (unfinished.get() == 0) {
            execute(task);
        } else {
            retry();
        }
    }

    private void queue(Runnable task) {
        tasks.add(task);
        if (unfinished.getAndIncrement() == 0) {
            startThread();
        } else {
            retry();
        }
    }

    /** Tries again to make the thread, if it is missing; returns true if it is not, or not any more. */
    boolean retry() {
        if (threadMissing.get() && threadMissing.compareAndSet(true, false)) {
            startThread();
        }
        return !threadMissing.get();
    }

    private void startThread() {
        try {
            threads.start(threadName, this::runAll);
        } catch (Throwable noThread) {
            threadMissing.set(true);
        }
    }

    private void runAll() {
        do {
            Runnable task = tasks.poll();
            try {
                if (task != null) {
                    task.run();
                }
            } catch (Throwable fault) {
                warn("a listener failed; the drain is not affected", fault);
            }
            int lost = dropped.getAndSet(0);
            if (lost > 0) {
                warn("a call hung for so long that " + lost + " later ones were dropped", null);
            }
        } while (unfinished.decrementAndGet() > 0);
    }

    /** A log that fails must not keep the tasks behind from running. */
    private void warn(String what, @Nullable Throwable fault) {
        try {
            LOG.log(Level.WARNING, threadName + ": " + what, fault);
        } catch (Throwable unheard) {
            // the log is what failed
        }
    }

    /** Waits until everything queued so far has run; returns false if that took longer than the time given. */
    boolean awaitIdle(long timeout, TimeUnit unit) throws InterruptedException {
        if (unfinished.get() == 0) {
            return true;
        }
        CountDownLatch reached = new CountDownLatch(1);
        queue(reached::countDown);
        long until = System.nanoTime() + unit.toNanos(timeout);
        while (true) {
            long left = until - System.nanoTime();
            long slice = threadMissing.get() ? Math.min(left, RETRY_NANOS) : left;
            if (reached.await(slice, TimeUnit.NANOSECONDS)) {
                return true;
            }
            if (until - System.nanoTime() <= 0) {
                return false;
            }
            retry();
        }
    }
}
