package io.tomcatdrain;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What one drain command asks for beyond the settings.
 *
 * @param timeout ends all waiting so long after the command, the lame duck too; null keeps the settings' limits, or those of the
 *     drain that runs
 * @param resumeAfter resumes serving so long after the command unless a stop has begun; null keeps what was asked before
 * @since 1.0
 */
public record DrainLimits(
        @Nullable Duration timeout, @Nullable Duration resumeAfter) {

    /** Asks for nothing beyond the settings. */
    public static final DrainLimits OF_SETTINGS = new DrainLimits(null, null);

    public DrainLimits {
        requireInBounds("timeout", timeout);
        requireInBounds("resumeAfter", resumeAfter);
    }

    private static void requireInBounds(String name, @Nullable Duration value) {
        if (value == null) {
            return;
        }
        try {
            Durations.requireInBounds(value);
        } catch (IllegalArgumentException bad) {
            throw new IllegalArgumentException(name + " [" + value + "]: " + bad.getMessage(), bad);
        }
    }
}
