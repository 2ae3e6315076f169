package io.tomcatdrain.boot;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationContext;

/**
 * Lets the application's readiness follow the drain: refusing traffic while the drain is not ready, and what it was before once it is again.
 * Thread-safe.
 */
final class DrainReadiness implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(DrainReadiness.class.getName());

    private final ApplicationContext context;
    private final ApplicationAvailability availability;
    private @Nullable AutoCloseable registration;

    /** True while it is the drain alone that refuses; true a moment longer rather than too short. */
    private volatile boolean refusedByDrain;

    DrainReadiness(ApplicationContext context, ApplicationAvailability availability) {
        this.context = context;
        this.availability = availability;
    }

    /** Returns false while the application itself refuses traffic: while it starts, too. Takes no lock. */
    boolean isApplicationReady() {
        return refusedByDrain || availability.getReadinessState() == ReadinessState.ACCEPTING_TRAFFIC;
    }

    synchronized void follow(Drain drain) {
        registration = drain.onStateChange(this::changed);
    }

    private synchronized void changed(DrainState before, DrainState after) {
        if (before.isReady()
                && !after.isReady()
                && availability.getReadinessState() == ReadinessState.ACCEPTING_TRAFFIC) {
            refusedByDrain = true;
            publish(ReadinessState.REFUSING_TRAFFIC);
        } else if (after.isReady() && refusedByDrain) {
            publish(ReadinessState.ACCEPTING_TRAFFIC);
            refusedByDrain = false;
        }
    }

    private void publish(ReadinessState state) {
        AvailabilityChangeEvent.publish(context, this, state);
    }

    @Override
    public synchronized void close() {
        try {
            if (registration != null) {
                registration.close();
            }
        } catch (Exception unexpected) {
            LOG.log(Level.WARNING, "could not unregister a listener", unexpected);
        }
        registration = null;
    }
}
