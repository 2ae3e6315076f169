package io.tomcatdrain.filter;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.UploadTypes;
import io.tomcatdrain.http.DrainEndpoints;
import io.tomcatdrain.http.Lingering;
import io.tomcatdrain.http.Refusal;
import io.tomcatdrain.jmx.DrainRegistration;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Everything that one start of the filter needs to serve, from {@code init} to {@code destroy}. Immutable and thread-safe. */
final class Serving {
    /** How long a stop waits for the last lines of the log. */
    private static final long LOG_MILLIS = 1_000;

    private final ServletContext context;
    private final Drain drain;
    private final UploadTypes uploads;
    private final String path;
    private final @Nullable Integer controlPort;
    private final DrainEndpoints endpoints;
    private final Refusal refusal;
    private final Lingering lingering = new Lingering();
    private final DrainRegistration registration;
    private final DrainStop stop;

    Serving(Drain drain, ServletContext context) {
        DrainSettings settings = drain.settings();
        this.context = context;
        this.drain = drain;
        this.uploads = settings.uploadTypes();
        this.path = settings.path();
        this.controlPort = settings.controlPort();
        this.endpoints = new DrainEndpoints(drain);
        this.refusal = new Refusal(settings);
        this.registration = DrainRegistration.register(drain);
        this.stop = new DrainStop(drain, endpoints);
        if (settings.drainOnStop()) {
            stop.watch(context);
        }
    }

    void serve(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request.getAttribute(Drain.ATTRIBUTE) != null) {
            // An async dispatch of what was admitted, or somebody else counts it.
            endConnection(request, response);
            chain.doFilter(UploadRequest.wrapAgain(request), response);
            return;
        }
        String below = belowPath(request);
        if (below != null) {
            endpoints.handle(request, response, below, controlPort == null || controlPort == request.getLocalPort());
            return;
        }
        if (uploads.matches(request.getContentType())) {
            UploadProgress progress = new UploadProgress(request);
            admit(drain.enterUpload(progress), progress, request, response, chain);
        } else {
            admit(drain.enterRequest(), null, request, response, chain);
        }
    }

    private void admit(
            @Nullable Ticket ticket,
            @Nullable UploadProgress progress,
            HttpServletRequest request,
            HttpServletResponse response,
            FilterChain chain)
            throws IOException, ServletException {
        if (ticket == null) {
            refuse(request, response);
            return;
        }
        boolean threw = true;
        try {
            request.setAttribute(Drain.ATTRIBUTE, drain);
            endConnection(request, response);
            chain.doFilter(progress == null ? request : UploadRequest.wrap(request, progress), response);
            threw = false;
        } finally {
            endConnection(request, response); // the drain may have begun meanwhile
            if (!AsyncCompletion.takesOver(drain, ticket, request, response, progress)) {
                ticket.close(threw || AsyncCompletion.isFailed(response, progress));
            }
        }
    }

    private void refuse(HttpServletRequest request, HttpServletResponse response) throws IOException {
        refusal.write(request, response, endsByHeader(request));
        if (mayBeOvertaken(request)) {
            response.getOutputStream().close();
            lingering.linger();
        }
    }

    /** Returns true if what the container does behind the answer (a reset of the stream or of the connection) can reach the client before it. */
    private static boolean mayBeOvertaken(HttpServletRequest request) throws IOException {
        boolean mayHaveMore = isHttp2(request)
                || ((request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null)
                        && request.getHeader("Expect") == null); // who waits to be told sends nothing
        return mayHaveMore && !request.getInputStream().isFinished();
    }

    /** Returns what follows the endpoints' path; null if the request is not for them. */
    private @Nullable String belowPath(HttpServletRequest request) {
        String servletPath = request.getServletPath();
        String info = request.getPathInfo();
        if (info != null && !servletPath.isEmpty() && !path.startsWith(servletPath) && !servletPath.startsWith(path)) {
            return null; // spares most requests the concatenation
        }
        String whole = info == null ? servletPath : servletPath.isEmpty() ? info : servletPath + info;
        if (!whole.startsWith(path)) {
            return null;
        }
        String below = whole.substring(path.length());
        return below.isEmpty() || below.charAt(0) == '/' ? below : null;
    }

    // ---------------------------------------------------------------- connections

    /** Lets a node that leaves keep no connection beyond this answer. */
    private void endConnection(HttpServletRequest request, HttpServletResponse response) {
        if (drain.state() != DrainState.SERVING && !response.isCommitted() && endsByHeader(request)) {
            response.setHeader("Connection", "close");
        }
    }

    /** Returns true if the answer travels in HTTP/1.x to the peer itself, where a header can end the connection. */
    private static boolean endsByHeader(HttpServletRequest request) {
        // On HTTP/2 the header is a protocol error that clients punish, and over AJP it is the front end's own
        // business.
        return request.getProtocol().startsWith("HTTP/1.")
                && !"ajp".equals(request.getServletConnection().getProtocol());
    }

    private static boolean isHttp2(HttpServletRequest request) {
        return "HTTP/2.0".equals(request.getProtocol());
    }

    // ---------------------------------------------------------------- the end

    void close() {
        if (drain.settings().drainOnStop()) {
            stop.drain("filter stop");
        }
        stop.unwatch();
        endpoints.close();
        drain.close();
        try {
            drain.awaitListeners(LOG_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        registration.close(); // last, so that whoever watches is told how it ended
        if (context.getAttribute(Drain.ATTRIBUTE) == drain) {
            context.removeAttribute(Drain.ATTRIBUTE);
        }
    }
}
