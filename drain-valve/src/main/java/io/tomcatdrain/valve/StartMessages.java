package io.tomcatdrain.valve;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainSettings.Setting;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.Container;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleListener;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Server;
import org.apache.catalina.Service;
import org.apache.catalina.Valve;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/** What the log says of a valve's start: one line that it is active, or why it is not. */
final class StartMessages {
    private static final Log LOG = LogFactory.getLog(DrainValve.class);

    private StartMessages() {}

    /** Says that the valve is active, where its endpoints are, who may control it, and how long a stop can take. */
    static void active(String who, DrainSettings settings) {
        LOG.info(who + "active, endpoints at [" + settings.path() + "], control over HTTP " + control(settings)
                + "; a stop " + stop(settings));
    }

    private static String control(DrainSettings settings) {
        if (!settings.hasToken()) {
            return "off, since there is no token";
        }
        return settings.controlPort() == null ? "on, by token" : "on port " + settings.controlPort() + ", by token";
    }

    private static String stop(DrainSettings settings) {
        if (!settings.drainOnStop()) {
            return "does not drain, as drainOnStop [false] says";
        }
        String lameDuck = settings.text(Setting.LAME_DUCK);
        return "waits for uploads at most [" + time(settings.text(Setting.UPLOAD_TIMEOUT)) + "], for other requests ["
                + time(settings.text(Setting.REQUEST_TIMEOUT)) + "], after a lame duck of ["
                + ("auto".equals(lameDuck)
                        ? "auto, at most " + time(settings.text(Setting.LAME_DUCK_TIMEOUT))
                        : time(lameDuck))
                + "]"
                + (settings.killAfter() == null
                        ? ""
                        : ", all within killAfter [" + time(settings.text(Setting.KILL_AFTER)) + "]");
    }

    /** Returns a duration as it was written; one without a unit gets that which it has, since 90 could be meant as seconds. */
    private static @Nullable String time(@Nullable String text) {
        boolean bare = text != null && !text.isEmpty() && text.chars().allMatch(each -> each >= '0' && each <= '9');
        return bare ? text + "ms" : text;
    }

    /**
     * Checks that a container has one of our valves only: two would have one drain name, and each would wait for the other's requests.
     *
     * @throws IllegalArgumentException if there is another one
     */
    static void requireOne(Container container) {
        int ours = 0;
        for (Valve valve : container.getPipeline().getValves()) {
            ours += valve instanceof DrainValve ? 1 : 0;
        }
        if (ours > 1) {
            throw new IllegalArgumentException("[" + ours + "] DrainValves in one container would have the same name ["
                    + ValveRuntime.nameOf(container) + "]; keep one of them");
        }
    }

    /** Warns of a drain that has the same name in another container of the server, and has started: whatever names a drain means either. */
    static void warnOfNamesake(Container container, Service service) {
        Server server = service.getServer();
        if (server == null) {
            return;
        }
        for (Service each : server.findServices()) {
            Container other = each.getContainer() == null ? null : namesake(each.getContainer(), container);
            if (other != null) {
                String name = ValveRuntime.nameOf(container);
                LOG.warn("DrainValve[" + name + "]: the valves of [" + other + "] in service [" + each.getName()
                        + "] and of [" + container + "] in service [" + service.getName()
                        + "] have the same name: JMX and metrics show the first of the two only, and the log does not tell them"
                        + " apart; give one of the two containers another name");
            }
        }
    }

    private static @Nullable Container namesake(Container candidate, Container container) {
        if (candidate != container
                && ValveRuntime.nameOf(candidate).equals(ValveRuntime.nameOf(container))
                && Arrays.stream(candidate.getPipeline().getValves())
                        .anyMatch(valve -> valve instanceof DrainValve drain
                                && drain.getState().isAvailable())) {
            return candidate;
        }
        return Arrays.stream(candidate.findChildren())
                .map(child -> namesake(child, container))
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    /**
     * Says why the start was refused: now, and once more when the server has given up or has started without the container. In between Tomcat
     * logs a hundred lines, of the failed start and of its clean-up, and the last lines of a log are what is read.
     */
    static void refused(String message, Container container, @Nullable Server server) {
        LOG.error(message);
        if (server != null && server.getState() != LifecycleState.STARTED) {
            Reminder reminder = new Reminder(message, container, server);
            container.addLifecycleListener(reminder);
            server.addLifecycleListener(reminder);
        }
    }

    /** Says it once more. The destruction of an engine that was refused its start fails, so that its beginning is the last that is heard of it. */
    private static final class Reminder implements LifecycleListener {
        private final String message;
        private final Container container;
        private final Server server;
        private final AtomicBoolean said = new AtomicBoolean();

        Reminder(String message, Container container, Server server) {
            this.message = message;
            this.container = container;
            this.server = server;
        }

        @Override
        public void lifecycleEvent(LifecycleEvent event) {
            boolean isDue = event.getLifecycle() == server
                    ? Lifecycle.AFTER_START_EVENT.equals(event.getType())
                    : Lifecycle.BEFORE_DESTROY_EVENT.equals(event.getType());
            if (isDue && said.compareAndSet(false, true)) {
                container.removeLifecycleListener(this);
                server.removeLifecycleListener(this);
                LOG.error(message);
            }
        }
    }
}
