package io.tomcatdrain.jmx;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.Patience;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.management.InstanceAlreadyExistsException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/**
 * A drain's place in the platform's MBean server, from its making to its closing. Thread-safe.
 *
 * <p>JMX is a window, not a part of the drain: where it cannot be opened, a warning says so and everything else goes on.
 *
 * @since 1.0
 */
public final class DrainRegistration implements AutoCloseable {

    /** The type of the notification that each state change sends. */
    public static final String STATE_NOTIFICATION = "io.tomcatdrain.state";

    private static final System.Logger LOG = System.getLogger(DrainRegistration.class.getName());

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final String drainName;

    /** Null if the registration failed. */
    private final @Nullable ObjectName objectName;

    private final DrainListener.Registration listening;
    private final AtomicBoolean closed = new AtomicBoolean();

    private DrainRegistration(Drain drain) {
        this.drainName = drain.name();
        ObjectName registered = null;
        DrainListener.Registration listener = () -> {};
        try {
            ObjectName wanted = objectName(drainName);
            DrainEmitter emitter = new DrainEmitter(drain, wanted);
            registered = show(emitter, wanted) ? wanted : null;
            if (registered != null) {
                listener = drain.onStateChange(emitter::stateChanged);
            }
        } catch (JMException | RuntimeException | Error fault) {
            warn("is not shown by JMX", fault);
        }
        this.objectName = registered;
        this.listening = listener;
    }

    /**
     * Registers the MBean. The server runs the listeners of others on this thread, once the MBean is in; what one of them throws is
     * logged, and the drain is shown all the same.
     */
    private boolean show(DrainEmitter emitter, ObjectName wanted) throws JMException {
        boolean taken = server.isRegistered(wanted);
        try {
            server.registerMBean(emitter, wanted);
            return true;
        } catch (InstanceAlreadyExistsException clash) {
            warn(
                    "is not shown by JMX: another drain of this process has the name [" + objectNameText(drainName)
                            + "]; give the engine, host or context another name",
                    null);
            return false;
        } catch (RuntimeException | Error fault) {
            if (taken || !server.isRegistered(wanted)) {
                throw fault;
            }
            warn("is shown by JMX, but a listener for new MBeans has failed", fault);
            return true;
        }
    }

    /** A log that fails or hangs must neither keep a server from starting nor from stopping. */
    private void warn(String what, @Nullable Throwable fault) {
        Patience.call(() -> LOG.log(Level.WARNING, "drain[" + drainName + "] " + what, fault));
    }

    /** Shows a drain by JMX until the registration is closed. Never throws: what goes wrong is logged. */
    public static DrainRegistration register(Drain drain) {
        return new DrainRegistration(drain);
    }

    /** Returns what JMX shows of a drain, without showing it. */
    public static DrainMXBean view(Drain drain) {
        return new DrainView(drain);
    }

    /** Returns the name under which a drain is shown. */
    static ObjectName objectName(String drainName) throws MalformedObjectNameException {
        return new ObjectName(objectNameText(drainName));
    }

    private static String objectNameText(String drainName) {
        return "io.tomcatdrain:type=Drain,name=" + (needsQuotes(drainName) ? ObjectName.quote(drainName) : drainName);
    }

    private static boolean needsQuotes(String value) {
        return value.isEmpty() || value.chars().anyMatch(c -> ",=:\"*?\n".indexOf(c) >= 0);
    }

    /** Takes the drain out of JMX; does nothing the second time. Never throws: what goes wrong is logged. */
    @Override
    public void close() {
        ObjectName registered = objectName;
        if (registered == null || !closed.compareAndSet(false, true)) {
            return;
        }
        Patience.call(() -> unregister(registered)); // the listeners of others are told on that thread
    }

    private void unregister(ObjectName registered) {
        try {
            listening.close();
            server.unregisterMBean(registered);
        } catch (InstanceNotFoundException goneAlready) {
            // another part of the process has taken it out
        } catch (JMException | RuntimeException | Error fault) {
            warn(
                    server.isRegistered(registered)
                            ? "is still shown by JMX as [" + registered + "]"
                            : "is not shown by JMX any more, but a listener for MBeans that go has failed",
                    fault);
        }
    }
}
