package io.tomcatdrain;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a drain ended.
 *
 * @param outcome how it ended
 * @param reason why it was started
 * @param lameDuckMillis how long the lame duck lasted, in which every request was still served
 * @param drainMillis how long new work was refused before the end
 * @param finished uploads and other requests that ended while new work was refused
 * @param failed uploads that were aborted or answered with an error from the begin of the lame duck on
 * @param refused requests that were refused
 * @param abandoned uploads that were given up, as they stood at that moment
 * @param abandonedRequests other requests that were given up, as they stood at that moment, oldest first; those that the adapter can name
 * @since 1.0
 */
public record DrainReport(
        Outcome outcome,
        String reason,
        long lameDuckMillis,
        long drainMillis,
        long finished,
        long failed,
        long refused,
        List<ActiveUpload> abandoned,
        List<AbandonedRequest> abandonedRequests) {

    /** How a drain can end. */
    public enum Outcome {
        /** Everything that was accepted has been answered. */
        DRAINED,
        /** Something was given up. */
        EXPIRED,
        /** Serving was resumed before the drain was over. */
        RESUMED
    }

    public DrainReport {
        abandoned = List.copyOf(abandoned);
        abandonedRequests = List.copyOf(abandonedRequests);
    }

    /**
     * A request that was given up and is no upload.
     *
     * @param method the request method; null if unknown
     * @param path the request path without its query string; null if unknown
     * @param elapsedMillis how long ago it had begun; −1 if unknown
     */
    public record AbandonedRequest(
            @Nullable String method, @Nullable String path, long elapsedMillis) {}
}
