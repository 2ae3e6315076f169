package io.tomcatdrain.valve;

import io.tomcatdrain.Ticket;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.connector.Request;
import org.apache.coyote.Processor;
import org.jspecify.annotations.Nullable;

/** An async request as Coyote sees it, that is no upload. Made on the request's own thread, asked from any. */
final class CoyoteRequest implements Ticket.Subject {
    private final org.apache.coyote.Request coyote;
    private final RequestLife life;
    private final String method;
    private final @Nullable String path;
    private final long startNanos;

    CoyoteRequest(Request request) {
        this.coyote = request.getCoyoteRequest();
        this.life = new RequestLife(coyote);
        this.method = request.getMethod();
        this.path = request.getDecodedRequestURI();
        this.startNanos = coyote.getStartTimeNanos();
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
    public @Nullable String contentType() {
        if (life.isRecycled()) {
            return null;
        }
        String type = coyote.getResponse().getContentType();
        return life.isRecycled() ? null : type;
    }

    @Override
    public long elapsedMillis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
    }

    @Override
    public boolean isGone() {
        return life.isOver();
    }

    /** Lets Tomcat end it by a timeout, as it does by itself with every async request when a connector stops. */
    @Override
    public void end() {
        if (life.processor() instanceof Processor processor && !life.isOver()) {
            processor.timeoutAsync(-1);
        }
    }
}
