package io.tomcatdrain;

import java.util.function.BooleanSupplier;

/** What an adapter has given a drain to ask or to run, on the caller's thread and under no lock; its faults change nothing. Thread-safe. */
final class AdapterHooks {
    private final DrainNotifier notifier;
    private volatile Runnable onWait = () -> {};
    private volatile BooleanSupplier applicationIsReady = () -> true;

    AdapterHooks(DrainNotifier notifier) {
        this.notifier = notifier;
    }

    /** Sets what a thread runs when it begins to wait for the drain, and at its later looks. */
    void onWait(Runnable look) {
        onWait = look;
    }

    /** Notes that the calling thread begins to wait. */
    void callerWaits() {
        try {
            onWait.run();
        } catch (RuntimeException | Error fault) {
            notifier.fault("fault in what an adapter does before a wait", fault);
        }
    }

    /** Returns what a waiting thread calls at each of its looks; it runs what was set at most once in that time. For that thread alone. */
    Runnable callerLooks(long nanos) {
        long[] last = {System.nanoTime() - nanos};
        return () -> {
            long now = System.nanoTime();
            if (now - last[0] >= nanos) {
                last[0] = now;
                callerWaits();
            }
        };
    }

    /** Sets whether the application itself wants work, whatever the drain says. */
    void onlyReadyIf(BooleanSupplier condition) {
        applicationIsReady = condition;
    }

    /** Returns true if the application wants work, as far as is known. */
    boolean isApplicationReady() {
        try {
            return applicationIsReady.getAsBoolean();
        } catch (RuntimeException | Error fault) {
            notifier.fault("could not find out whether the application is ready; taking it for ready", fault);
            return true;
        }
    }
}
