package io.tomcatdrain.http;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;

/**
 * Writes the status to clients ({@code text/event-stream}) for as long as they listen, each on the thread that calls. Thread-safe.
 *
 * <p>A slow reader delays only its own thread: what it has missed is not kept, it gets the status as it is when it can take the next. A
 * state that ends before the client could be written to is therefore not shown to it.
 */
final class EventStream {
    private static final byte[] NOTHING_NEW = StatusJson.utf8(": nothing new\n\n");

    private final Drain drain;
    private final Rhythm rhythm;

    /**
     * How often something is written.
     *
     * @param progress between two statuses while a drain waits for something
     * @param keepAlive between two comments otherwise, which also find out which clients have gone
     * @param longest how long a stream lasts at most; a browser comes back by itself
     */
    record Rhythm(Duration progress, Duration keepAlive, Duration longest) {
        static final Rhythm DEFAULT = new Rhythm(Duration.ofSeconds(1), Duration.ofSeconds(15), Duration.ofHours(1));
    }

    EventStream(Drain drain, Rhythm rhythm) {
        this.drain = drain;
        this.rhythm = rhythm;
    }

    /** Answers a request; returns when the client has gone, the stream has lasted long enough or is asked to end. */
    void write(HttpServletResponse response, LongRequests.Stay stay) throws IOException {
        response.setStatus(HttpServletResponse.SC_OK);
        response.setContentType("text/event-stream");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Accel-Buffering", "no"); // nginx would keep it all until it is over
        stream(response, response.getOutputStream(), stay);
    }

    private void stream(HttpServletResponse response, OutputStream out, LongRequests.Stay stay) {
        long until = System.nanoTime() + rhythm.longest().toNanos();
        boolean news = true;
        DrainState shown = drain.state();
        boolean last;
        do {
            long left = until - System.nanoTime();
            last = stay.isEnding() || left <= 0; // before the look at the status, so that the last one is not too old
            DrainState state = drain.state();
            boolean waiting = !state.isReady() && !state.isOver();
            boolean tells = news || waiting || last || state != shown;
            shown = state;
            try {
                out.write(tells ? event() : NOTHING_NEW);
                response.flushBuffer();
            } catch (IOException gone) {
                return; // how most streams end: the client has left, or takes nothing
            }
            if (!last) {
                long pause = (waiting ? rhythm.progress() : rhythm.keepAlive()).toNanos();
                try {
                    news = stay.awaitNews(Math.min(pause, left));
                } catch (InterruptedException told) {
                    Thread.currentThread().interrupt();
                    last = true;
                }
            }
        } while (!last);
    }

    private byte[] event() {
        return StatusJson.utf8("event: status\ndata: " + StatusJson.of(drain.status()) + "\n\n");
    }
}
