package io.tomcatdrain.valve;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.http.Lingering;
import io.tomcatdrain.http.Refusal;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;

/** Refuses a request in a way that reaches the client although its body is never read. Thread-safe. */
final class Refuser {
    private final Refusal refusal;
    private final Lingering lingering = new Lingering();

    Refuser(DrainSettings settings) {
        this.refusal = new Refusal(settings);
    }

    void refuse(Request request, Response response) throws IOException {
        refusal.write(request, response, Connections.endsByHeader(request));
        if (canOvertake(request)) {
            response.finishResponse();
            lingering.linger();
        }
    }

    /** Returns true if what Tomcat does behind the answer (a reset of the stream or of the connection) can reach the client before it. */
    private static boolean canOvertake(Request request) {
        return !Connections.isAjp(request)
                // Whoever waits for 100 Continue sends nothing that a reset could answer; on HTTP/2 the stream is reset
                // all the same.
                && (Connections.isHttp2(request) || !request.getCoyoteRequest().hasExpectation())
                && !request.isFinished();
    }
}
