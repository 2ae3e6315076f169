package io.tomcatdrain;

import java.time.Duration;

/**
 * How long a leaving node goes on serving everything while it says that it is not ready.
 *
 * @param mode how the end is decided
 * @param duration the length if it is fixed, else zero
 */
record LameDuck(Mode mode, Duration duration) {

    enum Mode {
        /** Until the probers have seen it. */
        AUTO,
        /** Not at all. */
        OFF,
        /** For a fixed time. */
        FIXED
    }

    static LameDuck parse(String text) {
        return switch (text) {
            case "auto" -> new LameDuck(Mode.AUTO, Duration.ZERO);
            case "off" -> new LameDuck(Mode.OFF, Duration.ZERO);
            default -> fixed(text);
        };
    }

    private static LameDuck fixed(String text) {
        try {
            return new LameDuck(Mode.FIXED, Durations.parse(text));
        } catch (IllegalArgumentException bad) {
            throw new IllegalArgumentException("use [auto], [off] or a duration; " + bad.getMessage(), bad);
        }
    }
}
