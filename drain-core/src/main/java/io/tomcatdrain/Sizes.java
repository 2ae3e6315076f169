package io.tomcatdrain;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads sizes as the settings spell them. */
final class Sizes {
    /** What a setting has that is switched off. */
    static final long OFF = -1;

    private static final String RULE =
            "a size is a whole number of bytes, alone or with KB, MB or GB (64KB, 1MB; 1KB is 1024 bytes), or [off]";

    private static final Pattern SIZE = Pattern.compile("([0-9]+)(KB|MB|GB)?");

    private Sizes() {}

    /**
     * Reads a size in bytes, or {@link #OFF}.
     *
     * @throws IllegalArgumentException if it is none, negative, or more than a {@code long} can hold; the message holds the rule but not
     *     the value
     */
    static long parse(String text) {
        if (text.equals("off")) {
            return OFF;
        }
        Matcher size = SIZE.matcher(text.toUpperCase(Locale.ROOT));
        if (!size.matches()) {
            throw new IllegalArgumentException(RULE);
        }
        try {
            long number = Long.parseLong(size.group(1));
            String unit = size.group(2) == null ? "" : size.group(2);
            return switch (unit) {
                case "KB" -> Math.multiplyExact(number, 1L << 10);
                case "MB" -> Math.multiplyExact(number, 1L << 20);
                case "GB" -> Math.multiplyExact(number, 1L << 30);
                default -> number;
            };
        } catch (NumberFormatException | ArithmeticException overflow) {
            // Without the cause, which repeats the whole number.
            throw new IllegalArgumentException(
                    "a size must be less than 8589934592GB; use [off] to go by the type alone");
        }
    }
}
