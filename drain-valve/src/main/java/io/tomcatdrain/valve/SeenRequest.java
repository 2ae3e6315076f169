package io.tomcatdrain.valve;

import io.tomcatdrain.Ticket;
import java.util.concurrent.TimeUnit;
import org.apache.coyote.Request;
import org.apache.tomcat.util.buf.ByteChunk;
import org.apache.tomcat.util.buf.CharChunk;
import org.apache.tomcat.util.buf.MessageBytes;
import org.jspecify.annotations.Nullable;

/**
 * A request as another thread sees it while it runs, taken down at once: its path, its age and the type of its answer. What Tomcat keeps
 * as bytes or characters is copied without being changed, as {@code MessageBytes.toString} would; if the request has ended meanwhile, or
 * its path is just being written, the path is unknown.
 */
final class SeenRequest implements Ticket.Subject {
    private final @Nullable String method;
    private final @Nullable String path;
    private final @Nullable String contentType;
    private final long elapsedMillis;

    SeenRequest(Request coyote, @Nullable String method) {
        long startNanos = coyote.getStartTimeNanos();
        String seenPath = text(coyote.decodedURI());
        String seenType = coyote.getResponse().getContentType();
        boolean same = coyote.getStartTimeNanos() == startNanos;
        this.method = method;
        this.path = same ? seenPath : null;
        this.contentType = same ? seenType : null;
        this.elapsedMillis = same ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos) : -1;
    }

    /** Returns the text without changing where it is kept; null if that changes meanwhile. */
    static @Nullable String text(MessageBytes bytes) {
        try {
            return switch (bytes.getType()) {
                case MessageBytes.T_CHARS -> {
                    CharChunk chars = bytes.getCharChunk();
                    yield new String(chars.getBuffer(), chars.getStart(), chars.getLength());
                }
                case MessageBytes.T_BYTES -> {
                    ByteChunk chunk = bytes.getByteChunk();
                    yield new String(chunk.getBytes(), chunk.getStart(), chunk.getLength(), chunk.getCharset());
                }
                default -> bytes.getString();
            };
        } catch (RuntimeException changedMeanwhile) {
            return null;
        }
    }

    @Override
    public boolean isGone() {
        return false;
    }

    @Override
    public @Nullable String method() {
        return method;
    }

    @Override
    public @Nullable String path() {
        return path;
    }

    @Override
    public @Nullable String contentType() {
        return contentType;
    }

    @Override
    public long elapsedMillis() {
        return elapsedMillis;
    }
}
