package io.tomcatdrain.filter;

import io.tomcatdrain.UploadSource;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An upload as a filter sees it: what the application reads through the wrapped stream. As long as it has not asked for that stream
 * nothing is known of the bytes, since the container may be reading them itself, for {@code getPart} or a parameter.
 */
final class ServletUpload implements UploadSource {
    private static final long UNKNOWN = -1;

    private final HttpServletRequest request;
    private final String method;
    private final @Nullable String path;
    private final @Nullable String remote;
    private final long contentLength;

    private final AtomicLong bytes = new AtomicLong(UNKNOWN);

    private volatile boolean complete;

    /** True if the body ended before it should: a reset HTTP/2 stream looks like that to the application. */
    private volatile boolean cut;

    ServletUpload(HttpServletRequest request) {
        this.request = request;
        this.method = request.getMethod();
        String info = request.getPathInfo();
        this.path = request.getContextPath() + request.getServletPath() + (info == null ? "" : info);
        this.remote = request.getRemoteAddr();
        this.contentLength = request.getContentLengthLong();
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public @Nullable String path() {
        return path;
    }

    @Override
    public @Nullable String remote() {
        return remote;
    }

    @Override
    public long contentLength() {
        return contentLength;
    }

    @Override
    public long bytesReceived() {
        return bytes.get();
    }

    @Override
    public boolean isBodyComplete() {
        return complete;
    }

    @Override
    public boolean isGone() {
        return isRecycled(request);
    }

    /**
     * Returns true if the container has dropped the request. Tomcat throws an exception where a request is used after its end. It
     * does not tell listeners of that end where an HTTP/2 stream is reset while its request goes async. Other containers do neither.
     */
    static boolean isRecycled(HttpServletRequest request) {
        try {
            boolean unused = request.isSecure(); // one flag, which other threads may read
            return false;
        } catch (IllegalStateException recycled) {
            return true;
        }
    }

    /** The application will read the body through the wrapped stream. */
    void opened() {
        bytes.compareAndSet(UNKNOWN, 0);
    }

    /** The application has been given so many bytes; negative: the end. */
    void received(long count) {
        if (count < 0) {
            complete = true;
            cut = contentLength >= 0 && bytes.get() < contentLength;
        } else {
            bytes.addAndGet(count);
        }
    }

    boolean isCut() {
        return cut;
    }

    /** The container has read the whole body by itself. */
    void parsed() {
        if (contentLength >= 0) {
            bytes.set(contentLength);
        }
        complete = true;
    }
}
