package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells the log and the listeners of one drain, in order, and the adapter when to look around. The log, each listener and the adapter have
 * a thread of their own, which exists only while there is something to tell; only {@link #fault} lets its caller wait. Thread-safe; all but
 * {@link #fault} may be called under any lock.
 */
final class DrainNotifier {
    /** Named as users know it from configuring their logs. */
    private static final System.Logger LOG = System.getLogger(Drain.class.getName());

    private final String name;
    private final ThreadStarter threads;
    private final SerialDispatcher log;
    private final List<ToldListener> listeners = new CopyOnWriteArrayList<>();

    private final SerialDispatcher looks;
    private volatile @Nullable Runnable onLook;

    /** What runs the stages of drains that are over, for which no thread could be made. */
    private final Queue<SerialDispatcher> late = new ConcurrentLinkedQueue<>();

    /** A listener, and what calls it on a thread of its own. */
    private record ToldListener(DrainListener listener, SerialDispatcher dispatcher) {}

    DrainNotifier(String name, ThreadStarter threads) {
        this.name = name;
        this.threads = threads;
        this.log = new SerialDispatcher("drain-log-" + name, threads);
        this.looks = new SerialDispatcher("drain-look-" + name, threads);
    }

    DrainListener.Registration listen(DrainListener listener) {
        ToldListener told = new ToldListener(listener, new SerialDispatcher("drain-listener-" + name, threads));
        listeners.add(told);
        return () -> listeners.remove(told);
    }

    void stateChanged(DrainState before, DrainState after) {
        for (ToldListener told : listeners) {
            told.dispatcher.execute(() -> told.listener.stateChanged(before, after));
        }
        Runnable look = onLook;
        if (look != null && after != DrainState.SERVING) {
            looks.execute(look); // also where a look is about to end
        }
    }

    /** Sets what the adapter does when it is to look around. */
    void onLook(Runnable look) {
        onLook = look;
    }

    /** Lets the adapter look around, unless it still does. */
    void look() {
        Runnable look = onLook;
        if (look != null) {
            looks.executeIfIdle(look);
        }
    }

    void say(Level level, String what) {
        log.execute(() -> write(level, "drain[" + name + "] " + what));
    }

    /** A method with a name, since logs show which one wrote a line. */
    private static void write(Level level, String line) {
        LOG.log(level, line);
    }

    /** Logs a fault of our own at once; a log that fails or hangs must neither end nor hold a thread that a stop waits for. */
    void fault(String what, Throwable fault) {
        Patience.call(() -> LOG.log(Level.ERROR, "drain[" + name + "] " + what, fault));
    }

    /** Returns what runs the stages that callers hang on the end of one drain: a hung stage of one drain delays no other drain's. */
    Executor newDependents() {
        SerialDispatcher dispatcher = new SerialDispatcher("drain-callback-" + name, threads);
        return task -> {
            dispatcher.execute(task);
            if (!dispatcher.retry()) {
                late.add(dispatcher);
            }
        };
    }

    /** Waits until log and listeners have been told everything so far, at most so long; returns false if they were not. */
    boolean awaitTold(Duration timeout) throws InterruptedException {
        long until = System.nanoTime() + Durations.nanos(timeout);
        List<SerialDispatcher> dispatchers = new ArrayList<>();
        dispatchers.add(log);
        listeners.forEach(told -> dispatchers.add(told.dispatcher));
        boolean told = true;
        for (SerialDispatcher dispatcher : dispatchers) {
            told &= dispatcher.awaitIdle(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
        return told;
    }

    /** Tries again to tell what could not be told for lack of a thread. */
    void retry() {
        log.retry();
        listeners.forEach(told -> told.dispatcher.retry());
        late.removeIf(SerialDispatcher::retry);
    }
}
