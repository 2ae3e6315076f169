package io.tomcatdrain.http;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The name that a prober gives itself in the query string: {@code ?prober=NAME}. */
final class ProberName {
    private static final String PARAMETER = "prober";
    private static final int LONGEST = 64;

    private ProberName() {}

    /**
     * Reads it strictly, where no other parameter may be.
     *
     * @param query as it stood in the request line; null or empty if it had none
     * @return the name; null if there is none
     * @throws IllegalArgumentException if anything is wrong; the message says what, the rule and the remedy
     */
    static @Nullable String strictly(@Nullable String query) {
        if (query == null || query.isEmpty()) {
            return null;
        }
        String name = QueryParameters.parse(query, List.of(PARAMETER)).line(PARAMETER);
        if (name != null && !isValid(name)) {
            throw new IllegalArgumentException(PARAMETER + " [" + QueryParameters.shown(name) + "]: a name has up to "
                    + LONGEST + " letters, digits, [.], [_] and [-] and nothing else; choose another");
        }
        return name;
    }

    /** Reads it where other parameters may be; null if there is none that may be. Never throws. */
    static @Nullable String ifGiven(@Nullable String query) {
        if (query == null) {
            return null;
        }
        String begin = PARAMETER + "=";
        int from = query.startsWith(begin) ? 0 : query.indexOf("&" + begin) + 1;
        if (!query.startsWith(begin, from)) {
            return null;
        }
        int to = query.indexOf('&', from);
        String name = query.substring(from + begin.length(), to < 0 ? query.length() : to);
        return isValid(name) ? name : null;
    }

    private static boolean isValid(String name) {
        if (name.isEmpty() || name.length() > LONGEST) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean letterOrDigit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!letterOrDigit && c != '.' && c != '_' && c != '-') {
                return false;
            }
        }
        return true;
    }
}
