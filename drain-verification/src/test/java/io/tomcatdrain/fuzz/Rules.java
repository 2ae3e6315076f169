package io.tomcatdrain.fuzz;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What is true of every parser. */
public final class Rules {
    /** No message is longer: a list of known names, and a value of which some characters are quoted. */
    public static final int LONGEST_MESSAGE = 1_200;

    private Rules() {}

    /** Fails if that is not so. */
    public static void require(boolean condition, Supplier<String> otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise.get());
        }
    }

    /** Returns what the parser makes of a text; null if it says in the documented way that it is none. */
    public static <T> @Nullable T parsed(Supplier<T> parser) {
        return parsed(parser, null);
    }

    /** The same for a text that holds a secret, which no message may repeat. */
    public static <T> @Nullable T parsed(Supplier<T> parser, @Nullable String secret) {
        try {
            return parser.get();
        } catch (IllegalArgumentException bad) {
            for (Throwable each = bad; each != null; each = each.getCause()) {
                requireMessage(each.getMessage());
                requireWithout(each, secret);
            }
            return null;
        }
    }

    private static void requireWithout(Throwable fault, @Nullable String secret) {
        require(
                secret == null || !fault.toString().contains(secret),
                () -> "a message holds the secret: " + fault.getClass());
    }

    /** Fails unless a message can stand in one line of a log or a terminal. */
    public static void requireMessage(@Nullable String message) {
        require(message != null && !message.isBlank(), () -> "there is no message");
        require(message.length() <= LONGEST_MESSAGE, () -> "a message of " + message.length() + " characters");
        require(
                message.chars().noneMatch(Rules::breaksLines),
                () -> "a control character in a message: " + message.replaceAll("\\p{Cntrl}", "<?>"));
    }

    /** Returns true for a character that ends a line, or that a terminal obeys. */
    public static boolean breaksLines(int character) {
        return Character.isISOControl(character) || character == '\u2028' || character == '\u2029';
    }
}
