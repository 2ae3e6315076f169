package io.tomcatdrain.valve;

import io.tomcatdrain.Patience;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleListener;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;

/**
 * Does the periodic work of all web applications (session expiry, a look for changed classes) while a stop of one waits on the very thread
 * that does it, or holds a lock that it needs. A reload that Tomcat begins by itself, for a changed file, runs on that thread.
 *
 * <p>Has a daemon thread while it is open. An application whose periodic work Tomcat has done within the last two periods is left alone.
 * Work that is not an application's (automatic deployment) is not done: the waiting thread is in the middle of it.
 */
final class BackgroundStandIn implements AutoCloseable {
    private static final Log LOG = LogFactory.getLog(BackgroundStandIn.class);

    private final Engine engine;
    private final Context stopping;
    private final long periodSeconds;
    private final CountDownLatch closed = new CountDownLatch(1);

    /** Those that had their turn in the period that runs. */
    private final Set<Container> hadTheirTurn = ConcurrentHashMap.newKeySet();

    private final LifecycleListener watch = this::noteTurn;

    private BackgroundStandIn(Engine engine, Context stopping) {
        this.engine = engine;
        this.stopping = stopping;
        this.periodSeconds = 2L * engine.getBackgroundProcessorDelay();
    }

    /** Stands in until it is closed; in an engine without periodic work there is nothing to do. Never throws. */
    static BackgroundStandIn open(Engine engine, Context stopping) {
        BackgroundStandIn standIn = new BackgroundStandIn(engine, stopping);
        if (engine.getBackgroundProcessorDelay() > 0) {
            Thread thread = new Thread(standIn::work, "drain-background-" + stopping.getName());
            thread.setDaemon(true);
            thread.setContextClassLoader(BackgroundStandIn.class.getClassLoader());
            try {
                thread.start();
            } catch (Error noThread) {
                Patience.call(() -> LOG.warn(
                        "Cannot do the periodic work of other applications while " + stopping + " stops", noThread));
            }
        }
        return standIn;
    }

    private void noteTurn(LifecycleEvent event) {
        if (Lifecycle.PERIODIC_EVENT.equals(event.getType()) && event.getLifecycle() instanceof Container container) {
            hadTheirTurn.add(container);
        }
    }

    private void work() {
        try {
            forEachApplication(context -> context.addLifecycleListener(watch));
            while (!closed.await(periodSeconds, TimeUnit.SECONDS)) {
                forEachApplication(this::doWhatIsDue);
                hadTheirTurn.clear();
            }
        } catch (InterruptedException told) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error fault) {
            LOG.warn("No longer doing the periodic work of other applications while " + stopping + " stops", fault);
        } finally {
            forEachApplication(context -> context.removeLifecycleListener(watch));
        }
    }

    private interface Action {
        void on(Context context);
    }

    private void forEachApplication(Action action) {
        for (Container host : engine.findChildren()) {
            for (Container child : host.findChildren()) {
                if (child instanceof Context context && context != stopping) {
                    action.on(context);
                }
            }
        }
    }

    private void doWhatIsDue(Context context) {
        boolean sharesTheThread = context.getBackgroundProcessorDelay() <= 0
                && context.getParent().getBackgroundProcessorDelay() <= 0;
        if (closed.getCount() == 0
                || hadTheirTurn.contains(context)
                || !sharesTheThread
                || !context.getState().isAvailable()
                || context.getLoader() == null) {
            return;
        }
        ClassLoader before = context.bind(false, null);
        try {
            context.backgroundProcess();
        } catch (RuntimeException fault) {
            LOG.warn("The periodic work of " + context + " failed", fault);
        } finally {
            context.unbind(false, before);
        }
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
