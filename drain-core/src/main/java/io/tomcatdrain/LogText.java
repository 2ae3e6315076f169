package io.tomcatdrain;

import org.jspecify.annotations.Nullable;

/** Makes text that came from outside safe to stand in a line of a log. */
final class LogText {
    private LogText() {}

    /** Returns the text with every control character replaced, so that it cannot begin a line of its own. */
    static String clean(@Nullable String text) {
        if (text == null) {
            return "?";
        }
        StringBuilder cleaned = new StringBuilder(text.length());
        text.codePoints()
                .forEach(character -> cleaned.appendCodePoint(Character.isISOControl(character) ? '?' : character));
        return cleaned.toString();
    }
}
