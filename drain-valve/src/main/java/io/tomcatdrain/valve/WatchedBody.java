package io.tomcatdrain.valve;

import java.io.IOException;
import org.apache.coyote.InputBuffer;
import org.apache.coyote.Request;
import org.apache.tomcat.util.net.ApplicationBufferHandler;

/**
 * Stands between a request and its body where the length of that is not announced, and shows whether a thread is waiting for more of it.
 * Where the end of such a body is, Tomcat knows only once it is read: an application that has all of its form reads no further.
 */
final class WatchedBody implements InputBuffer {
    private final InputBuffer body;
    private volatile boolean wanted;

    private WatchedBody(InputBuffer body) {
        this.body = body;
    }

    /** Begins to watch; on the request's own thread, before the application has it. */
    static WatchedBody of(Request coyote) {
        WatchedBody watched = new WatchedBody(coyote.getInputBuffer());
        coyote.setInputBuffer(watched);
        return watched;
    }

    /** Ends it: Tomcat keeps the request and its body for the next one. Does nothing where none is watched. */
    static void leave(Request coyote) {
        if (coyote.getInputBuffer() instanceof WatchedBody watched) {
            coyote.setInputBuffer(watched.body);
        }
    }

    /** Returns true while a thread waits for more, in whichever way. */
    boolean isWanted(Request coyote) {
        return wanted || coyote.getReadListener() != null;
    }

    @Override
    public int doRead(ApplicationBufferHandler handler) throws IOException {
        wanted = true;
        try {
            return body.doRead(handler);
        } finally {
            wanted = false;
        }
    }

    @Override
    public int available() {
        return body.available();
    }
}
