package io.tomcatdrain.filter;

import io.tomcatdrain.UploadSource;
import io.tomcatdrain.UploadTypes;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An upload as a filter sees it: what the application reads through the wrapped stream. As long as it has not asked for that stream
 * nothing is known of the bytes, since the container may be reading them itself, for {@code getPart} or a parameter.
 */
final class ServletUpload implements UploadSource {
    private static final long UNKNOWN = -1;
    private static final String MULTIPART = "multipart/";
    private static final String URL_ENCODED = "application/x-www-form-urlencoded";

    /** An attribute by which Tomcat 10.1 says that it has not found all parameters. */
    private static final String PARSE_FAILED = "org.apache.catalina.parameter_parse_failed";

    private final HttpServletRequest request;
    private final String method;
    private final String path;
    private final @Nullable String remote;
    private final long contentLength;

    private final AtomicLong bytes = new AtomicLong(UNKNOWN);

    private volatile boolean complete;

    /** True while a thread waits for more, or a ReadListener of the application does. */
    private volatile boolean wanted;

    /** True if the body ended before it should: a reset HTTP/2 stream looks like that to the application. */
    private volatile boolean cut;

    ServletUpload(HttpServletRequest request) {
        this.request = request;
        this.method = request.getMethod();
        this.path = pathOf(request);
        this.remote = request.getRemoteAddr();
        this.contentLength = request.getContentLengthLong();
    }

    /** Returns the path of a request, without its query string. */
    static String pathOf(HttpServletRequest request) {
        String info = request.getPathInfo();
        return request.getContextPath() + request.getServletPath() + (info == null ? "" : info);
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
        // The end of a body of unannounced length is seen only by an application that reads on.
        return complete || (contentLength < 0 && !wanted);
    }

    void wantsMore(boolean more) {
        wanted = more;
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
        if (count >= 0) {
            bytes.addAndGet(count);
        } else if (bytes.get() == 0 && isForm()) {
            parsed(); // for the application's parameters, or an earlier filter's
        } else {
            complete = true;
            cut = contentLength >= 0 && bytes.get() < contentLength;
        }
    }

    /** Returns true for a type that the container may read by itself. */
    private boolean isForm() {
        String type = request.getContentType();
        return UploadTypes.isOf(type, MULTIPART) || UploadTypes.isOf(type, URL_ENCODED);
    }

    boolean isCut() {
        return cut;
    }

    /**
     * The container has been asked for parameters. For those of a form that comes by POST it reads the body, if nobody has begun to; whether it
     * reads another one is its own business, and stays unknown until the application asks for more.
     */
    void parametersRead() {
        if (bytes.get() == UNKNOWN
                && !complete
                && method.equals("POST")
                && UploadTypes.isOf(request.getContentType(), URL_ENCODED)
                && request.getAttribute(PARSE_FAILED) == null) {
            parsed();
        }
    }

    /** The container has read the whole body by itself. */
    void parsed() {
        if (contentLength >= 0) {
            bytes.set(contentLength);
        }
        complete = true;
    }
}
