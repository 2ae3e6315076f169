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
        if (Connections.isHttp2(request) && !request.isFinished()) {
            response.finishResponse();
            lingering.linger();
        }
    }
}
