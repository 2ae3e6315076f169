package io.tomcatdrain.http;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;

/**
 * Writes the status to listeners ({@code text/event-stream}) for as long as they listen, each on the thread that calls. Thread-safe.
 *
 * <p>All listeners share one status per tick. A slow reader delays only its own thread: what it has missed is not kept, it gets the
 * status as it is when it can take the next. A state that ends before the listener could be written to is therefore not shown to it.
 */
final class EventStream {
    private static final byte[] NOTHING_NEW = StatusJson.utf8(": nothing new\n\n");

    private final Drain drain;
    private final Rhythm rhythm;
    private final SharedStatus shared;
    private final long startNanos = System.nanoTime();

    /**
     * How often something is written.
     *
     * @param progress between two statuses while a drain waits for something
     * @param keepAlive between two comments otherwise, which also find out who has gone
     * @param longest how long a stream lasts at most; a browser comes back by itself
     */
    record Rhythm(Duration progress, Duration keepAlive, Duration longest) {
        static final Rhythm DEFAULT = new Rhythm(Duration.ofSeconds(1), Duration.ofSeconds(15), Duration.ofHours(1));
    }

    EventStream(Drain drain, Rhythm rhythm) {
        this.drain = drain;
        this.rhythm = rhythm;
        this.shared = new SharedStatus(drain);
    }

    /** Says that there is news for all listeners, before they are woken. */
    void outdate() {
        shared.outdate();
    }

    /** Answers a request; returns when the listener has gone, the stream has lasted long enough or is asked to end. */
    void write(HttpServletResponse response, LongRequests.Stay stay) throws IOException {
        response.setStatus(HttpServletResponse.SC_OK);
        response.setContentType("text/event-stream");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Accel-Buffering", "no"); // nginx would keep it all until it is over
        try {
            stream(response, response.getOutputStream(), stay);
        } finally {
            shared.forget();
        }
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
                out.write(tells ? shared.at(tick()) : NOTHING_NEW);
                response.flushBuffer();
            } catch (IOException gone) {
                return; // how most streams end: the listener has left, or takes nothing
            }
            if (!last) {
                long pause = waiting ? untilNextTick() : rhythm.keepAlive().toNanos();
                try {
                    news = stay.awaitNews(Math.min(pause, left));
                } catch (InterruptedException told) {
                    Thread.currentThread().interrupt();
                    last = true;
                }
            }
        } while (!last);
    }

    private long tick() {
        return (System.nanoTime() - startNanos) / rhythm.progress().toNanos();
    }

    /** All streams look at the same moments, so that they can share what they see. */
    private long untilNextTick() {
        long tick = rhythm.progress().toNanos();
        return tick - (System.nanoTime() - startNanos) % tick;
    }
}
