package io.tomcatdrain.valve;

import jakarta.servlet.http.HttpServletResponse;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.coyote.ajp.AbstractAjpProtocol;

/** Ends connections with the answers that they carry, so that pooled ones move on to another node. */
final class Connections {
    private Connections() {}

    /** Returns true if the answer travels in HTTP/1.x to the peer itself, where a header can end the connection. */
    static boolean endsByHeader(Request request) {
        // On HTTP/2 the header is a protocol error that clients punish, and over AJP it is the front end's own
        // business.
        return !isHttp2(request) && !isAjp(request);
    }

    static boolean isHttp2(Request request) {
        return "HTTP/2.0".equals(request.getProtocol());
    }

    static boolean isAjp(Request request) {
        return request.getConnector().getProtocolHandler() instanceof AbstractAjpProtocol;
    }

    /** Makes this answer the last one of its HTTP/1.1 connection; does nothing once it is on its way, or on other protocols. */
    static void endWithAnswer(Request request, Response response) {
        if (endsByHeader(request) && !response.isCommitted()) {
            endByHeader(response.getCoyoteResponse());
        }
    }

    /** Makes this answer over HTTP/1.1, of which nothing has been sent, the last one of its connection. */
    static void endByHeader(org.apache.coyote.Response response) {
        // An upgrade says in this header what the connection becomes.
        if (response.getStatus() != HttpServletResponse.SC_SWITCHING_PROTOCOLS) {
            response.setHeader("Connection", "close");
        }
    }
}
