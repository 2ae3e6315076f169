package io.tomcatdrain.valve;

import jakarta.servlet.http.HttpServletResponse;
import org.apache.catalina.connector.Request;
import org.apache.coyote.ajp.AbstractAjpProtocol;

/** Ends connections with the answers that they carry, so that pooled ones move on to another node. */
final class Connections {
    private Connections() {}

    static boolean isAjp(Request request) {
        return request.getConnector().getProtocolHandler() instanceof AbstractAjpProtocol;
    }

    /** Makes this answer over HTTP/1.1, of which nothing has been sent, the last one of its connection. */
    static void endByHeader(org.apache.coyote.Response response) {
        // An upgrade says in this header what the connection becomes.
        if (response.getStatus() != HttpServletResponse.SC_SWITCHING_PROTOCOLS) {
            response.setHeader("Connection", "close");
        }
    }
}
