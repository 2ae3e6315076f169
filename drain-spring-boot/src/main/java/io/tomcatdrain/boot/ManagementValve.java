package io.tomcatdrain.boot;

import io.tomcatdrain.Drain;
import io.tomcatdrain.http.DrainEndpoints;
import io.tomcatdrain.valve.DrainValve;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.jspecify.annotations.Nullable;

/**
 * Leads the actuator's requests past the drain, in every state, so that nobody kills or loses sight of a node because it drains; and lets
 * those that ask for readiness count as probers. Thread-safe.
 */
final class ManagementValve extends ValveBase {
    private static final byte[] OUT_OF_SERVICE = "{\"status\":\"OUT_OF_SERVICE\"}".getBytes(StandardCharsets.UTF_8);

    private final ManagementPaths paths;
    private final DrainValve drains;
    private final Valve before;

    /** Makes the valve of an engine that has no drain of its own, but one that its probers ask for. */
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
        if (!paths.isManagement(request)) {
            getNext().invoke(request, response);
        } else if (isTold(drains.drain(), request)) {
            refuseTraffic(request, response);
        } else {
            before.getNext().invoke(request, response);
        }
    }

    /** Notes a poll of readiness, and returns true if the drain's answer is no. It is counted by what is answered: here and now. */
    private boolean isTold(@Nullable Drain drain, Request request) {
        return drain != null
                && !request.isAsyncDispatching()
                && paths.isReadiness(request)
                && (request.getMethod().equals("GET") || request.getMethod().equals("HEAD"))
                && !drain.pollReadiness(DrainEndpoints.poll(request));
    }

    /** Answers as the actuator does. */
    private static void refuseTraffic(Request request, Response response) throws IOException {
        response.setStatus(503);
        response.setContentType("application/vnd.spring-boot.actuator.v3+json");
        response.setContentLength(OUT_OF_SERVICE.length);
        if (!request.getMethod().equals("HEAD")) {
            response.getOutputStream().write(OUT_OF_SERVICE);
        }
    }
}
