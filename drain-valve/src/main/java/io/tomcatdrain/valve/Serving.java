package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.http.DrainEndpoints;
import io.tomcatdrain.jmx.DrainRegistration;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.tomcat.util.buf.CharChunk;
import org.apache.tomcat.util.buf.MessageBytes;
import org.jspecify.annotations.Nullable;

/** Everything that one start of a valve needs to serve, in one immutable object, so that a request reads one volatile field. */
final class Serving {
    final Drain drain;
    final DrainEndpoints endpoints;
    final Refuser refuser;
    final UploadMatcher uploads;
    final Slot.Owner owner;
    final DrainStop stop;
    final ApplicationStops stops;
    final DrainRegistration registration;
    private final String path;

    /** Where in it the configured path begins, behind its slash; what comes before is that of every request of a context. */
    private final int nameAt;

    /** Written by any request, to the same value. */
    private boolean modJkSeen;

    private final @Nullable Integer controlPort;

    Serving(Drain drain, Service service, String contextPath) {
        DrainSettings settings = drain.settings();
        this.drain = drain;
        this.owner = new Slot.Owner(drain);
        this.endpoints = new DrainEndpoints(drain);
        this.refuser = new Refuser(settings);
        this.uploads = new UploadMatcher(settings.uploadTypes());
        this.stop = new DrainStop(drain, endpoints, service);
        this.stops = new ApplicationStops(drain, stop);
        this.path = contextPath + settings.path();
        this.nameAt = contextPath.length() + 1;
        this.controlPort = settings.controlPort();
        this.registration = DrainRegistration.register(drain);
    }

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
}
