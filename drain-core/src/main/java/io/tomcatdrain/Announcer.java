package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Tells the log and the listeners of one drain, in order, without ever running their code on the caller's thread: each is told on a
 * thread of its own that exists only while there is something to tell. Thread-safe; may be called under any lock.
 */
final class Announcer {
    private static final System.Logger LOG = System.getLogger(Drain.class.getName());

    private final String name;
    private final SerialDispatcher log;
    private final SerialDispatcher callbacks;
    private final List<Listening> listeners = new CopyOnWriteArrayList<>();

    /** A listener and the thread that it is told on. */
    private record Listening(DrainListener listener, SerialDispatcher dispatcher) {}

    Announcer(String name) {
        this.name = name;
        this.log = new SerialDispatcher("drain-log-" + name);
        this.callbacks = new SerialDispatcher("drain-callback-" + name);
    }

    DrainListener.Registration listen(DrainListener listener) {
        Listening listening = new Listening(listener, new SerialDispatcher("drain-listener-" + name));
        listeners.add(listening);
        return () -> listeners.remove(listening);
    }

    void stateChanged(DrainState before, DrainState after) {
        for (Listening listening : listeners) {
            listening.dispatcher.execute(() -> listening.listener.stateChanged(before, after));
        }
    }

    void say(Level level, String what) {
        log.execute(() -> write(level, "drain[" + name + "] " + what));
    }

    /** A method with a name, since logs show which one wrote a line. */
    private static void write(Level level, String line) {
        LOG.log(level, line);
    }

    /** Logs a fault of our own at once; a log that fails must not end the thread that a stop waits for. */
    void fault(String what, Throwable fault) {
        try {
            LOG.log(Level.ERROR, "drain[" + name + "] " + what, fault);
        } catch (RuntimeException | Error unheard) {
            // there is nobody left to tell
        }
    }

    /** Runs what others hang on a drain's end. */
    Executor callbacks() {
        return callbacks::execute;
    }

    /** Waits until log and listeners have been told everything so far, at most so long; returns false if they were not. */
    boolean awaitTold(long timeout, TimeUnit unit) throws InterruptedException {
        long until = System.nanoTime() + unit.toNanos(timeout);
        List<SerialDispatcher> dispatchers = new ArrayList<>();
        dispatchers.add(log);
        listeners.forEach(listening -> dispatchers.add(listening.dispatcher));
        boolean told = true;
        for (SerialDispatcher dispatcher : dispatchers) {
            told &= dispatcher.awaitIdle(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
        return told;
    }
}
