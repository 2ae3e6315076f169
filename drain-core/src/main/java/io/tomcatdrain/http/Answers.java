package io.tomcatdrain.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Writes whole answers of the endpoints, which no cache may keep. */
final class Answers {
    static final int TOO_MANY_REQUESTS = 429;

    private Answers() {}

    /** Answers with an error for people, as {@code {"error":message}}. */
    static void error(HttpServletRequest request, HttpServletResponse response, int code, String message)
            throws IOException {
        json(request, response, code, StatusJson.utf8(StatusJson.ofError(message)));
    }

    static void json(HttpServletRequest request, HttpServletResponse response, int code, byte[] body)
            throws IOException {
        write(request, response, code, "application/json", body);
    }

    static void write(
            HttpServletRequest request, HttpServletResponse response, int code, String contentType, byte[] body)
            throws IOException {
        response.setStatus(code);
        response.setHeader("Cache-Control", "no-store");
        response.setContentType(contentType);
        response.setContentLength(body.length);
        if (!"HEAD".equals(request.getMethod())) {
            response.getOutputStream().write(body);
        }
    }
}
