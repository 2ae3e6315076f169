package io.tomcatdrain.boot;

import io.tomcatdrain.valve.DrainValve;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/**
 * Leads the actuator's requests past the drain, in every state, so that no liveness probe kills a node, and no monitoring loses sight of it,
 * because it drains. Polls of readiness count as probers'. Thread-safe.
 */
final class ManagementValve extends ValveBase {
    private static final byte[] OUT_OF_SERVICE = "{\"status\":\"OUT_OF_SERVICE\"}".getBytes(StandardCharsets.UTF_8);

    private final ManagementPaths paths;
    private final DrainValve drains;
    private final Valve before;

    /** Makes the valve of an engine without a drain of its own, whose probers ask for another engine's drain. */
    ManagementValve(ManagementPaths paths, DrainValve drains) {
        super(true);
        this.paths = paths;
        this.drains = drains;
        this.before = this;
    }

    /**
     * Makes a valve.
     *
     * @param drains has the drain
     * @param before management's requests go on behind this valve, of the same engine
     */
    ManagementValve(ManagementPaths paths, DrainValve drains, Valve before) {
        super(true);
        this.paths = paths;
        this.drains = drains;
        this.before = before;
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        if (!paths.isManagement(request) && !drains.isReadyPath(request)) {
            getNext().invoke(request, response);
        } else if (isToldToRefuse(request)) {
            refuseTraffic(request, response);
        } else {
            before.getNext().invoke(request, response);
        }
    }

    /** Notes a poll of readiness, and returns true if the drain's answer is no. It is counted by what is answered: here and now. */
    private boolean isToldToRefuse(Request request) {
        return !request.isAsyncDispatching()
                && (paths.isReadiness(request) || drains.isReadyPath(request))
                && ("GET".equals(request.getMethod()) || "HEAD".equals(request.getMethod()))
                && !drains.pollReadiness(request);
    }

    /** Answers as the actuator does. */
    private static void refuseTraffic(Request request, Response response) throws IOException {
        response.setStatus(503);
        response.setContentType("application/vnd.spring-boot.actuator.v3+json");
        response.setContentLength(OUT_OF_SERVICE.length);
        if (!"HEAD".equals(request.getMethod())) {
            response.getOutputStream().write(OUT_OF_SERVICE);
        }
    }
}
