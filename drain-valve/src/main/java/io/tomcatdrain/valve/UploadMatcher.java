package io.tomcatdrain.valve;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.UploadTypes;
import org.apache.catalina.connector.Request;
import org.apache.tomcat.util.buf.ByteChunk;
import org.apache.tomcat.util.buf.MessageBytes;
import org.jspecify.annotations.Nullable;

/** Tells uploads from other requests by the bytes of their head, without making strings of them. Thread-safe. */
final class UploadMatcher {
    private final UploadTypes types;
    private final String[] prefixes;

    /** A longer body makes its request an upload; negative: none does. */
    private final long size;

    UploadMatcher(DrainSettings settings) {
        this.types = settings.uploadTypes();
        this.size = settings.uploadSize();
        this.prefixes = types.prefixes().toArray(String[]::new);
    }

    /** Returns true if a request of that method is an upload; of a GET or HEAD it looks at nothing else. */
    boolean matches(@Nullable String method, Request request) {
        if ("GET".equals(method) || "HEAD".equals(method) || isAnsweredByTomcat(request)) {
            return false;
        }
        org.apache.coyote.Request coyote = request.getCoyoteRequest();
        return matches(coyote.contentType()) || (size >= 0 && isLong(request, coyote));
    }

    /** What is no request, by a length that is no number among other things, Tomcat has answered before the valve sees it. */
    private static boolean isAnsweredByTomcat(Request request) {
        return request.getResponse().getStatus() >= 400;
    }

    private boolean isLong(Request request, org.apache.coyote.Request coyote) {
        long length = coyote.getContentLengthLong();
        return length < 0 ? hasUnannouncedBody(request, coyote) : length > size;
    }

    private static boolean hasUnannouncedBody(Request request, org.apache.coyote.Request coyote) {
        return coyote.getMimeHeaders().getValue("Transfer-Encoding") != null
                // HTTP/2 has no such header; a stream without a body has ended with its head.
                || ("HTTP/2.0".equals(request.getProtocol()) && !coyote.isFinished());
    }

    private boolean matches(@Nullable MessageBytes contentType) {
        if (contentType == null || contentType.isNull()) {
            return false;
        }
        if (contentType.getType() != MessageBytes.T_BYTES) {
            return types.matches(contentType.toString());
        }
        for (String prefix : prefixes) {
            if (contentType.startsWithIgnoreCase(prefix, 0) && endsAt(contentType.getByteChunk(), prefix)) {
                return true;
            }
        }
        return false;
    }

    private static boolean endsAt(ByteChunk bytes, String prefix) {
        return prefix.endsWith("/")
                || bytes.getLength() == prefix.length()
                || UploadTypes.endsMediaType(bytes.getBytes()[bytes.getStart() + prefix.length()]);
    }
}
