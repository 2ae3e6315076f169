package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Has the listening sockets closed, once, on a thread of its own: a stop is bounded even if a close hangs. A later drain closes them again
 * only if the server has opened them again, or if the node had only stopped accepting from shared sockets and a resume has undone that.
 *
 * <p>Guarded by the lock of the sequence: what the adapter calls takes it, and so does the end of a closing; all else is a step of the
 * sequence.
 */
final class ListenerClosing {
    /** How long draining waits for the listeners to be closed. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final ReentrantLock lock;
    private final DrainNotifier notifier;
    private final Runnable onClosed;
    private final SerialDispatcher dispatcher;
    private BooleanSupplier closer = () -> true;
    private BooleanSupplier anyShared = () -> false;
    private BooleanSupplier allShared = () -> false;
    private Runnable reopener = () -> {};
    private boolean possible;
    private boolean wholly;
    private boolean refusesNobody;
    private boolean reversible;
    private boolean begun;
    private boolean running;

    /** Which closing a result belongs to: one that was undone meanwhile says nothing any more. */
    private int closings;

    private boolean allClosed;
    private long begunNanos;

    ListenerClosing(String name, ThreadStarter threads, ReentrantLock lock, DrainNotifier notifier, Runnable onClosed) {
        this.lock = lock;
        this.notifier = notifier;
        this.onClosed = onClosed;
        this.dispatcher = new SerialDispatcher("drain-close-" + name, threads);
    }

    /** Sets how they are closed. Takes the lock. */
    void setCloser(BooleanSupplier how) {
        lock.lock();
        try {
            closer = how;
            possible = true;
        } finally {
            lock.unlock();
        }
    }

    /** Sets how to see from which sockets other processes accept, too, and how this one begins to accept again. Takes the lock. */
    void setShared(BooleanSupplier any, BooleanSupplier all, Runnable how) {
        lock.lock();
        try {
            anyShared = any;
            allShared = all;
            reopener = how;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Looks which sockets are shared at the beginning of a drain that touches them.
     *
     * @param asked true if those that are not are to be closed
     * @return true if there is something to close, or to stop accepting from
     */
    boolean drainBegins(boolean asked) {
        boolean any = ask(anyShared);
        wholly = any && ask(allShared);
        reversible = wholly || !asked;
        refusesNobody = wholly || asked;
        return asked || any;
    }

    /** Returns true if newcomers find another process whatever their front end knows, once this one has stopped accepting. */
    boolean areAllShared() {
        return wholly;
    }

    private boolean ask(BooleanSupplier question) {
        try {
            return question.getAsBoolean();
        } catch (RuntimeException | Error fault) {
            notifier.fault("could not tell whether the listeners are shared", fault);
            return false;
        }
    }

    /** Returns true where an adapter can close them, so that the setting {@code closeListener} is one to advise. */
    boolean isPossible() {
        return possible;
    }

    /** Returns true unless newcomers still reach sockets that are neither shared nor closed. */
    boolean refusesNobody() {
        return refusesNobody;
    }

    /** Returns true once there is no way back. */
    boolean isFinal() {
        return begun && !reversible;
    }

    /** Begins to accept again from shared sockets, if the node has stopped to. Does not wait for it. */
    void undo() {
        if (begun && reversible) {
            begun = false;
            running = false;
            allClosed = false;
            closings++;
            Runnable how = reopener;
            dispatcher.execute(() -> reopen(how));
        }
    }

    private void reopen(Runnable how) {
        try {
            how.run();
        } catch (RuntimeException | Error fault) {
            notifier.fault("could not accept connections again", fault);
        }
    }

    /** Forgets that they were closed, now that the server has opened them again; in vain while they are being closed. Takes the lock. */
    void reopened() {
        lock.lock();
        try {
            if (!running) {
                begun = false;
                allClosed = false;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has them closed, once, and returns how long to wait for that; not positive if there is no need to wait longer. */
    long nanosLeft(long now) {
        if (!begun) {
            begun = true;
            running = true;
            begunNanos = now;
            BooleanSupplier how = closer;
            int closing = ++closings;
            dispatcher.execute(() -> close(how, closing));
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

    private void close(BooleanSupplier how, int closing) {
        boolean all = false;
        try {
            all = how.getAsBoolean();
        } catch (RuntimeException | Error fault) {
            notifier.fault("could not close the listeners", fault);
        } finally {
            lock.lock();
            try {
                if (closing == closings) {
                    running = false;
                    allClosed = all;
                }
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
