package io.tomcatdrain.valve;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.UploadSource;
import io.tomcatdrain.http.ServletDrain;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.catalina.Context;
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
    private final Set<Context> stopping = ConcurrentHashMap.newKeySet();

    ApplicationStops(ServletDrain stopOfAll) {
        this.drain = stopOfAll.drain();
        this.stopOfAll = stopOfAll;
    }

    /** Waits for the uploads of an application that is about to stop. In a stop of the whole the drain has done it. */
    void begin(Context context) {
        if (!drain.settings().drainOnStop() || stopOfAll.hasBegun()) {
            return;
        }
        stopping.add(context);
        try {
            List<ActiveUpload> left = drain.awaitUploads(upload -> isOf(context, upload));
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
        return context != null && stopping.contains(context);
    }
}
