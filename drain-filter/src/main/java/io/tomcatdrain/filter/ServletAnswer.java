package io.tomcatdrain.filter;

import io.tomcatdrain.Ticket;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An async request as a filter sees it, that is no upload. Made on the request's own thread, asked from any. */
final class ServletAnswer implements Ticket.Subject {
    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final String method;
    private final String path;
    private final long trackedNanos = System.nanoTime();

    ServletAnswer(HttpServletRequest request, HttpServletResponse response) {
        this.request = request;
        this.response = response;
        this.method = request.getMethod();
        this.path = ServletUpload.pathOf(request);
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public @Nullable String contentType() {
        String type = response.getContentType();
        return isGone() ? null : type;
    }

    /** Since it went async: a filter looks at no clock before. */
    @Override
    public long elapsedMillis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - trackedNanos);
    }

    @Override
    public boolean isGone() {
        return ServletUpload.isRecycled(request);
    }
}
