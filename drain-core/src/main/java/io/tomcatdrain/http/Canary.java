package io.tomcatdrain.http;

import io.tomcatdrain.NodeDrain;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Takes uploads that an operator sends to see what a drain does to uploads: reads their bodies, keeps nothing, and says how much it was. The
 * adapter admits, counts, shows and refuses them like any other upload. At most {@value #MOST} at once, of {@value #LONGEST} bytes
 * each. Thread-safe.
 */
final class Canary {
    /** How many are read at once at most. */
    static final int MOST = 16;

    /** The longest body, in bytes. */
    static final long LONGEST = 64L << 20;

    private static final int BUFFER = 8192;

    private final NodeDrain drain;
    private final Semaphore places = new Semaphore(MOST);

    /** True once a front end was seen that sends a refused request to another node. */
    private volatile boolean replayed;

    Canary(NodeDrain drain) {
        this.drain = drain;
    }

    /** Returns true if the request is one: it goes to the canary's path, and carries the token. */
    boolean is(HttpServletRequest request, String below) {
        return below.equals("/canary")
                && "POST".equals(request.getMethod())
                && drain.settings().hasToken()
                && BearerToken.isIn(request.getHeader("Authorization"), drain.settings());
    }

    /**
     * Reads the body and answers 200; 429 past the number, 413 past the length.
     *
     * @throws IOException if the client breaks the upload off, or the answer cannot be written
     */
    void take(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (!places.tryAcquire()) {
            response.setHeader(
                    "Retry-After", Refusal.wholeSeconds(drain.settings().retryAfter()));
            Answers.error(
                    request,
                    response,
                    Answers.TOO_MANY_REQUESTS,
                    MOST + " canary uploads are read already: try again later");
            return;
        }
        try {
            long bytes = request.getContentLengthLong() > LONGEST ? LONGEST + 1 : read(request.getInputStream());
            if (bytes > LONGEST) {
                Answers.error(
                        request,
                        response,
                        413,
                        "a canary upload has at most " + LONGEST + " bytes: send a shorter one");
            } else {
                Answers.json(request, response, 200, StatusJson.utf8(StatusJson.ofCanary(drain.name(), bytes)));
            }
        } finally {
            places.release();
        }
    }

    private static long read(ServletInputStream in) throws IOException {
        byte[] buffer = new byte[BUFFER];
        long bytes = 0;
        for (int read = in.read(buffer); read >= 0 && bytes <= LONGEST; read = in.read(buffer)) {
            bytes += read;
        }
        return bytes;
    }

    void noteReplayingFrontEnd() {
        replayed = true;
    }

    /** Answers what a check needs to know of a node before it drains it. */
    void tell(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Answers.json(
                request,
                response,
                200,
                StatusJson.utf8(StatusJson.ofFacts(drain.name(), version(), replayed, drain.settings())));
    }

    /** Returns the version of the jar; null outside one. */
    private static @Nullable String version() {
        return Canary.class.getPackage().getImplementationVersion();
    }
}
