package io.tomcatdrain.valve;

import io.tomcatdrain.Patience;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a wait inside a web application's stop from holding others: Tomcat's own stop is over in seconds, and what it holds meanwhile is
 * not meant to be held for minutes.
 *
 * <p>A reload marks its context as paused before the stop begins ({@code StandardContext.reload}). From then on each request to that
 * context keeps a thread of its connector until the reload is over, asleep before any valve sees it ({@code
 * CoyoteAdapter.postParseRequest}): as many requests as a connector has threads, and it answers no other. Likewise the thread that does the
 * background work of all applications (session expiry, automatic deployment) waits for the lock that a stop or a reload of one holds
 * ({@code StandardContext.backgroundProcess}).
 *
 * <p>Made, used and closed by the thread that stops the context; {@link #isLifted} may be called by any.
 */
final class ContextPause implements AutoCloseable {
    private static final Log LOG = LogFactory.getLog(ContextPause.class);

    /** Lets the background thread of the containers above pass the context by, as one that has a thread of its own. */
    private static final int NEVER_SECONDS = Integer.MAX_VALUE;

    /** Null where what stops is no web application: Tomcat pauses nothing else. */
    private final @Nullable Context context;

    private boolean passedBy;
    private int backgroundDelay;
    private boolean warned;
    private @Nullable BackgroundStandIn standIn;
    private volatile boolean lifted;

    ContextPause(Container stopping) {
        this.context = stopping instanceof Context stoppingContext ? stoppingContext : null;
    }

    /**
     * Takes the pause off, if there is one, until {@link #close}. Never throws.
     *
     * @return true if the stop may wait now; false, after one warning, if Tomcat would go on holding newcomers all the while
     */
    boolean lift() {
        if (context == null) {
            return true;
        }
        if (context.getPaused() && !unpause(context)) {
            return false;
        }
        passBy(context);
        return true;
    }

    private boolean unpause(Context reloading) {
        TomcatInternals.get().pause(reloading, false);
        lifted = !reloading.getPaused();
        if (lifted) {
            return true;
        }
        TomcatInternals.get().pause(reloading, true);
        if (!warned) {
            warned = true;
            Patience.call(() -> LOG.warn(reloading
                    + " reloads without waiting for its uploads: this Tomcat's pause cannot be taken off, and a wait"
                    + " would keep a thread for every request to the application. Stop and start it instead"));
        }
        return false;
    }

    private void passBy(Context stopping) {
        if (standIn == null && engineOf(stopping) instanceof Engine engine) {
            standIn = BackgroundStandIn.open(engine, stopping);
        }
        if (!passedBy && stopping.getBackgroundProcessorDelay() <= 0) {
            backgroundDelay = stopping.getBackgroundProcessorDelay();
            stopping.setBackgroundProcessorDelay(NEVER_SECONDS);
            passedBy = true;
        }
    }

    private static @Nullable Container engineOf(Container container) {
        Container top = container;
        while (top != null && !(top instanceof Engine)) {
            top = top.getParent();
        }
        return top;
    }

    /** Returns true while newcomers to a context that reloads are let through to the valves. */
    boolean isLifted() {
        return lifted;
    }

    /** Gives Tomcat back what was taken off, before its stop goes on: the context stays mapped only if it is paused. Never throws. */
    @Override
    public void close() {
        if (context == null) {
            return;
        }
        if (standIn != null) {
            standIn.close();
        }
        if (passedBy) {
            context.setBackgroundProcessorDelay(backgroundDelay);
            passedBy = false;
        }
        if (lifted) {
            lifted = false;
            TomcatInternals.get().pause(context, true);
        }
    }
}
