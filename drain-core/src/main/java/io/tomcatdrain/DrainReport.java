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
 * @param failed uploads that were aborted or answered with an error from the beginning of the lame duck on
 * @param refused requests that were refused
 * @param abandoned uploads that were given up, as they stood at that moment
 * @param abandonedRequests other requests that were given up, as they stood at that moment, oldest first; those that the adapter can name
 * @param openUploads what became of uploads that come in several requests
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
        List<AbandonedRequest> abandonedRequests,
        OpenUploads openUploads) {

    /** Makes the report of a drain that had no uploads of several requests. */
    public DrainReport(
            Outcome outcome,
            String reason,
            long lameDuckMillis,
            long drainMillis,
            long finished,
            long failed,
            long refused,
            List<ActiveUpload> abandoned,
            List<AbandonedRequest> abandonedRequests) {
        this(
                outcome,
                reason,
                lameDuckMillis,
                drainMillis,
                finished,
                failed,
                refused,
                abandoned,
                abandonedRequests,
                OpenUploads.NONE);
    }

    /**
     * What became of uploads that come in several requests.
     *
     * @param finished how many became whole while new work was refused
     * @param abandoned those that no request continued for {@code uploadGap}
     * @param cut those that the drain's limit, or closed listeners, cut off
     */
    public record OpenUploads(long finished, List<ActiveUpload> abandoned, List<ActiveUpload> cut) {
        static final OpenUploads NONE = new OpenUploads(0, List.of(), List.of());

        public OpenUploads {
            abandoned = List.copyOf(abandoned);
            cut = List.copyOf(cut);
        }
    }

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
     * A request that was given up and is no upload, or a file that the container still sent when its request was over and forgotten.
     *
     * @param method the request method; null if unknown
     * @param path the request path without its query string, or what the file is called; null if unknown
     * @param elapsedMillis how long ago it had begun; −1 if unknown
     */
    public record AbandonedRequest(
            @Nullable String method, @Nullable String path, long elapsedMillis) {}
}
