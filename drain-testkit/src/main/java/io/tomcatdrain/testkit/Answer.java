package io.tomcatdrain.testkit;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * One answer as a client saw it.
 *
 * @param status the status; {@link #NONE} if the connection or stream ended without one
 * @param headers names in any case; values of a repeated header joined by a comma
 * @param body what arrived of it
 * @param complete false if the connection or stream ended before the answer did
 */
public record Answer(int status, Map<String, String> headers, byte[] body, boolean complete) {
    public static final int NONE = 0;

    static Answer none() {
        return new Answer(NONE, Map.of(), new byte[0], false);
    }

    static Map<String, String> newHeaders() {
        return new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    }

    public String header(String name) {
        return headers.get(name);
    }

    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return status + " " + headers + (complete ? "" : " (cut)") + " " + text();
    }
}
