package io.tomcatdrain.valve;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainSettings.Refuse;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Patience;
import io.tomcatdrain.UploadSource;
import io.tomcatdrain.http.ServletDrain;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToIntFunction;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Request;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Lets one application stop (an undeployment, a reload) without losing what it has accepted, while the others are served: its stop waits
 * for its uploads and, for {@code requestTimeout}, for its other requests, and new uploads are refused. Thread-safe.
 */
final class ApplicationStops {
    /*
     * Concurrency: a stop writes down its context and then looks for its uploads; an upload is registered and then looks whether its
     * context stops. Whichever comes second sees the other, so that none is admitted and not waited for.
     */
    private static final Log LOG = LogFactory.getLog(ApplicationStops.class);

    /** How often a stop looks for plain requests: nothing announces their end. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /**
     * For how long a reload that waits for plain requests alone leaves newcomers where Tomcat keeps them: most waits are over by then, and
     * no newcomer is refused.
     */
    private static final long HELD_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final NodeDrain drain;
    private final ServletDrain stopOfAll;
    private final ToIntFunction<Context> requestsIn;
    private final Map<Context, ContextPause> stopping = new ConcurrentHashMap<>();

    /**
     * Makes what serves until the valve stops.
     *
     * @param requestsIn returns how many plain requests an application has at present
     */
    ApplicationStops(ServletDrain stopOfAll, ToIntFunction<Context> requestsIn) {
        this.drain = stopOfAll.drain();
        this.stopOfAll = stopOfAll;
        this.requestsIn = requestsIn;
    }

    /** Waits for what an application has accepted that is about to stop. In a stop of the whole the drain has done it. */
    void begin(Context context) {
        if (!drain.settings().drainOnStop() || stopOfAll.hasBegun()) {
            return;
        }
        ContextPause pause = new ContextPause(context);
        stopping.put(context, pause);
        long began = System.nanoTime();
        try (pause) {
            // The first upload that is found takes the pause off: a stop that waits for none is Tomcat's alone.
            List<ActiveUpload> left = drain.awaitUploads(upload -> isOf(context, upload) && pause.lift());
            if (!left.isEmpty()) {
                Patience.call(() ->
                        LOG.warn("drain[" + drain.name() + "] " + context + " stops with uploads in flight: " + left));
            }
            awaitRequests(context, pause, began);
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error fault) {
            Patience.call(() ->
                    LOG.error("drain[" + drain.name() + "] could not wait for the requests of " + context, fault));
        }
    }

    private void awaitRequests(Context context, ContextPause pause, long began) throws InterruptedException {
        long longest = drain.settings().requestTimeout().toNanos();
        int left = requestsIn.applyAsInt(context);
        while (left > 0) {
            long waited = System.nanoTime() - began;
            boolean mayWait = waited < HELD_NANOS || pause.lift();
            if (waited >= longest || !mayWait) {
                String line = "drain[" + drain.name() + "] " + context + " stops with " + left
                        + (left == 1 ? " request in flight" : " requests in flight");
                Patience.call(() -> LOG.warn(line));
                return;
            }
            LockSupport.parkNanos(this, LOOK_NANOS);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            left = requestsIn.applyAsInt(context);
        }
    }

    private static boolean isOf(Context context, UploadSource upload) {
        return upload instanceof CoyoteUpload ours && ours.isIn(context);
    }

    /** Forgets an application that has stopped: it may start again. */
    void end(Context context) {
        stopping.remove(context);
    }

    /** Returns true if new uploads must not begin there. */
    boolean isStopping(@Nullable Context context) {
        return context != null && stopping.containsKey(context);
    }

    /**
     * Returns true if an upload that comes to the valve again, because a valve behind it has rewritten its path, is now for an application
     * that stops.
     */
    boolean turnsBack(Request request) {
        return !stopping.isEmpty() && !request.isAsync() && isStopping(request.getContext());
    }

    /**
     * Returns true if the request is for an application that waits for its uploads before it reloads, and is refused whatever it is:
     * Tomcat alone would let it wait for the end of the reload, but not for that long. Costs next to nothing while nothing stops.
     */
    boolean turnsAway(Request request) {
        return !stopping.isEmpty() && isReloading(request);
    }

    private boolean isReloading(Request request) {
        Context context = request.getContext();
        ContextPause pause = context == null ? null : stopping.get(context);
        return pause != null
                && pause.isLifted()
                // Tomcat may have forgotten already which servlet has which path.
                && (drain.settings().refuse() == Refuse.ALL || request.getWrapper() == null);
    }
}
