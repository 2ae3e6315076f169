package io.tomcatdrain.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/** What the CORS protocol of the Fetch Standard wants of a node that answers before the application. */
final class CrossOrigin {
    private CrossOrigin() {}

    /**
     * Returns true if a browser asks whether a script may send a request: by {@code OPTIONS}, without cookies and body, before the request
     * itself. What the script may do is the application's to say.
     */
    static boolean isPreflight(HttpServletRequest request) {
        return "OPTIONS".equals(request.getMethod())
                && request.getHeader("Access-Control-Request-Method") != null
                && request.getHeader("Origin") != null;
    }

    /**
     * Lets the script that has sent the request read this answer; does nothing for a request without an origin.
     *
     * @param headers the names of those headers that it may read beside the few that every script may
     */
    static void letRead(HttpServletRequest request, HttpServletResponse response, String headers) {
        String origin = request.getHeader("Origin");
        if (origin != null) {
            response.setHeader("Access-Control-Allow-Origin", origin);
            response.setHeader("Access-Control-Allow-Credentials", "true");
            response.setHeader("Access-Control-Expose-Headers", headers);
            response.addHeader("Vary", "Origin");
        }
    }
}
