package io.tomcatdrain.boot;

import io.tomcatdrain.Drain;
import io.tomcatdrain.valve.DrainValve;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.springframework.beans.factory.SmartInitializingSingleton;

/**
 * Leads the actuator's requests past the drain, in every state, so that no liveness probe kills a node, and no monitoring loses sight of it,
 * because it drains. Polls of readiness count as probers'. Thread-safe.
 */
final class ManagementValve extends ValveBase implements SmartInitializingSingleton {
    private static final byte[] OUT_OF_SERVICE = "{\"status\":\"OUT_OF_SERVICE\"}".getBytes(StandardCharsets.UTF_8);

    private final Supplier<ManagementPaths> pathsOnceComplete;
    private final DrainValve drains;
    private final Valve before;

    /** Empty until all beans are there: no request comes before that. */
    private volatile ManagementPaths paths = new ManagementPaths(List.of(), List.of());

    /** Makes the valve of an engine without a drain of its own, whose probers ask for another engine's drain. */
    ManagementValve(Supplier<ManagementPaths> paths, DrainValve drains) {
        super(true);
        this.pathsOnceComplete = paths;
        this.drains = drains;
        this.before = this;
    }

    /**
     * Makes a valve.
     *
     * @param paths asked once, when all beans are there
     * @param drains has the drain
     * @param before management's requests go on behind this valve, of the same engine
     */
    ManagementValve(Supplier<ManagementPaths> paths, DrainValve drains, Valve before) {
        super(true);
        this.pathsOnceComplete = paths;
        this.drains = drains;
        this.before = before;
    }

    @Override
    public void afterSingletonsInstantiated() {
        paths = pathsOnceComplete.get();
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        ManagementPaths current = paths;
        if (!current.isManagement(request) && !isForOtherEngine(request)) {
            getNext().invoke(request, response);
        } else if (isPoll(current, request) && !drains.pollReadiness(request) && isLeaving()) {
            refuseTraffic(request, response);
        } else {
            before.getNext().invoke(request, response);
        }
    }

    /** Where there is no drain behind this valve, it answers itself at the URLs that {@code readyPaths} names. */
    private boolean isForOtherEngine(Request request) {
        return before == this && drains.isReadyPath(request);
    }

    /** Returns true for what asks for readiness by a method that balancers check with; the one that browsers send ahead is none. */
    private boolean isPoll(ManagementPaths current, Request request) {
        return !request.isAsyncDispatching()
                && (current.isReadiness(request) || drains.isReadyPath(request))
                && isPollingMethod(request);
    }

    private static boolean isPollingMethod(Request request) {
        return switch (String.valueOf(request.getMethod())) {
            case "GET", "HEAD" -> true;
            case "OPTIONS" -> request.getHeader("Access-Control-Request-Method") == null;
            default -> false;
        };
    }

    /** Only the drain counts here: what the application itself says of its readiness, the actuator answers. */
    private boolean isLeaving() {
        Drain drain = drains.drain();
        return drain != null && !drain.state().isReady();
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
