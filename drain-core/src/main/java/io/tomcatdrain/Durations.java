package io.tomcatdrain;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads and writes durations as the settings and the HTTP parameters spell them. */
final class Durations {
    static final String RULE =
            "a duration is a whole number with ms, s, m or h (30s, 10m, 500ms), ISO-8601 (PT30S), or a bare number of milliseconds";

    /** Deadlines are differences of nanosecond readings, so that a duration must stay far from 2^63 ns. */
    private static final Duration LONGEST = Duration.ofDays(3650);

    private static final Pattern SIMPLE = Pattern.compile("([0-9]+)(ms|s|m|h)?");

    private Durations() {}

    /**
     * Reads a duration.
     *
     * @throws IllegalArgumentException if it is none, negative, or longer than ten years; the message holds the rule but not
     *     the value
     */
    static Duration parse(String text) {
        return requireInBounds(parseUnbounded(text));
    }

    /** Returns the duration; throws with the rule in the message if it is negative or longer than ten years. */
    static Duration requireInBounds(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("a duration must not be negative");
        }
        if (duration.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("a duration must be at most 3650 days (87600h)");
        }
        return duration;
    }

    private static Duration parseUnbounded(String text) {
        Matcher simple = SIMPLE.matcher(text);
        try {
            if (simple.matches()) {
                long number = Long.parseLong(simple.group(1));
                String unit = simple.group(2) == null ? "ms" : simple.group(2);
                return switch (unit) {
                    case "ms" -> Duration.ofMillis(number);
                    case "s" -> Duration.ofSeconds(number);
                    case "m" -> Duration.ofMinutes(number);
                    case "h" -> Duration.ofHours(number);
                    default -> throw new IllegalStateException("unit [" + unit + "]");
                };
            }
            if (text.startsWith("P") || text.startsWith("p") || text.startsWith("-P") || text.startsWith("-p")) {
                return Duration.parse(text);
            }
        } catch (NumberFormatException | ArithmeticException overflow) {
            // Without the cause, which repeats the whole number.
            throw new IllegalArgumentException("a duration must be at most 3650 days (87600h)");
        } catch (DateTimeParseException notIso) {
            throw new IllegalArgumentException(RULE); // likewise
        }
        if (text.matches("-[0-9]+(ms|s|m|h)?")) {
            throw new IllegalArgumentException("a duration must not be negative");
        }
        throw new IllegalArgumentException(RULE);
    }

    /** Returns a time to wait in nanoseconds, cut to what a difference of nanosecond readings can hold. */
    static long nanos(Duration wait) {
        return wait.isNegative() ? 0 : (wait.compareTo(LONGEST) > 0 ? LONGEST : wait).toNanos();
    }

    /** Returns the shortest spelling that {@link #parse} reads back as the same duration. */
    static String format(Duration duration) {
        if (!duration.truncatedTo(ChronoUnit.MILLIS).equals(duration)) {
            return duration.toString();
        }
        long millis = duration.toMillis();
        if (millis % 1000 != 0) {
            return millis + "ms";
        }
        long seconds = millis / 1000;
        if (seconds == 0 || seconds % 60 != 0) {
            return seconds + "s";
        }
        return seconds % 3600 == 0 ? seconds / 3600 + "h" : seconds / 60 + "m";
    }
}
