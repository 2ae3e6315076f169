package io.tomcatdrain.http;

import jakarta.servlet.http.HttpServletRequest;

/** Tells the requests of clients that a front end passed on from the front end's own, by the headers that it adds to them. */
final class FrontEnd {
    private static final String[] HEADERS = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Port", "Via"};

    /** Set by Tomcat's RemoteIpValve and RemoteIpFilter, which may remove the headers (org.apache.catalina.Globals). */
    private static final String ATTRIBUTE = "org.apache.tomcat.request.forwarded";

    private FrontEnd() {}

    /** Returns true if a front end has passed the request on; a client can pretend that, but not hide it. */
    static boolean hasForwarded(HttpServletRequest request) {
        for (String header : HEADERS) {
            if (request.getHeader(header) != null) {
                return true;
            }
        }
        return request.getAttribute(ATTRIBUTE) != null;
    }
}
