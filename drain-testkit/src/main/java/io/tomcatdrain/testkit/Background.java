package io.tomcatdrain.testkit;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** Something that a test does on a thread of its own, most often a stop. */
public final class Background<T> {
    /** What a test does on a thread of its own and expects nothing of. */
    public interface Action {
        void run() throws Exception;
    }

    private static final long LONGEST_SECONDS = 30;

    private final FutureTask<T> task;
    private final Thread thread;
    private volatile long endNanos;

    private Background(Callable<T> action) {
        task = new FutureTask<>(() -> {
            try {
                return action.call();
            } finally {
                endNanos = System.nanoTime();
            }
        });
        thread = new Thread(task, "background");
        thread.setDaemon(true);
        thread.start();
    }

    public static Background<Void> run(Action action) {
        return new Background<>(() -> {
            action.run();
            return null;
        });
    }

    public static <T> Background<T> call(Callable<T> action) {
        return new Background<>(action);
    }

    public Thread thread() {
        return thread;
    }

    public boolean isOver() {
        return task.isDone();
    }

    /** Waits for its end and returns its result; fails as it failed, or if it takes too long. */
    public T result() throws Exception {
        try {
            return task.get(LONGEST_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw new AssertionError(failed.getCause());
        }
    }

    /** Waits for its end and returns how long after that moment it came. */
    public long millisAfter(long nanos) throws Exception {
        result();
        return TimeUnit.NANOSECONDS.toMillis(endNanos - nanos);
    }
}
