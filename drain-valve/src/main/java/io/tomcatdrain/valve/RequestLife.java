package io.tomcatdrain.valve;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Request;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * Whether Tomcat can still end a request with {@code AccessLog.log}; docs/design.md tells why it may not. Made on the request's own thread,
 * asked from any.
 *
 * <p>While a thread of the container is inside the application, the request lives, whatever became of its client.
 */
final class RequestLife {
    private final Request coyote;
    private final long startNanos;
    private final @Nullable Object processor;
    private final @Nullable SocketWrapperBase<?> connection;

    RequestLife(Request coyote) {
        TomcatInternals internals = TomcatInternals.get();
        this.coyote = coyote;
        this.startNanos = coyote.getStartTimeNanos();
        this.processor = internals.processor(coyote);
        this.connection = internals.connection(processor);
    }

    /** Returns what processes the request; null if unknown. */
    @Nullable Object processor() {
        return processor;
    }

    /** Returns true if the pooled request has been recycled, so that nothing may be read from it any more. */
    boolean isRecycled() {
        return coyote.getStartTimeNanos() != startNanos;
    }

    /** Returns true if Tomcat has ended the request, or has lost it. Once true it stays so. */
    boolean isOver() {
        return isRecycled() || isLost() || isCutOff();
    }

    /** An HTTP/2 stream that Tomcat has dropped: it answers a broken frame so, and forgets who was waiting for the stream. */
    private boolean isLost() {
        TomcatInternals internals = TomcatInternals.get();
        // In this order: a thread that takes the stream up afterwards finds it dropped, and leaves.
        return internals.isStreamDropped(processor) && !internals.isStreamBusy(processor);
    }

    /** An async request whose connection Tomcat has closed, and that the application has not completed. */
    private boolean isCutOff() {
        return connection != null && connection.isClosed() && isWaiting() && !isBusy();
    }

    private boolean isWaiting() {
        AtomicBoolean started = new AtomicBoolean();
        coyote.action(ActionCode.ASYNC_IS_STARTED, started);
        return started.get();
    }

    private boolean isBusy() {
        return coyote.getRequestProcessor().getWorkerThreadName() != null
                || TomcatInternals.get().isStreamBusy(processor);
    }
}
