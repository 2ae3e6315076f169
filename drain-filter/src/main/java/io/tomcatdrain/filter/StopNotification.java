package io.tomcatdrain.filter;

import io.tomcatdrain.http.ServletDrain;
import jakarta.servlet.ServletContext;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/** Drains when the container announces the stop of the web application, where it does. Thread-safe. */
final class StopNotification {
    /*
     * A container that stops an application destroys its filters too late: Tomcat has failed its async requests and destroyed its
     * servlets by then. But Tomcat announces the stop of a web application, as JSR 77 wants it, by a JMX notification, on the thread
     * that stops it and before it touches anything. A listener that waits there holds the stop. It needs no class of Tomcat's.
     */
    private static final System.Logger LOG = System.getLogger(StopNotification.class.getName());

    private static final String STOPPING = "j2ee.state.stopping";

    private final ServletDrain drain;
    private final NotificationListener listener = this::notified;

    /** Null unless the container announces the stop. */
    private volatile @Nullable NotificationEmitter emitter;

    StopNotification(ServletDrain drain) {
        this.drain = drain;
    }

    /** Listens for the stop of that application, if the container announces it. */
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
                    "drain[" + drain.drain().name() + "] will not be told of the application's stop",
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
                // there is nothing to remove
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
            drainForStop("context stop", drain);
        }
    }

    /** Waits until everything that was accepted has been answered, within the limits. Nothing new arrives by now. */
    static void drainForStop(String what, ServletDrain drain) {
        drain.beginLate(what);
        drain.await();
        drain.answerWaiting();
    }
}
