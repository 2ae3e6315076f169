package io.tomcatdrain.filter;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.UploadTypes;
import io.tomcatdrain.http.ServletDrain;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Everything that one start of the filter needs to serve, from {@code init} to {@code destroy}. Thread-safe. */
final class FilterRuntime {
    private final ServletContext context;
    private final NodeDrain drain;
    private final ServletDrain servlet;
    private final UploadTypes uploads;
    private final String path;
    private final @Nullable Integer controlPort;
    private final StopNotification stopNotification;

    FilterRuntime(NodeDrain drain, ServletContext context) {
        DrainSettings settings = drain.settings();
        this.context = context;
        this.drain = drain;
        this.uploads = settings.uploadTypes();
        this.path = settings.path();
        this.controlPort = settings.controlPort();
        this.servlet = new ServletDrain(drain);
        this.stopNotification = new StopNotification(servlet);
        if (settings.drainOnStop()) {
            stopNotification.watch(context);
        }
    }

    void serve(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request.getAttribute(Drain.ATTRIBUTE) != null) {
            // An async dispatch of what was admitted, or a valve counts it.
            servlet.endConnection(request, response);
            chain.doFilter(UploadRequest.wrapAgain(request), response);
            return;
        }
        String below = belowPath(request);
        if (below != null) {
            servlet.answer(request, response, below, ServletDrain.isOnPort(request, controlPort));
            return;
        }
        if (uploads.matches(request.getContentType())) {
            ServletUpload progress = new ServletUpload(request);
            admit(servlet.enterUpload(request, progress, () -> false), progress, request, response, chain);
        } else {
            admit(servlet.enterRequest(request), null, request, response, chain);
        }
    }

    private void admit(
            @Nullable Ticket ticket,
            @Nullable ServletUpload progress,
            HttpServletRequest request,
            HttpServletResponse response,
            FilterChain chain)
            throws IOException, ServletException {
        if (ticket == null) {
            servlet.refuse(request, response);
            return;
        }
        boolean threw = true;
        try {
            request.setAttribute(Drain.ATTRIBUTE, drain.forApplications());
            servlet.endConnection(request, response);
            chain.doFilter(progress == null ? request : UploadRequest.wrap(request, progress), response);
            threw = false;
        } finally {
            servlet.endConnection(request, response); // the drain may have begun meanwhile
            if (!AsyncCompletion.takesOver(drain, ticket, request, response, progress)) {
                ServletDrain.answered(ticket, request, response);
                ticket.close(threw || AsyncCompletion.isFailed(response, progress));
            }
        }
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

    /** Drains, as far as the container still lets requests finish, and ends what this start has made. */
    void close() {
        if (drain.settings().drainOnStop()) {
            StopNotification.drainForStop("filter stop", servlet);
        }
        stopNotification.unwatch();
        servlet.close();
        if (context.getAttribute(Drain.ATTRIBUTE) == drain.forApplications()) {
            context.removeAttribute(Drain.ATTRIBUTE);
        }
    }
}
