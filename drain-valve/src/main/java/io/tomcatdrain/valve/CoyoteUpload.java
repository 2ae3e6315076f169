package io.tomcatdrain.valve;

import io.tomcatdrain.UploadSource;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Request;
import org.apache.coyote.http11.upgrade.InternalHttpUpgradeHandler;
import org.jspecify.annotations.Nullable;

/**
 * An upload as Coyote sees it. What does not change is copied; the bytes are read live, under a check that the pooled request still
 * carries the same upload: its start time changes when it is recycled (org.apache.coyote.Request#recycle).
 */
final class CoyoteUpload implements UploadSource {
    private final org.apache.coyote.Request coyote;
    private final RequestLife life;
    private final @Nullable Context firstContext;
    private final String method;
    private final @Nullable String path;
    private final @Nullable String remote;
    private final long contentLength;

    /** The body where its length is not announced; null where it is. */
    private final @Nullable WatchedBody body;

    /** Its HTTP/2 connection; null if it has none. */
    private final @Nullable InternalHttpUpgradeHandler connection;

    /** True if the client at its other end is not to be told to leave it while this is under way. */
    private final boolean keepsConnection;

    /** The last bytes seen, for when the request is gone. */
    private volatile long lastBytes;

    CoyoteUpload(Request request) {
        this.coyote = request.getCoyoteRequest();
        this.life = new RequestLife(coyote);
        this.firstContext = request.getContext();
        this.method = request.getMethod();
        this.path = request.getDecodedRequestURI();
        this.remote = request.getRemoteAddr();
        this.contentLength = request.getContentLengthLong();
        this.body = contentLength < 0 ? WatchedBody.of(coyote) : null;
        this.connection = GoAway.connection(coyote);
        this.keepsConnection = connection != null && GoAway.breaksOff(coyote);
    }

    /** Tells an HTTP/2 client that its node leaves, and still serves for no longer than that. */
    void tellToLeave(Duration serves) {
        if (connection != null && !keepsConnection) {
            GoAway.send(connection, serves);
        }
    }

    /** Returns true if its client is not told to leave that HTTP/2 connection because of this upload. */
    boolean keeps(InternalHttpUpgradeHandler other) {
        return keepsConnection && connection == other;
    }

    /** Returns true if that application has it, which a valve behind the drain's may have taken it to. */
    boolean isIn(Context context) {
        Context present = TicketNote.contextOf(coyote);
        VarHandle.loadLoadFence();
        return (present == null || life.isRecycled() ? firstContext : present) == context;
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
        if (!life.isRecycled()) {
            long bytes = coyote.getBytesRead();
            VarHandle.loadLoadFence(); // the second look at the start time comes after the bytes
            if (!life.isRecycled()) {
                // Recycling begins with the bytes and ends with the start time: what it left in between is no news.
                long most = Math.max(bytes, lastBytes);
                lastBytes = most;
                return most; // not the field, which a slower reader may just have set back
            }
        }
        return lastBytes;
    }

    @Override
    public boolean isBodyComplete() {
        try {
            // Asks the processor for one flag; what a recycled one says is not believed.
            boolean finished = !life.isRecycled() && (coyote.isFinished() || (body != null && !body.isWanted(coyote)));
            VarHandle.loadLoadFence();
            return finished && !life.isRecycled();
        } catch (RuntimeException betweenTwoRequests) {
            return false;
        }
    }

    @Override
    public boolean isGone() {
        return life.isOver();
    }
}
