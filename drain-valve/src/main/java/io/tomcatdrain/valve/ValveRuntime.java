package io.tomcatdrain.valve;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainSettings.Refuse;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Patience;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.http.ServletDrain;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.coyote.http11.upgrade.InternalHttpUpgradeHandler;
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

    /** How soon to look again for connections that become idle when a drain is over; then after twice and three times that time, and so on. */
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How often at most: for more than a minute. */
    private static final int LAST_LOOKS = 100;

    final NodeDrain drain;
    final ServletDrain servlet;
    final UploadMatcher uploads;
    final TicketNote.Owner owner;
    final ApplicationStops stops;
    final Service service;

    /** How many containers are around its own. */
    private final int depth;

    private final String path;

    /** Where in it the configured path begins, behind its slash; what comes before is that of every request of a context. */
    private final int nameAt;

    private final char nameBegin;

    private final @Nullable Integer controlPort;
    private final SharedListeners listeners;

    /** The application's own URLs at which front ends look for readiness, each with its context path; mostly none. */
    private final String[] readyPaths;

    private final SpareThreads spareThreads;

    /** Made once: each request passes where it would be made. */
    private final Predicate<HttpServletRequest> besideUpload = this::isBesideUpload;

    /** Written by any request, to the same value. */
    private boolean modJkSeen;

    private ValveRuntime(NodeDrain drain, Service service, SharedListeners listeners, int depth, String contextPath) {
        DrainSettings settings = drain.settings();
        this.listeners = listeners;
        this.drain = drain;
        this.service = service;
        this.depth = depth;
        this.owner = new TicketNote.Owner(drain);
        this.servlet = new ServletDrain(drain);
        this.uploads = new UploadMatcher(settings);
        this.stops = new ApplicationStops(servlet, owner::requestsIn);
        this.path = drain.path();
        this.nameAt = contextPath.length() + 1;
        this.nameBegin = path.charAt(nameAt);
        this.controlPort = settings.controlPort();
        this.spareThreads = new SpareThreads(service);
        this.readyPaths =
                settings.readyPaths().stream().map(ready -> contextPath + ready).toArray(String[]::new);
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
            StartMessages.requireOne(container);
            settings = DrainSettings.of(attributes);
            ControlPort.require(settings.controlPort(), service);
        } catch (IllegalArgumentException bad) {
            StartMessages.refused(who + bad.getMessage(), container, service.getServer());
            throw new IllegalArgumentException(who + bad.getMessage(), bad);
        }
        settings.warnings().forEach(warning -> LOG.warn(who + warning));
        if (ControlPort.isOfAjpOnly(settings.controlPort(), service)) {
            LOG.warn(who + "controlPort [" + settings.controlPort() + "] is the port of an AJP connector, at which no"
                    + " prober and no curl can ask; give control an HTTP connector of its own");
        }
        StartMessages.warnOfNamesake(container, service);
        TomcatInternals.get(); // says now what it lacks
        String contextPath = container instanceof Context context ? context.getPath() : "";
        NodeDrain drain = new NodeDrain(name, settings, contextPath);
        drain.onListenersToClose(() -> leaveListeners(service, settings));
        SharedListeners listeners = new SharedListeners(service, settings.controlPort());
        drain.onListenersShared(listeners::lookForAny, listeners::areAllShared, listeners::acceptAgain);
        var unused = drain.onStateChange((before, after) -> tellUploads(drain, after));
        boolean whole = container instanceof Engine;
        ValveRuntime fresh = new ValveRuntime(drain, service, listeners, depthOf(container), contextPath);
        if (whole) {
            drain.onLook(() -> tellIdle(drain, service, fresh.owner));
        }
        drain.onWait(fresh::letGoWhoWaitsForUs);
        AnswersOnTheirWay answers = new AnswersOnTheirWay(
                fresh.owner, service, settings.stallTimeout().toNanos());
        // A file of which the request is over may be any host's.
        drain.onAnswers(answers::move, whole ? answers::leave : () -> false);
        drain.onRequestsGivenUp(() -> {
            List<Ticket.Subject> requests = fresh.owner.requests();
            if (whole) {
                requests.addAll(answers.names());
            }
            return requests;
        });
        if (whole && settings.refuse() == Refuse.ALL && !settings.closeListener()) {
            drain.onStateChange(fresh::lendThreads);
        }
        StartMessages.active(who, settings);
        return fresh;
    }

    /** Returns how many containers are around that one. */
    private static int depthOf(Container container) {
        Container around = container.getParent();
        return around == null ? 0 : 1 + depthOf(around);
    }

    /** Lets requests that themselves wait for the drain or for a stop hold neither: otherwise both would last to their limits. */
    private void letGoWhoWaitsForUs() {
        int gone = owner.letGoStuck();
        if (gone > 0) {
            Patience.call(() -> LOG.warn("drain[" + drain.name() + "] goes on without " + gone
                    + (gone == 1 ? " request that waits" : " requests that wait")
                    + " for the stop, as does one whose application calls System.exit"));
        }
    }

    /**
     * Where everything new is refused, threads beyond the limit do hardly more than refuse. What continues an open upload is served; what
     * comes beside an upload over HTTP/2 may be, too, and is rare.
     */
    private void lendThreads(DrainState before, DrainState after) {
        if (after == DrainState.DRAINING && !listeners.isAnyShared() && !drain.hasOpenUploads()) {
            spareThreads.lend();
        } else if (after == DrainState.SERVING) {
            spareThreads.takeBack();
        }
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

    boolean isServing() {
        return drain.state() == DrainState.SERVING;
    }

    /** Returns what follows the endpoints' path; null if the request is not for them. Allocates only if it is. */
    @Nullable String belowPath(Request request) {
        MessageBytes uri = request.getDecodedRequestURIMB();
        if (isElsewhere(uri) || uri.isNull() || !uri.startsWithIgnoreCase(path, 0)) {
            return null;
        }
        String decoded = uri.toString();
        if (!decoded.startsWith(path)) {
            return null;
        }
        String below = decoded.substring(path.length());
        return below.isEmpty() || below.charAt(0) == '/' ? below : null;
    }

    /** Returns true if the request is for one of the application's own URLs at which front ends look for readiness. Allocates nothing. */
    boolean isReadyPath(Request request) {
        for (String ready : readyPaths) {
            if (request.getDecodedRequestURIMB().equals(ready)) {
                return true;
            }
        }
        return false;
    }

    /** Returns true for most of what is not for the endpoints, by one character: every request passes here. */
    private boolean isElsewhere(MessageBytes uri) {
        if (uri.getType() != MessageBytes.T_CHARS) {
            return false;
        }
        CharChunk chars = uri.getCharChunk();
        int at = chars.getStart() + nameAt;
        return at >= chars.getEnd() || chars.getBuffer()[at] != nameBegin;
    }

    /** Names an application whose requests are all taken for the endpoints'. */
    void warnIfHidden(Context application) {
        String its = application.getPath();
        if (its.equals(path) || its.startsWith(path + "/")) {
            LOG.warn("DrainValve[" + drain.name() + "]: the web application [" + its
                    + "] cannot be reached: the endpoints of the"
                    + " drain have that path; give one of the two another, the valve by its attribute path");
        }
    }

    /** Notes that mod_jk is in front: it shows by a request attribute, and can replay what is refused. */
    void noteFrontEnd(TicketNote note, Request request) {
        if (note.isAjp() && !modJkSeen && request.getCoyoteRequest().getAttribute("JK_LB_ACTIVATION") != null) {
            modJkSeen = true;
            servlet.noteReplayingFrontEnd();
        }
    }

    /** Lets the client of an HTTP/2 request that has been answered send its next one over another connection, if the node leaves. */
    void tellToLeave(Request request) {
        if (!isServing()) {
            GoAway.send(request.getCoyoteRequest(), stillServes(drain));
        }
    }

    /** Returns how long a drain that leaves goes on to serve, at most; it is asked again when it has begun to refuse. */
    private static Duration stillServes(NodeDrain drain) {
        return drain.state() == DrainState.LAME_DUCK ? drain.settings().longestStop() : Duration.ZERO;
    }

    /**
     * Tells HTTP/2 clients that have an upload under way when the node begins to leave, and those that have come since when it begins to
     * refuse: there may be other requests beside it. Other clients are told by their answers. Does nothing if the node serves again by the
     * time that this is called, on a thread of its own.
     */
    static void tellUploads(NodeDrain drain, DrainState after) {
        boolean leaves = after == DrainState.LAME_DUCK || after == DrainState.DRAINING;
        if (leaves && drain.state() != DrainState.SERVING) {
            Duration serves = stillServes(drain);
            drain.visitUploads(source -> {
                if (source instanceof CoyoteUpload upload) {
                    upload.tellToLeave(serves);
                }
            });
        }
    }

    /**
     * Tells the clients of a service's idle HTTP/2 connections, at a look of a drain that leaves with the whole service. The last look, when
     * the drain is over, goes on for a while: what the drain has waited for may just have been answered. It ends with the valve, behind
     * which the service may serve.
     */
    static void tellIdle(NodeDrain drain, Service service, TicketNote.Owner valve) {
        int last = 0;
        while (drain.state() != DrainState.SERVING
                && !valve.isRetired()
                && GoAway.sendToIdle(service, stillServes(drain))
                && drain.state().isOver()
                && last++ < LAST_LOOKS) {
            LockSupport.parkNanos(service, Math.min(FIRST_PAUSE_NANOS * last, LONGEST_PAUSE_NANOS));
        }
    }

    /** Admits a request that is no upload; null if it is refused. Costs a serving node nothing beyond what it costs the drain. */
    @Nullable Ticket enterRequest(Request request, @Nullable String method) {
        Ticket plain = "GET".equals(method) ? drain.tryEnterRequest() : null; // which brings nothing of an upload
        return plain != null ? plain : servlet.enterRequest(request, besideUpload);
    }

    /**
     * Returns true for a request over an HTTP/2 connection whose client cannot be told to leave it, since an upload is under way there that
     * the drain waits for: no front end can send that request elsewhere.
     */
    private boolean isBesideUpload(HttpServletRequest asked) {
        if (!(asked instanceof Request request)) {
            return false;
        }
        InternalHttpUpgradeHandler connection = GoAway.connection(request.getCoyoteRequest());
        return connection != null
                && GoAway.breaksOff(request.getCoyoteRequest())
                && TomcatInternals.get().mayHaveOtherStreams(connection)
                && drain.holdsUpload(source -> source instanceof CoyoteUpload upload && upload.keeps(connection));
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
        StopHook.add(service.getServer(), servlet, service, depth);
    }

    /**
     * Ends a drain as quietly as it began, before Tomcat pauses its connectors: newcomers go elsewhere, since a paused listener goes on
     * accepting and never answers; what has arrived is answered; and no connection is left open.
     *
     * @param longest how long that may take where requests wait for a thread; about a second where none does
     */
    static void endQuietly(Service service, Duration longest) {
        if (!Thread.currentThread().isInterrupted()) {
            ListenerCloser.closeAllForStop(service);
            OpenConnections.end(service, longest);
        }
    }

    /** Ends what this start has made. */
    void end() {
        StopHook.remove(service.getServer(), servlet);
        spareThreads.takeBack();
        owner.retire();
        servlet.close();
        LastWord.say(drain.name(), drain.summary().report());
    }
}
