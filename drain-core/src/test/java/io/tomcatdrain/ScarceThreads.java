package io.tomcatdrain;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Starts threads on a machine that has no room for another one at first. */
final class ScarceThreads implements ThreadStarter {
    private final AtomicInteger refusals;
    private final List<String> started = new CopyOnWriteArrayList<>();

    private ScarceThreads(int refusals) {
        this.refusals = new AtomicInteger(refusals);
    }

    /** There is no room until {@link #becomeAvailable}. */
    static ScarceThreads none() {
        return new ScarceThreads(Integer.MAX_VALUE);
    }

    /** There is room after so many attempts in vain. */
    static ScarceThreads after(int refusals) {
        return new ScarceThreads(refusals);
    }

    void becomeAvailable() {
        refusals.set(0);
    }

    /** The names of the threads that were started. */
    List<String> started() {
        return List.copyOf(started);
    }

    @Override
    public Thread start(String name, Runnable body) {
        if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new OutOfMemoryError("unable to create native thread");
        }
        started.add(name);
        return DAEMONS.start(name, body);
    }
}
