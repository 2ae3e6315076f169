package io.tomcatdrain.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.tomcatdrain.Patience;
import io.tomcatdrain.jmx.DrainMXBean;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.ListenerNotFoundException;
import javax.management.MBeanServer;
import javax.management.MBeanServerDelegate;
import javax.management.MBeanServerNotification;
import javax.management.MalformedObjectNameException;
import javax.management.Notification;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/** Keeps the meters of one registry in step with the drains that JMX shows. Thread-safe. */
final class JmxDrainMeters implements NotificationListener, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(JmxDrainMeters.class.getName());
    private static final ObjectName DRAINS = drains();

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final MeterRegistry registry;

    /** Guarded by this, as is what follows. */
    private final Map<ObjectName, DrainMeters> meters = new HashMap<>();

    private boolean closed;

    JmxDrainMeters(MeterRegistry registry) {
        this.registry = registry;
        try {
            // First, so that none is missed; one that is seen twice is added once.
            server.addNotificationListener(MBeanServerDelegate.DELEGATE_NAME, this, null, null);
        } catch (InstanceNotFoundException impossible) {
            throw new IllegalStateException(impossible);
        }
        try {
            server.queryNames(DRAINS, null).forEach(this::add);
        } catch (Throwable fault) {
            closeAfter(fault);
            throw fault;
        }
    }

    /** Leaves nothing behind of what a fault has interrupted, which the caller passes on. */
    private void closeAfter(Throwable fault) {
        try {
            close();
        } catch (Throwable another) {
            fault.addSuppressed(another);
        }
    }

    private static ObjectName drains() {
        try {
            return new ObjectName("io.tomcatdrain:type=Drain,*");
        } catch (MalformedObjectNameException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Called on the thread that registers or unregisters an MBean; throws nothing into it. */
    @Override
    public void handleNotification(Notification notification, @Nullable Object handback) {
        if (!(notification instanceof MBeanServerNotification change) || !DRAINS.apply(change.getMBeanName())) {
            return;
        }
        Patience.call(() -> follow(change)); // on the thread that registers an MBean, that of a stop among them
    }

    private void follow(MBeanServerNotification change) {
        try {
            if (MBeanServerNotification.REGISTRATION_NOTIFICATION.equals(change.getType())) {
                add(change.getMBeanName());
            } else {
                remove(change.getMBeanName());
            }
        } catch (RuntimeException | Error fault) {
            LOG.log(Level.WARNING, "the meters of [" + change.getMBeanName() + "] do not follow it", fault);
        }
    }

    private synchronized void add(ObjectName drain) {
        if (!closed && !meters.containsKey(drain)) {
            DrainMXBean proxy = JMX.newMXBeanProxy(server, drain, DrainMXBean.class);
            meters.put(drain, new DrainMeters(registry, plainName(drain), proxy));
            if (!server.isRegistered(drain)) {
                remove(drain); // it went before it was in the map, so that nothing else would take it out
            }
        }
    }

    private synchronized void closeMeters() {
        closed = true;
        RuntimeException first = null;
        for (DrainMeters each : meters.values()) {
            try {
                each.close();
            } catch (RuntimeException fault) {
                first = first == null ? fault : first;
            }
        }
        meters.clear();
        if (first != null) {
            throw first;
        }
    }

    private synchronized void remove(ObjectName drain) {
        DrainMeters gone = meters.remove(drain);
        if (gone != null) {
            gone.close();
        }
    }

    private static String plainName(ObjectName drain) {
        String name = drain.getKeyProperty("name");
        if (name == null) {
            return "";
        }
        return name.startsWith("\"") ? ObjectName.unquote(name) : name;
    }

    @Override
    public void close() throws JMException {
        try {
            server.removeNotificationListener(MBeanServerDelegate.DELEGATE_NAME, this);
        } catch (ListenerNotFoundException removedAlready) {
            // nothing is left of it
        } finally {
            closeMeters();
        }
    }
}
