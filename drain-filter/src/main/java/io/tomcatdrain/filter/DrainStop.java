package io.tomcatdrain.filter;

import io.tomcatdrain.Drain;
import io.tomcatdrain.http.DrainEndpoints;
import jakarta.servlet.ServletContext;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/** The drain's part in the stop of its web application. Thread-safe. */
final class DrainStop {
    /*
     * A container that stops an application destroys its filters too late: Tomcat has failed its async requests and destroyed its
     * servlets by then. But Tomcat announces the stop of a web application, as JSR 77 wants it, by a JMX notification, on the thread
     * that stops it and before it touches anything. Who waits in that notification holds the stop. It needs no class of Tomcat's.
     */
    private static final System.Logger LOG = System.getLogger(DrainStop.class.getName());

    private static final String STOPPING = "j2ee.state.stopping";

    /** How long a drain may be late before it is no longer believed to end. */
    private static final long GRACE_MILLIS = 3_000;

    private static final long ANSWER_MILLIS = 500;

    private final Drain drain;
    private final DrainEndpoints endpoints;
    private final NotificationListener listener = this::notified;

    /** Null unless the container announces the stop. */
    private volatile @Nullable NotificationEmitter emitter;

    DrainStop(Drain drain, DrainEndpoints endpoints) {
        this.drain = drain;
        this.endpoints = endpoints;
    }

    /** Drains when the container announces the stop of the application, if it is one that does. */
    void watch(ServletContext context) {
        try {
            NotificationEmitter found = findEmitter(context);
            if (found != null) {
                found.addNotificationListener(listener, null, null);
                emitter = found;
            }
        } catch (JMException | ReflectiveOperationException | RuntimeException notThatTomcat) {
            LOG.log(
                    Level.DEBUG,
                    "drain[" + drain.name() + "] will not be told of the application's stop",
                    notThatTomcat);
        }
    }

    void unwatch() {
        NotificationEmitter left = emitter;
        emitter = null;
        if (left != null) {
            try {
                left.removeNotificationListener(listener);
            } catch (JMException goneAlready) {
                // nobody will tell us
            }
        }
    }

    /** Returns Tomcat's own object behind the application; null in another container, or where its JMX registry is off. */
    private static @Nullable NotificationEmitter findEmitter(ServletContext context)
            throws JMException, ReflectiveOperationException {
        String server = context.getVirtualServerName(); // ENGINE/HOST
        int slash = server == null ? -1 : server.lastIndexOf('/');
        if (server == null || slash < 0) {
            return null;
        }
        ObjectName pattern = new ObjectName(server.substring(0, slash) + ":j2eeType=WebModule,name=//"
                + server.substring(slash + 1) + Names.ofContext(context) + ",*");
        MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
        for (ObjectName name : beans.queryNames(pattern, null)) {
            // Two Tomcats in one process overwrite each other's names.
            if (beans.getAttribute(name, "managedResource") instanceof NotificationEmitter found
                    && found.getClass().getMethod("getServletContext").invoke(found) == context) {
                return found;
            }
        }
        return null;
    }

    private void notified(Notification notification, @Nullable Object handback) {
        if (STOPPING.equals(notification.getType())) {
            drain("context stop");
        }
    }

    /** Waits until everything that was accepted has been answered, within the limits. Nothing new arrives by now. */
    void drain(String reason) {
        drain.startForStop(reason, false);
        drain.endLameDuck();
        try {
            long remaining = Math.max(0, drain.summary().remainingMillis()); // a command may have given it other limits
            if (!drain.state().isOver() && !drain.awaitOver(remaining + GRACE_MILLIS)) {
                LOG.log(
                        Level.ERROR,
                        "drain[" + drain.name() + "] is past its limits and has not ended; stopping all the same");
            }
            endpoints.awaitAnswered(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException enough) {
            LOG.log(
                    Level.WARNING,
                    "drain[" + drain.name()
                            + "] interrupted while the stop waits for it; stopping with what is still in flight");
            Thread.currentThread().interrupt();
        }
    }
}
