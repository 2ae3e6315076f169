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
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.core.Ordered;

/**
 * Drains before anything of the application stops.
 *
 * <p>The close of a context first tells all listeners of {@link ContextClosedEvent}, one after the other; among them are the task executors,
 * which take no more work from then on, although requests still need them. Therefore the drain is the first of these listeners and blocks there,
 * which no time limit of Spring's cuts short. Lifecycle beans are stopped after that, the web server's own graceful shutdown among them.
 *
 * <p>As a lifecycle bean of the phase that stops first, this one takes part in a stop without a close ({@code context.stop()}, a
 * checkpoint), which a start undoes.
 */
final class DrainLifecycle implements ApplicationListener<ContextClosedEvent>, SmartLifecycle, Ordered {
    private static final Log LOG = LogFactory.getLog(DrainLifecycle.class);

    private final DrainValve valve;
    private final ApplicationContext context;
    private final DrainReadiness readiness;
    private final ObjectProvider<DrainListener> listeners;
    private final List<DrainListener.Registration> registrations = new CopyOnWriteArrayList<>();
    private final LogBridge log = new LogBridge();

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
                    "No drain: the web server of this application is no embedded Tomcat of Spring Boot's, and stops as it would"
                            + " without tomcat-drain; remove drain-spring-boot, or use Tomcat");
        } else {
            readiness.follow(drain);
            listeners.orderedStream().forEach(listener -> registrations.add(drain.onStateChange(listener)));
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
            valve.drainBeforeStop("application stop");
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
