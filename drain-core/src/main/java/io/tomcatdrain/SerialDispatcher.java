package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs tasks one after the other, in order, on a daemon thread that exists only while there are any. Thread-safe. A task that
 * fails is logged and changes nothing; one that hangs delays only those behind it.
 */
final class SerialDispatcher {
    private static final System.Logger LOG = System.getLogger(SerialDispatcher.class.getName());

    private final String threadName;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    /** Tasks not yet finished; whoever raises it from 0 starts the thread. */
    private final AtomicInteger unfinished = new AtomicInteger();

    SerialDispatcher(String threadName) {
        this.threadName = threadName;
    }

    /** Queues a task; never runs it on the caller's thread. */
    void execute(Runnable task) {
        tasks.add(task);
        if (unfinished.getAndIncrement() == 0) {
            try {
                // Neither the caller's thread locals nor, below, its loader: they would keep a web application
                // reachable.
                Thread thread = new Thread(null, this::runAll, threadName, 0, false);
                thread.setDaemon(true);
                thread.setContextClassLoader(SerialDispatcher.class.getClassLoader());
                thread.start();
            } catch (Throwable noThread) {
                // Listeners are told nothing on a machine that has no thread left; the drain itself must go on.
                do {
                    tasks.poll();
                } while (unfinished.decrementAndGet() > 0);
                warn("no thread to tell listeners", noThread);
            }
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
        } while (unfinished.decrementAndGet() > 0);
    }

    /** A log that fails must not keep those behind from being told. */
    private void warn(String what, Throwable fault) {
        try {
            LOG.log(Level.WARNING, threadName + ": " + what, fault);
        } catch (Throwable unheard) {
            // there is nobody left to tell
        }
    }

    /** Waits until everything queued so far has run; returns false if that took longer than the time given. */
    boolean awaitIdle(long timeout, TimeUnit unit) throws InterruptedException {
        if (unfinished.get() == 0) {
            return true;
        }
        CountDownLatch reached = new CountDownLatch(1);
        execute(reached::countDown);
        return reached.await(timeout, unit);
    }
}
