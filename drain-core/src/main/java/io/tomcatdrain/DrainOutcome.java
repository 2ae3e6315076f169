package io.tomcatdrain;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The end of one drain, shared by all callers that joined it. Thread-safe.
 *
 * <p>Callers cannot complete it. A thread that waits for it is released by the drain itself and not behind the dependent stages of other
 * callers, one of which may hang: those run later, on a thread that the drain does not need.
 */
final class DrainOutcome extends CompletableFuture<DrainReport> {
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile @Nullable DrainReport report;
    private volatile Runnable onWait = () -> {};

    /** Sets what a thread runs before it waits for the end, however long that takes. */
    void onWait(Runnable look) {
        onWait = look;
    }

    /** Releases all threads that wait, and lets the dependent stages run; for the drain, once. */
    void end(DrainReport made, Executor dependents) {
        report = made;
        ended.countDown();
        dependents.execute(() -> super.complete(made));
    }

    @Override
    public boolean isDone() {
        return report != null;
    }

    @Override
    public @Nullable DrainReport get() throws InterruptedException {
        if (report == null) {
            onWait.run();
        }
        ended.await();
        return report;
    }

    @Override
    public @Nullable DrainReport get(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException {
        if (!ended.await(timeout, unit)) {
            throw new TimeoutException("the drain is not over");
        }
        return report;
    }

    /** Waits through interrupts, as every future's join does. */
    @Override
    public @Nullable DrainReport join() {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return get();
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public @Nullable DrainReport getNow(@Nullable DrainReport absent) {
        DrainReport made = report;
        return made != null ? made : absent;
    }

    // ---------------------------------------------------------------- callers cannot end a drain

    @Override
    public boolean complete(@Nullable DrainReport value) {
        return false;
    }

    @Override
    public boolean completeExceptionally(Throwable cause) {
        return false;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return false;
    }

    @Override
    public CompletableFuture<DrainReport> completeAsync(Supplier<? extends DrainReport> supplier, Executor executor) {
        return this;
    }

    @Override
    public void obtrudeValue(@Nullable DrainReport value) {
        throw new UnsupportedOperationException("a drain ends by itself; call resume or start");
    }

    @Override
    public void obtrudeException(Throwable cause) {
        throw new UnsupportedOperationException("a drain ends by itself; call resume or start");
    }

    /** A time limit is the caller's own, and does not bind the other callers that wait for the drain. */
    @Override
    public CompletableFuture<DrainReport> orTimeout(long timeout, TimeUnit unit) {
        return copy().orTimeout(timeout, unit);
    }

    @Override
    public CompletableFuture<DrainReport> completeOnTimeout(@Nullable DrainReport value, long timeout, TimeUnit unit) {
        return copy().completeOnTimeout(value, timeout, unit);
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }
}
