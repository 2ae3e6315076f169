package io.tomcatdrain.valve;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainSettings.Refuse;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.UploadSource;
import io.tomcatdrain.http.ServletDrain;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Request;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Lets one application stop (an undeployment, a reload) without losing its uploads, while the others are served: its stop waits for
 * them, and new ones are refused. Thread-safe.
 */
final class ApplicationStops {
    /*
     * Concurrency: a stop writes down its context and then looks for its uploads; an upload is registered and then looks whether its
     * context stops. Whichever comes second sees the other, so that none is admitted and not waited for.
     */
    private static final Log LOG = LogFactory.getLog(ApplicationStops.class);

    private final NodeDrain drain;
    private final ServletDrain stopOfAll;
    private final Map<Context, ContextPause> stopping = new ConcurrentHashMap<>();

    ApplicationStops(ServletDrain stopOfAll) {
        this.drain = stopOfAll.drain();
        this.stopOfAll = stopOfAll;
    }

    /** Waits for the uploads of an application that is about to stop. In a stop of the whole the drain has done it. */
    void begin(Context context) {
        if (!drain.settings().drainOnStop() || stopOfAll.hasBegun()) {
            return;
        }
        ContextPause pause = new ContextPause(context);
        stopping.put(context, pause);
        try (pause) {
            // The first upload that is found takes the pause off: a stop that waits for none is Tomcat's alone.
            List<ActiveUpload> left = drain.awaitUploads(upload -> isOf(context, upload) && pause.lift());
            if (!left.isEmpty()) {
                LOG.warn("drain[" + drain.name() + "] " + context + " stops with uploads in flight: " + left);
            }
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error fault) {
            LOG.error("drain[" + drain.name() + "] could not wait for the uploads of " + context, fault);
        }
    }

    private static boolean isOf(Context context, UploadSource upload) {
        return upload instanceof CoyoteUpload ours && ours.context() == context;
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
