package io.tomcatdrain.sample.web;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;

/** Writes maps, collections, strings and numbers as JSON: enough for the sample's answers, and no library in the WAR. */
final class Json {
    private Json() {}

    static String of(Object value) {
        var json = new StringBuilder();
        append(json, value);
        return json.toString();
    }

    /** Answers with {@code value} and the status, uncached. */
    static void send(HttpServletResponse response, int status, Object value) throws IOException {
        byte[] body = of(value).getBytes(StandardCharsets.UTF_8);
        response.setStatus(status);
        response.setContentType("application/json");
        response.setHeader("Cache-Control", "no-store");
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    /** Answers with {@code {"error": message}} and the status. */
    static void sendError(HttpServletResponse response, int status, String message) throws IOException {
        send(response, status, Map.of("error", message));
    }

    private static void append(StringBuilder json, Object value) {
        if (value instanceof Map<?, ?> members) {
            json.append('{');
            String separator = "";
            for (Map.Entry<?, ?> member : members.entrySet()) {
                json.append(separator);
                quote(json, String.valueOf(member.getKey()));
                json.append(':');
                append(json, member.getValue());
                separator = ",";
            }
            json.append('}');
        } else if (value instanceof Collection<?> elements) {
            json.append('[');
            String separator = "";
            for (Object element : elements) {
                json.append(separator);
                append(json, element);
                separator = ",";
            }
            json.append(']');
        } else if (value instanceof Number || value instanceof Boolean) {
            json.append(value);
        } else {
            quote(json, value.toString());
        }
    }

    private static void quote(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ' || Character.isSurrogate(c)) {
                // A lone surrogate would become "?" in UTF-8; escaped, every string comes back as it was.
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        json.append('"');
    }
}
