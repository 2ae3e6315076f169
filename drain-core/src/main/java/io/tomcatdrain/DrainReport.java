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
 * @since 1.0
 */
public record DrainReport(
        Outcome outcome,
        String reason,
        long lameDuckMillis,
        long drainMillis,
        long finished,
        long refused,
        List<ActiveUpload> abandoned) {

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
