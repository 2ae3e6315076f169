package io.tomcatdrain.valve;

import org.apache.catalina.AccessLog;
import org.apache.catalina.Container;
import org.apache.catalina.Engine;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.jspecify.annotations.Nullable;

/**
 * Writes the access log lines that Tomcat would have written without the drain valve.
 *
 * <p>To learn of a request's end the valve is an {@link AccessLog}. Where Tomcat asks for the default log of a request that it could
 * not map, it takes the valve for one and passes over the access log of the default host (StandardEngine#logAccess). That log is
 * written from here then, under the same conditions.
 */
final class DefaultAccessLogs {
    private DefaultAccessLogs() {}

    /**
     * Logs to the default host's access log if Tomcat has passed over it because of a drain valve.
     *
     * @param valves the container that the drain valve sits in
     */
    static void log(Container valves, Request request, Response response, long time) {
        Engine engine = request.getConnector().getService().getContainer();
        Container defaultHost = engine.getDefaultHost() == null ? null : engine.findChild(engine.getDefaultHost());
        Container root = defaultHost == null ? null : defaultHost.findChild("");
        Container lowest = request.getContext() != null ? request.getContext() : request.getHost();
        boolean asked = false;
        for (Container container = lowest == null ? engine : lowest;
                container != null;
                container = container.getParent()) {
            if (hasLogOfItsOwn(container)) {
                return;
            }
            asked |= container == valves;
        }
        if (!asked) {
            // The valve was asked as the default host's log. Tomcat would have gone on to the root context's.
            if (valves == defaultHost && !hasLogOfItsOwn(valves)) {
                logTo(root, request, response, time);
            }
        } else if (!logTo(defaultHost, request, response, time)) {
            logTo(root, request, response, time);
        }
    }

    private static boolean hasLogOfItsOwn(Container container) {
        for (Valve valve : container.getPipeline().getValves()) {
            if (valve instanceof AccessLog && !(valve instanceof DrainValve)) {
                return true;
            }
        }
        return false;
    }

    private static boolean logTo(@Nullable Container container, Request request, Response response, long time) {
        boolean logged = false;
        if (container != null && container.getState().isAvailable()) {
            for (Valve valve : container.getPipeline().getValves()) {
                if (valve instanceof AccessLog log && !(valve instanceof DrainValve)) {
                    log.log(request, response, time);
                    logged = true;
                }
            }
        }
        return logged;
    }
}
