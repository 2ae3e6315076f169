package io.tomcatdrain.valve;

import io.tomcatdrain.http.ServletDrain;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleListener;
import org.apache.catalina.Server;
import org.apache.catalina.Service;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Drains before a server stops: one for each server, shared by all its drain valves, so that their drains run at the same time.
 *
 * <p>A server's {@code BEFORE_STOP} is the last moment at which its connectors still serve (org.apache.catalina.core.StandardService
 * pauses them next). Blocking there holds every kind of stop: SIGTERM, the shutdown port, {@code catalina.sh stop}, embedded
 * {@code Tomcat.stop()}.
 */
final class StopHook implements LifecycleListener {
    private static final Log LOG = LogFactory.getLog(StopHook.class);

    /** How long the rest of a stop may take before a process that was told to end twice ends. */
    private static final Duration REST_OF_STOP = Duration.ofSeconds(60);

    /**
     * Guards who has which hook. Not the server's own monitor: its stop holds that while it waits for a part whose stop may want to
     * leave the hook.
     */
    private static final Object LOCK = new Object();

    /** One valve's part in a stop. */
    private record Part(ServletDrain drain, Service service) {}

    private final Server server;
    private final List<Part> parts = new CopyOnWriteArrayList<>();
    private boolean stopping;
    private @Nullable Thread jvmHook;

    /** True while the log is ours to close, which Tomcat would do too early. */
    private volatile boolean logKept;

    private final CountDownLatch stopped = new CountDownLatch(1);

    private StopHook(Server server) {
        this.server = server;
    }

    /** Adds a drain to the server's hook, which is made if there is none. */
    static void add(Server server, ServletDrain drain, Service service) {
        synchronized (LOCK) {
            StopHook hook = find(server);
            if (hook == null) {
                hook = new StopHook(server);
                server.addLifecycleListener(hook);
            }
            hook.parts.add(new Part(drain, service));
        }
    }

    /** Takes a drain out of the server's hook, which goes with its last drain unless the server itself stops. */
    static void remove(Server server, ServletDrain drain) {
        synchronized (LOCK) {
            StopHook hook = find(server);
            if (hook != null) {
                hook.parts.removeIf(part -> part.drain == drain);
                hook.removeIfUnused();
            }
        }
    }

    private static @Nullable StopHook find(Server server) {
        for (LifecycleListener listener : server.findLifecycleListeners()) {
            if (listener instanceof StopHook hook) {
                return hook;
            }
        }
        return null;
    }

    /** Returns what keeps the process alive during a stop; null unless one runs. */
    @Nullable Thread jvmHook() {
        return jvmHook;
    }

    private void removeIfUnused() {
        if (parts.isEmpty() && !stopping) {
            server.removeLifecycleListener(this);
        }
    }

    @Override
    public void lifecycleEvent(LifecycleEvent event) {
        switch (event.getType()) {
            case Lifecycle.BEFORE_STOP_EVENT -> beforeStop();
            case Lifecycle.AFTER_STOP_EVENT -> afterStop();
            default -> {}
        }
    }

    private void beforeStop() {
        synchronized (LOCK) {
            stopping = true;
        }
        keepProcessAlive();
        parts.forEach(part -> part.drain.begin("server stop", true));
        parts.forEach(part -> part.drain.await());
        Set<Service> services = new LinkedHashSet<>();
        for (Part part : parts) {
            part.drain.answerWaiting();
            services.add(part.service);
        }
        services.forEach(ValveRuntime::endQuietly);
    }

    private void afterStop() {
        stopped.countDown();
        synchronized (LOCK) {
            stopping = false;
            removeIfUnused();
        }
        Thread hook = jvmHook;
        jvmHook = null;
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
                if (logKept) {
                    JuliShutdown.closeByHook(true);
                }
            } catch (IllegalStateException shuttingDown) {
                // It is running, and ends by the latch.
            }
        }
    }

    /**
     * Makes a SIGTERM wait that comes while the shutdown port's stop drains: Tomcat removes its own shutdown hook first
     * (org.apache.catalina.startup.Catalina#stop), so that the process would end at once. This is what systemd does.
     */
    private void keepProcessAlive() {
        long limitMillis = REST_OF_STOP.toMillis();
        for (Part part : parts) {
            limitMillis = Math.max(
                    limitMillis,
                    part.drain.drain().longestStop().plus(REST_OF_STOP).toMillis());
        }
        long limit = limitMillis;
        Thread hook = new Thread(() -> awaitStopped(limit), "drain-shutdown");
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            jvmHook = hook;
            logKept = JuliShutdown.closeByHook(false);
        } catch (IllegalStateException shuttingDown) {
            // SIGTERM came first: the hook that stops the server keeps the process alive.
        }
    }

    private void awaitStopped(long limitMillis) {
        try {
            if (!stopped.await(limitMillis, TimeUnit.MILLISECONDS)) {
                LOG.warn("The server has not stopped " + limitMillis
                        + " ms after its drain began; no longer keeping the process alive");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (logKept) {
            JuliShutdown.close();
        }
    }
}
