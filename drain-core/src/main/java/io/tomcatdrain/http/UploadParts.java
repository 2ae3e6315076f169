package io.tomcatdrain.http;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the parts of uploads that come in several requests among servlet requests, without touching body or parameters. Thread-safe.
 *
 * <p>A request that only asks costs nothing while the node serves: it is looked at when it would be refused.
 */
final class UploadParts {
    private static final Set<String> ASKING = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    /** Any of them may make a request the first or a further part. */
    private static final String[] MARKS = {
        "Upload-Offset", "Upload-Length", "Content-Range", "Upload-Complete", "Upload-Defer-Length", "Upload-Concat"
    };

    private final NodeDrain drain;
    private final UploadRules rules;
    private final boolean on;

    UploadParts(NodeDrain drain) {
        DrainSettings settings = drain.settings();
        this.drain = drain;
        this.rules = new UploadRules(settings.uploadKeys());
        this.on = settings.openUploads() != DrainSettings.OpenUploads.OFF;
    }

    /** Returns what the request is of an upload; null for one that only asks, or that nothing marks as a part. Never throws. */
    Ticket.@Nullable Part of(HttpServletRequest request) {
        String method = request.getMethod();
        // Most requests end here, at the first word.
        if ("GET".equals(method) || !on || method == null || ASKING.contains(method)) {
            return null;
        }
        try {
            return mayBePart(request) ? any(request) : null;
        } catch (RuntimeException | Error fault) {
            return null; // of a container that answers badly for what is no request; and none of ours may fail one
        }
    }

    private boolean mayBePart(HttpServletRequest request) {
        if (drain.hasOpenUploads() || rules.hasPaths() || isMarked(request)) {
            return true;
        }
        String query = request.getQueryString();
        return (query != null && rules.mayName(query))
                || (request.getContentLengthLong() <= 0
                        && UploadRules.isRegistry(String.valueOf(request.getRequestURI())));
    }

    private static boolean isMarked(HttpServletRequest request) {
        for (String mark : MARKS) {
            if (request.getHeader(mark) != null) {
                return true;
            }
        }
        return false;
    }

    /** Returns what any request is of an upload, or of a client that may have one; null if there can be none. Never throws. */
    Ticket.@Nullable Part late(HttpServletRequest request) {
        try {
            return on && drain.hasOpenUploads() ? any(request) : null;
        } catch (RuntimeException | Error fault) {
            return null;
        }
    }

    private Ticket.@Nullable Part any(HttpServletRequest request) {
        String method = request.getMethod();
        String uri = request.getRequestURI();
        String path = uri == null ? null : UploadPath.of(uri, "/");
        return path == null || method == null
                ? null
                : drain.part(rules.head(new UploadRules.Request(
                        method,
                        path,
                        request.getQueryString(),
                        request::getHeader,
                        request.getContentLengthLong(),
                        client(request))));
    }

    /** Notes on the part, if the ticket carries one, what the answer says. Never throws. */
    static void answered(@Nullable Ticket ticket, HttpServletRequest request, HttpServletResponse response) {
        Ticket.Part part = ticket == null ? null : ticket.part();
        if (part == null) {
            return;
        }
        try {
            String path = UploadPath.of(String.valueOf(request.getRequestURI()), "/");
            part.answered(UploadRules.answer(
                    part.head(),
                    path == null ? "/" : path,
                    response.getStatus(),
                    response::getHeader,
                    clientAfter(request, response)));
        } catch (RuntimeException | Error fault) {
            // Mostly the container has recycled it. A part without an answer is one that was broken off; no fault may
            // break off the answer.
        }
    }

    private static @Nullable String client(HttpServletRequest request) {
        String session = request.getRequestedSessionId();
        if (session != null) {
            return ofSession(session);
        }
        String authorization = request.getHeader("Authorization");
        return authorization == null ? null : "authorization " + authorization;
    }

    private static String ofSession(String id) {
        return "session " + id;
    }

    /** A session that the application has made, or renamed, is the client's from now on. Others are not touched: that would prolong them. */
    private static @Nullable String clientAfter(HttpServletRequest request, HttpServletResponse response) {
        if (request.getRequestedSessionId() == null || response.getHeader("Set-Cookie") != null) {
            HttpSession session = request.getSession(false);
            if (session != null) {
                return ofSession(session.getId());
            }
        }
        return null;
    }
}
