package io.tomcatdrain.valve;

import io.tomcatdrain.Patience;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Server;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;

/**
 * Makes a SIGTERM wait that comes while the shutdown port's stop drains: Tomcat removes its own shutdown hook first
 * (org.apache.catalina.startup.Catalina#stop), so that the process would end at once. This is what systemd does. One for each stop of a
 * server, made by the thread that stops it. Thread-safe.
 *
 * <p>A stop need not end with an {@code AFTER_STOP}: where a listener or a part of the server throws, the server's state becomes
 * {@code FAILED} and no event announces that (org.apache.catalina.util.LifecycleBase#stop).
 */
final class ProcessKeeper {
    private static final Log LOG = LogFactory.getLog(ProcessKeeper.class);

    /** How often the process looks whether the stop is over, once it ends. */
    private static final long LOOK_MILLIS = 100;

    private final Server server;
    private final Thread stopper = Thread.currentThread();

    /** Of such a server the state says nothing until its own stop begins: it is {@code FAILED} while the listeners before that run. */
    private final boolean failedBefore;

    private final Thread jvmHook;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile boolean drained;
    private volatile boolean stopping;

    /** True while the log is ours to close, which Tomcat would do too early. */
    private volatile boolean logKept;

    /** Keeps nothing yet. */
    ProcessKeeper(Server server, Duration limit) {
        this.server = server;
        this.failedBefore = server.getState() == LifecycleState.FAILED;
        this.jvmHook = new Thread(() -> awaitStopped(limit), "drain-shutdown");
    }

    /** Keeps the process alive until the stop is over. */
    void keep() {
        try {
            Runtime.getRuntime().addShutdownHook(jvmHook);
            logKept = JuliShutdown.closeByHook(false);
        } catch (IllegalStateException shuttingDown) {
            // SIGTERM came first: the hook that stops the server keeps the process alive.
        }
    }

    /** Returns what keeps the process alive. */
    Thread jvmHook() {
        return jvmHook;
    }

    /** Notes that the drain is over and the rest of the stop is Tomcat's. */
    void noteDrained() {
        drained = true;
    }

    /** Notes that all listeners have been told of the stop, and the parts of the server stop. */
    void noteStopping() {
        stopping = true;
    }

    /** Returns true if the stop has come to an end, in whatever way. */
    boolean isOver() {
        return stopped.getCount() == 0 || !stopper.isAlive() || (drained && hasEnded());
    }

    private boolean hasEnded() {
        return switch (server.getState()) {
            case STOPPED, DESTROYING, DESTROYED -> true;
            case FAILED -> stopping || !failedBefore;
            default -> false;
        };
    }

    /** Lets the process end. */
    void release() {
        stopped.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(jvmHook);
            if (logKept) {
                JuliShutdown.closeByHook(true);
            }
        } catch (IllegalStateException shuttingDown) {
            // It is running, and ends by the latch.
        }
    }

    private void awaitStopped(Duration limit) {
        long began = System.nanoTime();
        try {
            while (!isOver() && Duration.ofNanos(System.nanoTime() - began).compareTo(limit) < 0) {
                stopped.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (!isOver()) {
                Patience.call(() -> LOG.warn("The server has not stopped " + limit.toMillis()
                        + " ms after its drain began; no longer keeping the process alive"));
            }
            // The thread that met a fault is about to log it.
            stopped.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (logKept) {
            JuliShutdown.close();
        }
    }
}
