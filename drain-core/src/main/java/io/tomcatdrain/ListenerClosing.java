package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The one time that a drain has the listening sockets closed, on a thread of its own: a stop is bounded even if a socket is not. Only a
 * server that opens them again gives the next drain another time.
 * Guarded by the lock of the sequence, which it takes itself when the sockets are closed.
 */
final class ListenerClosing {
    /** How long draining waits for the listeners to be closed. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final ReentrantLock lock;
    private final DrainNotifier notifier;
    private final Runnable onClosed;
    private final SerialDispatcher dispatcher;
    private BooleanSupplier closer = () -> true;
    private boolean begun;
    private boolean running;
    private boolean allClosed;
    private long begunNanos;

    ListenerClosing(String name, ThreadStarter threads, ReentrantLock lock, DrainNotifier notifier, Runnable onClosed) {
        this.lock = lock;
        this.notifier = notifier;
        this.onClosed = onClosed;
        this.dispatcher = new SerialDispatcher("drain-close-" + name, threads);
    }

    void setCloser(BooleanSupplier how) {
        closer = how;
    }

    /** Returns true once there is no way back. */
    boolean hasBegun() {
        return begun;
    }

    /** Forgets that they were closed, now that the server has opened them again; in vain while they are being closed. */
    void reopened() {
        if (!running) {
            begun = false;
            allClosed = false;
        }
    }

    /** Has them closed, once, and returns how long to wait for that; not positive if there is no need to wait longer. */
    long nanosLeft(long now) {
        if (!begun) {
            begun = true;
            running = true;
            begunNanos = now;
            BooleanSupplier how = closer;
            dispatcher.execute(() -> close(how));
        }
        dispatcher.retry();
        return running ? begunNanos + PATIENCE_NANOS - now : 0;
    }

    boolean isRunning() {
        return running;
    }

    /** Returns true once none of them is open. */
    boolean areAllClosed() {
        return allClosed;
    }

    private void close(BooleanSupplier how) {
        boolean all = false;
        try {
            all = how.getAsBoolean();
        } catch (RuntimeException | Error fault) {
            notifier.fault("could not close the listeners", fault);
        } finally {
            lock.lock();
            try {
                running = false;
                allClosed = all;
            } finally {
                lock.unlock();
                onClosed.run();
            }
        }
    }

    boolean awaitIdle(Duration timeout) throws InterruptedException {
        return dispatcher.awaitIdle(Durations.nanos(timeout), TimeUnit.NANOSECONDS);
    }
}
