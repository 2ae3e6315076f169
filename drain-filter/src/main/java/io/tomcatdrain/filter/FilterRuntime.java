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
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Everything that one start of the filter needs to serve, from {@code init} to {@code destroy}. Thread-safe. */
final class FilterRuntime {
    private final ServletContext context;
    private final NodeDrain drain;
    private final ServletDrain servlet;
    private final UploadTypes uploads;

    /** A longer body makes its request an upload; negative: none does. */
    private final long uploadSize;

    private final String path;
    private final Set<String> readyPaths;
    private final @Nullable Integer controlPort;
    private final StopNotification stopNotification;

    FilterRuntime(NodeDrain drain, ServletContext context) {
        DrainSettings settings = drain.settings();
        this.context = context;
        this.drain = drain;
        this.uploads = settings.uploadTypes();
        this.uploadSize = settings.uploadSize();
        this.path = settings.path();
        this.readyPaths = Set.copyOf(settings.readyPaths());
        this.controlPort = settings.controlPort();
        this.servlet = new ServletDrain(drain);
        this.stopNotification = new StopNotification(servlet);
        if (settings.drainOnStop()) {
            stopNotification.watch(context);
        }
    }

    void serve(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (isCountedByValve() || AsyncCompletion.isAdmitted(request)) {
            servlet.endConnection(request, response);
            chain.doFilter(UploadRequest.wrapAgain(request), response);
            return;
        }
        String below = belowPath(request);
        boolean canary = below != null && servlet.isCanary(request, below);
        if (below != null && !canary) {
            servlet.answer(request, response, below, ServletDrain.isOnPort(request, controlPort));
            return;
        }
        if (!readyPaths.isEmpty()
                && readyPaths.contains(wholePath(request))
                && servlet.answersReadiness(request, response)) {
            return;
        }
        if (servlet.isApplications(request)) {
            servlet.endConnection(request, response);
            chain.doFilter(request, response);
            return;
        }
        if (canary || isUpload(request)) {
            ServletUpload progress = new ServletUpload(request);
            FilterChain next = canary ? this::takeCanary : chain;
            admit(servlet.enterUpload(request, progress, () -> false), progress, request, response, next);
        } else {
            admit(servlet.enterRequest(request), null, request, response, chain);
        }
    }

    private void takeCanary(ServletRequest request, ServletResponse response) throws IOException {
        servlet.takeCanary((HttpServletRequest) request, (HttpServletResponse) response);
    }

    private boolean isUpload(HttpServletRequest request) {
        String method = request.getMethod();
        return !"GET".equals(method)
                && !"HEAD".equals(method)
                && (uploads.matches(request.getContentType()) || (uploadSize >= 0 && isLong(request, method)));
    }

    private boolean isLong(HttpServletRequest request, String method) {
        long length = request.getContentLengthLong();
        return length < 0 ? hasUnannouncedBody(request, method) : length > uploadSize;
    }

    /** HTTP/2 and later have no header for it, and a filter cannot look further: a request with one of these methods has a body as a rule. */
    private static boolean hasUnannouncedBody(HttpServletRequest request, String method) {
        return request.getHeader("Transfer-Encoding") != null
                || (!request.getProtocol().startsWith("HTTP/1.")
                        && (method.equals("POST") || method.equals("PUT") || method.equals("PATCH")));
    }

    /** Returns true once a valve has come while the application ran: it has put its own drain in the place of this one. */
    private boolean isCountedByValve() {
        Object found = context.getAttribute(Drain.ATTRIBUTE);
        return found != null && found != drain.forApplications();
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
        String whole = wholePath(request);
        if (!whole.startsWith(path)) {
            return null;
        }
        String below = whole.substring(path.length());
        return below.isEmpty() || below.charAt(0) == '/' ? below : null;
    }

    /** Returns the path below the context's. */
    private static String wholePath(HttpServletRequest request) {
        String servletPath = request.getServletPath();
        String info = request.getPathInfo();
        return info == null ? servletPath : servletPath.isEmpty() ? info : servletPath + info;
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
