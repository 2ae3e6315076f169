package io.tomcatdrain;

import java.util.function.BooleanSupplier;

/** What an adapter has told a drain to ask or to do, on the thread of the caller and under no lock; its faults cost nothing. Thread-safe. */
final class AdapterHooks {
    private final DrainNotifier notifier;
    private volatile Runnable onWait = () -> {};
    private volatile BooleanSupplier applicationIsReady = () -> true;

    AdapterHooks(DrainNotifier notifier) {
        this.notifier = notifier;
    }

    /** Says what a caller does that begins to wait, or looks again. */
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

    /** Returns what a thread calls at each of its looks, which notes that at most so often. For that thread alone. */
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

    /** Says when the application wants work, beside the drain. */
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
