package io.tomcatdrain;

import java.util.List;

/**
 * How a drain ended.
 *
 * @param outcome how it ended
 * @param reason why it was started
 * @param lameDuckMillis how long the lame duck lasted, in which every request was still served
 * @param drainMillis how long new work was refused before the end
 * @param finished uploads and other requests that ended while new work was refused
 * @param refused requests that were refused
 * @param abandoned uploads that were given up, as they stood at that moment
 * @param openUploads what became of uploads that come in several requests
 * @since 1.0
 */
public record DrainReport(
        Outcome outcome,
        String reason,
        long lameDuckMillis,
        long drainMillis,
        long finished,
        long refused,
        List<ActiveUpload> abandoned,
        OpenUploads openUploads) {

    /** Makes the report of a drain that had no uploads of several requests. */
    public DrainReport(
            Outcome outcome,
            String reason,
            long lameDuckMillis,
            long drainMillis,
            long finished,
            long refused,
            List<ActiveUpload> abandoned) {
        this(outcome, reason, lameDuckMillis, drainMillis, finished, refused, abandoned, OpenUploads.NONE);
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

        boolean isWhole() {
            return abandoned.isEmpty() && cut.isEmpty();
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
    }
}
