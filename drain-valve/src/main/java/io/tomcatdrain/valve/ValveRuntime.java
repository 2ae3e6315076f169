package io.tomcatdrain.valve;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.http.ServletDrain;
import java.util.Map;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.buf.CharChunk;
import org.apache.tomcat.util.buf.MessageBytes;
import org.jspecify.annotations.Nullable;

/**
 * Everything that one start of a valve needs while its container runs, in one object, so that a request reads one volatile field.
 * Thread-safe.
 */
final class ValveRuntime {
    private static final Log LOG = LogFactory.getLog(DrainValve.class);

    final NodeDrain drain;
    final ServletDrain servlet;
    final UploadMatcher uploads;
    final TicketNote.Owner owner;
    final ApplicationStops stops;
    final Service service;
    private final String path;

    /** Where in it the configured path begins, behind its slash; what comes before is that of every request of a context. */
    private final int nameAt;

    private final @Nullable Integer controlPort;
    private final SharedListeners listeners;

    /** Written by any request, to the same value. */
    private boolean modJkSeen;

    private ValveRuntime(NodeDrain drain, Service service, SharedListeners listeners, String contextPath) {
        DrainSettings settings = drain.settings();
        this.listeners = listeners;
        this.drain = drain;
        this.service = service;
        this.owner = new TicketNote.Owner(drain);
        this.servlet = new ServletDrain(drain);
        this.uploads = new UploadMatcher(settings.uploadTypes());
        this.stops = new ApplicationStops(servlet);
        this.path = contextPath + settings.path();
        this.nameAt = contextPath.length() + 1;
        this.controlPort = settings.controlPort();
    }

    /**
     * Checks the attributes and makes the drain of this start.
     *
     * @throws IllegalArgumentException on a bad attribute; the message, which is logged too, names the valve, the attribute, its value,
     *     the rule and the remedy
     */
    static ValveRuntime start(Container container, Map<String, String> attributes) {
        String name = nameOf(container);
        String who = "DrainValve[" + name + "]: ";
        Service service = serviceOf(container);
        DrainSettings settings;
        try {
            settings = DrainSettings.of(attributes);
            ControlPort.require(settings.controlPort(), service);
        } catch (IllegalArgumentException bad) {
            // In a line of its own: what Tomcat logs of a failed start is long, and its clean-up of an engine fails,
            // too.
            LOG.error(who + bad.getMessage());
            throw new IllegalArgumentException(who + bad.getMessage(), bad);
        }
        settings.warnings().forEach(warning -> LOG.warn(who + warning));
        TomcatInternals.get(); // says now what it lacks
        NodeDrain drain = new NodeDrain(name, settings);
        drain.onListenersToClose(() -> leaveListeners(service, settings));
        SharedListeners listeners = new SharedListeners(service, settings.controlPort());
        drain.onListenersShared(listeners::lookForAny, listeners::areAllShared, listeners::acceptAgain);
        return new ValveRuntime(
                drain, service, listeners, container instanceof Context context ? context.getPath() : "");
    }

    /** Returns false if newcomers still reach a listener that was to be closed. */
    private static boolean leaveListeners(Service service, DrainSettings settings) {
        if (settings.closeListener()) {
            return ListenerCloser.closeAll(service, settings.controlPort());
        }
        ListenerCloser.leaveShared(service, settings.controlPort());
        return true;
    }

    /** Returns the name that the drain of a container's valve has. */
    static String nameOf(Container container) {
        return container.getName().isEmpty() ? "/" : container.getName();
    }

    /** Returns the service that a container belongs to. */
    static Service serviceOf(Container container) {
        Container top = container;
        while (top.getParent() != null) {
            top = top.getParent();
        }
        if (top instanceof Engine engine) {
            return engine.getService();
        }
        throw new IllegalStateException("DrainValve: [" + container + "] belongs to no engine");
    }

    // ---------------------------------------------------------------- requests

    /** Returns what follows the endpoints' path; null if the request is not for them. Allocates only if it is. */
    @Nullable String belowPath(Request request) {
        MessageBytes uri = request.getDecodedRequestURIMB();
        if (uri.isNull() || isElsewhere(uri) || !uri.startsWithIgnoreCase(path, 0)) {
            return null;
        }
        String decoded = uri.toString();
        if (!decoded.startsWith(path)) {
            return null;
        }
        String below = decoded.substring(path.length());
        return below.isEmpty() || below.charAt(0) == '/' ? below : null;
    }

    /** Returns true for most of what is not for the endpoints, by one character: every request passes here. */
    private boolean isElsewhere(MessageBytes uri) {
        if (uri.getType() != MessageBytes.T_CHARS) {
            return false;
        }
        CharChunk chars = uri.getCharChunk();
        return chars.getLength() < path.length() || chars.getBuffer()[chars.getStart() + nameAt] != path.charAt(nameAt);
    }

    /** Notes mod_jk, which tells a node by a request attribute that it balances, and can replay what is refused. */
    void noteFrontEnd(Request request) {
        if (!modJkSeen
                && Connections.isAjp(request)
                && request.getCoyoteRequest().getAttribute("JK_LB_ACTIVATION") != null) {
            modJkSeen = true;
            drain.noteReplayingFrontEnd();
        }
    }

    boolean isControlAnswered(Connector connector) {
        return controlPort == null || ControlPort.isOf(connector, controlPort);
    }

    /**
     * Returns true for a newcomer that the node refuses while it leaves although it serves others: it came by a listener of this process
     * alone, beside one that is shared. Counts what it refuses.
     */
    boolean refusesHere(Request request, boolean upload) {
        if (!listeners.isAnyShared()) {
            return false;
        }
        DrainState state = drain.state();
        DrainSettings settings = drain.settings();
        boolean refuses = state != DrainState.SERVING
                && state != DrainState.LAME_DUCK
                && !settings.closeListener()
                && (upload || settings.refuse() == DrainSettings.Refuse.ALL)
                && !SharedListeners.isShared(request.getConnector());
        if (refuses) {
            drain.noteRefused();
        }
        return refuses;
    }

    // ---------------------------------------------------------------- stops

    /** Returns true if a stop drains first. */
    boolean drainsOnStop() {
        return drain.settings().drainOnStop();
    }

    /** Takes part in the stops of the server from now on. */
    void hookStops() {
        StopHook.add(service.getServer(), servlet, service);
    }

    /**
     * Ends a drain as quietly as it began, before Tomcat pauses its connectors: newcomers go elsewhere, since a paused listener goes on
     * accepting and never answers; what has arrived is answered; and no connection is left open.
     */
    static void endQuietly(Service service) {
        if (!Thread.currentThread().isInterrupted()) {
            ListenerCloser.closeAllForStop(service);
            OpenConnections.end(service);
        }
    }

    /** Ends what this start has made. */
    void end() {
        StopHook.remove(service.getServer(), servlet);
        owner.retire();
        servlet.close();
        LastWord.say(drain.name(), drain.summary().report());
    }
}
