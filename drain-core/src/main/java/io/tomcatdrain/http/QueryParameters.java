package io.tomcatdrain.http;

import io.tomcatdrain.DrainSettings;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a query string, read strictly, since a mistyped command must not drain a node in another way than was meant.
 * Immutable. Never asks the container for parameters, which would read the request's body.
 *
 * <p>Whatever is wrong is an {@link IllegalArgumentException} whose message names the parameter, the value in brackets, the rule and
 * the remedy.
 */
final class QueryParameters {
    private static final int LONGEST_SHOWN = 100;
    private static final int LONGEST_TEXT = 200;

    private final Map<String, String> values;

    private QueryParameters(Map<String, String> values) {
        this.values = values;
    }

    /**
     * Reads a query string.
     *
     * @param query as it stood in the request line; null or empty if it had none
     * @param known the names that may occur, each once
     */
    static QueryParameters parse(@Nullable String query, List<String> known) {
        Map<String, String> values = new HashMap<>();
        if (query != null && !query.isEmpty()) {
            // Ends by itself after a few rounds however long the query is: a name that is unknown or there already
            // throws.
            for (int from = 0; from <= query.length(); ) {
                int to = query.indexOf('&', from);
                to = to < 0 ? query.length() : to;
                read(query.substring(from, to), known, values);
                from = to + 1;
            }
        }
        return new QueryParameters(values);
    }

    private static void read(String pair, List<String> known, Map<String, String> values) {
        if (pair.isEmpty()) {
            throw new IllegalArgumentException(
                    "empty parameter [] in the query string: remove the [&] that has nothing before or behind it");
        }
        int equals = pair.indexOf('=');
        String rawName = equals < 0 ? pair : pair.substring(0, equals);
        String name = decode("the name", rawName);
        if (!known.contains(name)) {
            throw new IllegalArgumentException("unknown parameter [" + shown(name) + "]: "
                    + (known.isEmpty() ? "this request takes none; leave it out" : "use one of " + known));
        }
        if (values.containsKey(name)) {
            throw new IllegalArgumentException("duplicate parameter [" + name + "]: give it once");
        }
        String value = equals < 0 ? "" : decode(name, pair.substring(equals + 1));
        if (value.isBlank()) {
            throw new IllegalArgumentException(
                    name + " [" + shown(value) + "] is empty: give it a value or leave the parameter out");
        }
        values.put(name, value);
    }

    private static String decode(String what, String raw) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '%') {
                int high = i + 2 < raw.length() ? UploadPath.hexDigit(raw.charAt(i + 1)) : -1;
                int low = i + 2 < raw.length() ? UploadPath.hexDigit(raw.charAt(i + 2)) : -1;
                if (high < 0 || low < 0) {
                    throw malformed(
                            what, raw, "[%] needs two hexadecimal digits after it; a percent sign itself is [%25]");
                }
                bytes.write(high << 4 | low);
                i += 2;
            } else if (c == '+') {
                bytes.write(' ');
            } else if (c > ' ' && c < 0x7F) {
                bytes.write(c);
            } else {
                throw malformed(
                        what, raw, "only visible ASCII may stand in a query string; percent-encode the rest as UTF-8");
            }
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException notUtf8) {
            throw malformed(what, raw, "what is percent-encoded must be UTF-8");
        }
    }

    private static IllegalArgumentException malformed(String what, String raw, String rule) {
        return new IllegalArgumentException(what + " [" + shown(raw) + "] is malformed: " + rule);
    }

    /** Cuts what a client sent to a length that an answer can repeat, and takes out what a terminal or a log would obey. */
    static String shown(String given) {
        String text = DrainSettings.quotable(given);
        if (text.length() <= LONGEST_SHOWN) {
            return text;
        }
        boolean halved = Character.isHighSurrogate(text.charAt(LONGEST_SHOWN - 1)); // half a character is none
        return text.substring(0, halved ? LONGEST_SHOWN - 1 : LONGEST_SHOWN) + "…";
    }

    /** Returns a duration; null if the parameter is not there. */
    @Nullable Duration duration(String name) {
        String value = values.get(name);
        if (value == null) {
            return null;
        }
        try {
            return DrainSettings.parseDuration(value);
        } catch (IllegalArgumentException bad) {
            throw new IllegalArgumentException(
                    name + " [" + shown(value) + "]: " + bad.getMessage() + "; for example [" + name + "=10m]", bad);
        }
    }

    /** Returns a duration that is not zero; null if the parameter is not there. */
    @Nullable Duration positiveDuration(String name, String remedy) {
        Duration duration = duration(name);
        if (duration != null && duration.isZero()) {
            throw new IllegalArgumentException(
                    name + " [" + shown(values.getOrDefault(name, "")) + "]: more than zero is needed; " + remedy);
        }
        return duration;
    }

    /** Returns a line of text; null if the parameter is not there. */
    @Nullable String line(String name) {
        String value = values.get(name);
        if (value == null) {
            return null;
        }
        if (value.length() > LONGEST_TEXT) {
            throw new IllegalArgumentException(name + " [" + shown(value) + "]: it has " + value.length()
                    + " characters and may have " + LONGEST_TEXT + "; say it shorter");
        }
        if (value.codePoints().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    name + " [" + shown(value) + "]: it may not hold control characters or line ends; write one line");
        }
        return value;
    }
}
