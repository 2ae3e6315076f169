package io.tomcatdrain.boot;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.valve.DrainValve;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.core.Ordered;

/**
 * Drains before anything of the application stops.
 *
 * <p>The close of a context first tells all listeners of {@link ContextClosedEvent}, one after the other. The first of them, this one begins
 * the drain, so that front ends learn of it. The application's own come next, which may complete what would hold it: event streams, long
 * polls. Behind them the last one waits for the drain's end, which no time limit of Spring's cuts short, and tells Spring's own
 * ({@link LaterListeners}). Lifecycle beans are stopped after that, the web server's own graceful shutdown among them.
 *
 * <p>As a lifecycle bean of the phase that stops first, this one takes part in a stop without a close ({@code context.stop()}, a
 * checkpoint), which a start undoes; and in a close whose last listener was not told, since another one threw.
 */
final class DrainLifecycle implements ApplicationListener<ContextClosedEvent>, SmartLifecycle, Ordered {
    private static final Log LOG = LogFactory.getLog(DrainLifecycle.class);

    private static final String STOP = "application stop";

    private final DrainValve valve;
    private final ApplicationContext context;
    private final DrainReadiness readiness;
    private final ObjectProvider<DrainListener> listeners;
    private final List<DrainListener.Registration> registrations = new CopyOnWriteArrayList<>();
    private final LogBridge log = new LogBridge();
    private final LaterListeners later = new LaterListeners();

    /** Behind all listeners of the same order, since it is the last that joins them. */
    private final ApplicationListener<ContextClosedEvent> last = this::awaitDrained;

    private volatile boolean running;
    private volatile boolean stoppedBefore;

    DrainLifecycle(
            DrainValve valve,
            ApplicationContext context,
            DrainReadiness readiness,
            ObjectProvider<DrainListener> listeners) {
        this.valve = valve;
        this.context = context;
        this.readiness = readiness;
        this.listeners = listeners;
    }

    @Override
    public int getOrder() {
        return HIGHEST_PRECEDENCE;
    }

    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }

    /** A pause (Spring 7, between tests that share a context) is no stop: the server goes on. */
    public boolean isPauseable() {
        return false;
    }

    @Override
    public void start() {
        log.restore(); // a stop of the context takes the way to the log away
        Drain drain = valve.drain();
        if (drain == null) {
            LOG.warn(
                    "No drain: the web server of this application is not Spring Boot's embedded Tomcat, and stops as it would"
                            + " without tomcat-drain; remove drain-spring-boot, or use Tomcat");
        } else {
            readiness.follow(drain);
            listeners.orderedStream().forEach(listener -> registrations.add(drain.onStateChange(listener)));
            if (context instanceof ConfigurableApplicationContext configurable) {
                later.takeFrom(configurable);
                configurable.addApplicationListener(last);
            }
            if (stoppedBefore) {
                serveAgain();
            }
        }
        running = true;
    }

    /** What Spring Boot has stopped with the context it has started again by now: its connectors listen. */
    private void serveAgain() {
        try {
            valve.resumeAfterPause();
        } catch (IllegalStateException obstacle) {
            LOG.warn("The application context was started again, but its drain goes on refusing requests: "
                    + obstacle.getMessage() + ". Restart the application");
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public void onApplicationEvent(ContextClosedEvent event) {
        if (event.getApplicationContext() == context) {
            log.restore();
            valve.beginBeforeStop(STOP);
        }
    }

    private void awaitDrained(ContextClosedEvent event) {
        if (event.getApplicationContext() == context) {
            valve.drainBeforeStop(STOP);
            later.tell(event);
        }
    }

    /** Blocks: the wait for a callback would be cut short by {@code spring.lifecycle.timeout-per-shutdown-phase}. */
    @Override
    public void stop() {
        running = false;
        stoppedBefore = true;
        valve.drainBeforePause("application context stop");
        readiness.close();
        registrations.forEach(DrainListener.Registration::close);
        registrations.clear();
    }
}
