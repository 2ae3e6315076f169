package io.tomcatdrain.valve;

import io.tomcatdrain.Patience;
import io.tomcatdrain.http.ServletDrain;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
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
final class StopHook {
    private static final Log LOG = LogFactory.getLog(StopHook.class);

    /**
     * How long the rest of a stop may take, after the drain, before a process that got SIGTERM after the shutdown port ends all the same.
     */
    private static final Duration REST_OF_STOP = Duration.ofSeconds(60);

    /**
     * Guards which server has which hook. Not the server's own monitor: its stop holds that while it waits for a part whose stop may want
     * to leave the hook.
     */
    private static final Object LOCK = new Object();

    /**
     * What the server has of its hook. A lambda, which has no name that can be looked up: Tomcat's StoreConfig, which writes server.xml
     * anew from what runs, passes over such a listener. Another it would write, and fail if it cannot make a second one by {@code new}.
     */
    @FunctionalInterface
    private interface Handle extends LifecycleListener {
        StopHook hook();

        @Override
        default void lifecycleEvent(LifecycleEvent event) {
            hook().lifecycleEvent(event);
        }
    }

    /** One valve's part in a stop. */
    private record Part(ServletDrain drain, Service service, int depth) {}

    private final Server server;
    private final Handle handle = () -> this;
    private final List<Part> parts = new CopyOnWriteArrayList<>();

    /** Null unless systemd has asked for messages (NOTIFY_SOCKET). */
    private final @Nullable SystemdNotify systemd = SystemdNotify.ofProcess();

    /** That of the stop that runs, or of one that did not end well. */
    private volatile @Nullable ProcessKeeper keeper;

    private StopHook(Server server) {
        this.server = server;
    }

    /**
     * Adds a drain to the server's hook, which is made if there is none.
     *
     * @param depth how many containers are around the drain's own
     */
    static void add(Server server, ServletDrain drain, Service service, int depth) {
        synchronized (LOCK) {
            StopHook hook = find(server);
            if (hook == null) {
                hook = new StopHook(server);
                server.addLifecycleListener(hook.handle);
            }
            hook.parts.add(new Part(drain, service, depth));
            if (hook.systemd != null) {
                hook.systemd.watch(drain.drain());
            }
        }
    }

    /** Takes a drain out of the server's hook, which goes with its last drain unless the server itself stops. */
    static void remove(Server server, ServletDrain drain) {
        synchronized (LOCK) {
            StopHook hook = find(server);
            if (hook != null) {
                hook.parts.removeIf(part -> part.drain == drain);
                if (hook.systemd != null) {
                    hook.systemd.unwatch(drain.drain());
                }
                hook.removeIfUnused();
            }
        }
    }

    /** Returns the server's hook; null if it has none. */
    static @Nullable StopHook find(Server server) {
        for (LifecycleListener listener : server.findLifecycleListeners()) {
            if (listener instanceof Handle found) {
                return found.hook();
            }
        }
        return null;
    }

    /** Returns what keeps the process alive during a stop; null unless one runs. */
    @Nullable Thread jvmHook() {
        ProcessKeeper current = keeper;
        return current == null ? null : current.jvmHook();
    }

    /** Goes, unless a stop runs. One that failed has no AFTER_STOP. */
    private void removeIfUnused() {
        ProcessKeeper current = keeper;
        if (parts.isEmpty() && (current == null || current.isOver())) {
            server.removeLifecycleListener(handle);
            release();
        }
    }

    private void lifecycleEvent(LifecycleEvent event) {
        switch (event.getType()) {
            case Lifecycle.AFTER_START_EVENT -> safely("tell systemd", this::afterStart);
            case Lifecycle.BEFORE_STOP_EVENT -> safely("drain", this::beforeStop);
            case Lifecycle.STOP_EVENT -> {
                ProcessKeeper current = keeper;
                if (current != null) {
                    current.noteStopping();
                }
            }
            case Lifecycle.AFTER_STOP_EVENT, Lifecycle.AFTER_DESTROY_EVENT -> afterStop();
            default -> {}
        }
    }

    private void afterStart() {
        if (systemd != null) {
            systemd.serverStarted();
        }
    }

    private void beforeStop() {
        safely("keep the process alive", this::keepProcessAlive);
        Map<Service, Duration> services = new LinkedHashMap<>();
        // Outer ones first: only they are asked for readiness, and the lame duck of those inside lasts as long as
        // theirs.
        parts.stream()
                .sorted(Comparator.comparing(Part::depth))
                .forEach(part -> safely("begin", () -> part.drain.begin("server stop", true)));
        parts.forEach(part -> safely("wait", part.drain::await));
        for (Part part : parts) {
            safely("answer those who wait", part.drain::answerWaiting);
            services.put(part.service, part.drain.drain().settings().requestTimeout());
        }
        services.forEach((service, longest) -> safely("end quietly", () -> ValveRuntime.endQuietly(service, longest)));
        ProcessKeeper current = keeper;
        if (current != null) {
            current.noteDrained();
        }
    }

    private void afterStop() {
        safely("let the process end", this::release);
        safely("leave the server", () -> {
            synchronized (LOCK) {
                removeIfUnused();
            }
        });
    }

    private void keepProcessAlive() {
        release(); // of a stop that failed
        Duration limit = REST_OF_STOP;
        for (Part part : parts) {
            Duration longest = part.drain.drain().longestStop().plus(REST_OF_STOP);
            limit = limit.compareTo(longest) < 0 ? longest : limit;
        }
        ProcessKeeper fresh = new ProcessKeeper(server, limit);
        keeper = fresh;
        fresh.keep();
    }

    private void release() {
        ProcessKeeper current = keeper;
        keeper = null;
        if (current != null) {
            current.release();
        }
    }

    /** A fault of ours must not end the server's stop. */
    private static void safely(String what, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error fault) {
            Patience.call(() -> LOG.error("The server's drain could not " + what, fault));
        }
    }
}
