package io.tomcatdrain.http;

import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.ReadinessPoll;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Answers the requests below the configured path: readiness, liveness, status, commands and live events. Thread-safe.
 *
 * <p>Requests that wait and event streams stay on the thread that they came on, at most 16 of each. No request's body or parameters
 * are ever asked for; what a command is given stands in its query string.
 */
final class DrainEndpoints {
    private static final byte[] UP = StatusJson.utf8("{\"status\":\"UP\"}");
    private static final byte[] DRAINING = StatusJson.utf8("{\"status\":\"DRAINING\"}");

    /** No drain runs, and the application says that it is not ready. */
    private static final byte[] OUT_OF_SERVICE = StatusJson.utf8("{\"status\":\"OUT_OF_SERVICE\"}");

    private static final String NOTHING_HERE =
            "nothing is here: use [{path}], [{path}/ready], [{path}/live], [{path}/events] or [{path}/canary]";

    /** HAProxy's check asks by OPTIONS unless it is told otherwise. */
    private static final List<String> PROBED = List.of("GET", "HEAD", "OPTIONS");

    /** How often a waiting request looks by itself, should the drain's listeners not be called. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long a stop waits for event streams at most: a reader that takes nothing must not hold it. */
    private static final long STREAMS_END_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private final NodeDrain drain;
    private final String path;
    private final String retryAfter;
    private final EventStream events;
    private final Canary canary;
    private final LongRequests waits = new LongRequests();
    private final LongRequests streams = new LongRequests();
    private final DrainListener.Registration stateChanges;

    /** Makes the endpoints of a drain; to be closed with it. */
    DrainEndpoints(NodeDrain drain) {
        this(drain, EventStream.Rhythm.DEFAULT);
    }

    DrainEndpoints(NodeDrain drain, EventStream.Rhythm rhythm) {
        this.drain = drain;
        this.canary = new Canary(drain);
        this.path = drain.path();
        this.retryAfter = Refusal.wholeSeconds(drain.settings().retryAfter());
        this.events = new EventStream(drain, rhythm);
        LongRequests waking = waits;
        LongRequests streaming = streams;
        this.stateChanges = drain.onStateChange((before, after) -> {
            waking.wake();
            streaming.wake();
        });
    }

    /**
     * Answers one request.
     *
     * @param below what follows the configured path in the request's: {@code ""}, {@code "/ready"}, {@code "/live"}, {@code
     *     "/events"} or {@code "/canary"}, of which the uploads are the adapter's; anything else is answered 404
     * @param controlHere false where control is not answered on this connector: the answer is then 403
     * @throws IOException if the answer cannot be written
     */
    void handle(HttpServletRequest request, HttpServletResponse response, String below, boolean controlHere)
            throws IOException {
        switch (below) {
            case "/ready" -> {
                if (allows(request, response, PROBED)) {
                    ready(request, response);
                }
            }
            case "/live" -> {
                if (allows(request, response, PROBED)) {
                    Answers.json(request, response, 200, UP);
                }
            }
            case "" -> {
                if (allows(request, response, List.of("GET", "HEAD", "POST", "DELETE"))
                        && mayControl(request, response, controlHere)) {
                    control(request, response);
                }
            }
            case "/events" -> {
                if (isMine(request, response, List.of("GET"), controlHere)) {
                    stream(request, response);
                }
            }
            case "/canary" -> {
                // An upload gets here only without the token.
                if (isMine(request, response, List.of("GET", "POST"), controlHere)) {
                    canary.tell(request, response);
                }
            }
            default -> Answers.error(request, response, 404, NOTHING_HERE.replace("{path}", path));
        }
    }

    /** Returns what takes uploads to the endpoints. */
    Canary canary() {
        return canary;
    }

    /**
     * Waits until the requests that waited for the drain's end have their answers, so that a stop does not cut {@code POST ?wait=};
     * event streams are told to end, and are waited for no longer than a moment.
     *
     * @return false if a request waits still
     */
    boolean awaitAnswered(Duration timeout) throws InterruptedException {
        long until = System.nanoTime() + timeout.toNanos();
        streams.end();
        boolean answered = waits.awaitNobody(timeout.toNanos());
        streams.awaitNobody(Math.min(STREAMS_END_NANOS, until - System.nanoTime()));
        return answered;
    }

    /** Ends all requests that wait and all event streams, also those that come later; waits for none. */
    void close() {
        stateChanges.close();
        waits.end();
        streams.end();
    }

    // ---------------------------------------------------------------- may it?

    private static boolean allows(HttpServletRequest request, HttpServletResponse response, List<String> methods)
            throws IOException {
        String method = request.getMethod();
        if (method != null && methods.contains(method)) {
            return true;
        }
        String allowed = String.join(", ", methods);
        response.setHeader("Allow", allowed);
        Answers.error(
                request,
                response,
                405,
                "method [" + DrainSettings.quotable(method) + "] is not allowed here: use " + allowed);
        return false;
    }

    private boolean mayControl(HttpServletRequest request, HttpServletResponse response, boolean controlHere)
            throws IOException {
        if (!drain.settings().hasToken()) {
            Answers.error(request, response, 403, "control over HTTP is off: configure a token, or use JMX");
            return false;
        }
        if (!controlHere) {
            Answers.error(request, response, 403, "control is not answered on this port: use the control port");
            return false;
        }
        String authorization = request.getHeader("Authorization");
        if (!BearerToken.isIn(authorization, drain.settings())) {
            response.setHeader("WWW-Authenticate", "Bearer");
            String what = authorization == null ? "a token is needed" : "what was sent is not this node's token";
            Answers.error(request, response, 401, what + ": send it as [Authorization: Bearer TOKEN]");
            return false;
        }
        return true;
    }

    /** Returns true for a command or question without parameters that this client may give here. */
    private boolean isMine(
            HttpServletRequest request, HttpServletResponse response, List<String> methods, boolean controlHere)
            throws IOException {
        return allows(request, response, methods)
                && mayControl(request, response, controlHere)
                && takesNoParameters(request, response);
    }

    private static boolean takesNoParameters(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        try {
            QueryParameters.parse(request.getQueryString(), List.of());
            return true;
        } catch (IllegalArgumentException bad) {
            badRequest(request, response, bad);
            return false;
        }
    }

    private static boolean hasBody(HttpServletRequest request) {
        return request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
    }

    // ---------------------------------------------------------------- readiness

    private void ready(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String name;
        try {
            name = ProberName.strictly(request.getQueryString());
        } catch (IllegalArgumentException bad) {
            badRequest(request, response, bad);
            return;
        }
        boolean ready = drain.pollReadiness(poll(request, name));
        if (ready) {
            Answers.json(request, response, 200, UP);
        } else {
            Answers.json(request, response, 503, drain.state().isReady() ? OUT_OF_SERVICE : DRAINING);
        }
    }

    /** Returns true if a request asks as probers do. */
    static boolean isProbe(HttpServletRequest request) {
        String method = request.getMethod();
        return method != null && PROBED.contains(method) && !CrossOrigin.isPreflight(request);
    }

    /** Answers a prober, at whatever URL, that the node leaves. */
    void answerLeaving(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Answers.json(request, response, 503, DRAINING);
    }

    /** Returns who asks for readiness at another URL, whose query is its own: a name that may not be is none. */
    static ReadinessPoll poll(HttpServletRequest request) {
        return poll(request, ProberName.ifGiven(request.getQueryString()));
    }

    private static ReadinessPoll poll(HttpServletRequest request, @Nullable String name) {
        return new ReadinessPoll(
                request.getRemoteAddr(), request.getHeader("User-Agent"), name, FrontEnd.hasForwarded(request));
    }

    // ---------------------------------------------------------------- commands

    private void control(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getMethod().equals("POST")) {
            start(request, response);
        } else if (takesNoParameters(request, response)) {
            if (request.getMethod().equals("DELETE")) {
                resume(request, response);
            } else {
                status(request, response, 200);
            }
        }
    }

    private void resume(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try {
            drain.resume();
        } catch (IllegalStateException cannot) {
            Answers.error(request, response, 409, String.valueOf(cannot.getMessage()));
            return;
        }
        status(request, response, 200);
    }

    private void start(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String reason;
        DrainLimits limits;
        Duration wait;
        try {
            if (hasBody(request)) {
                throw new IllegalArgumentException(
                        "a body is not read here: parameters belong in the query string, as in [POST " + path
                                + "?timeout=10m]");
            }
            QueryParameters parameters = QueryParameters.parse(
                    request.getQueryString(), List.of("timeout", "reason", "resumeAfter", "wait"));
            reason = parameters.line("reason");
            limits = new DrainLimits(
                    parameters.duration("timeout"),
                    parameters.positiveDuration("resumeAfter", "use [DELETE " + path + "] to resume"));
            wait = parameters.duration("wait");
        } catch (IllegalArgumentException bad) {
            badRequest(request, response, bad);
            return;
        }
        if (reason == null) {
            reason = "POST " + path + " from " + request.getRemoteAddr();
        }
        // First, as clients that have gone may keep places: a thread that waits writes nothing, and so learns of
        // nothing.
        var unused = drain.start(reason, limits);
        if (wait == null) {
            status(request, response, 202);
            return;
        }
        try (LongRequests.Stay stay = waits.enter()) {
            if (stay != null) {
                awaitEnd(wait, stay, request, response);
            } else if (runs()) {
                tooMany(request, response, "the command is carried out, but " + LongRequests.MOST + " requests wait");
            } else {
                outcome(
                        request,
                        response); // the drain is over, perhaps by this very command: there is nothing to wait for
            }
        }
    }

    private void awaitEnd(
            Duration wait, LongRequests.Stay stay, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        boolean interrupted = false;
        long until = System.nanoTime() + wait.toNanos();
        try {
            for (long left = wait.toNanos(); left > 0 && runs() && !stay.isEnding(); left = until - System.nanoTime()) {
                stay.awaitNews(Math.min(left, LOOK_NANOS));
            }
        } catch (InterruptedException told) {
            interrupted = true;
        }
        try {
            outcome(request, response);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt(); // not before: an interrupted thread's channel closes when it writes
            }
        }
    }

    private void outcome(HttpServletRequest request, HttpServletResponse response) throws IOException {
        DrainStatus status = drain.status();
        status(request, response, status.state() == DrainState.DRAINED ? 200 : 504, status);
        response.flushBuffer(); // so that the answer is out before a stop goes on
    }

    private boolean runs() {
        DrainState state = drain.state();
        return !state.isReady() && !state.isOver();
    }

    private void stream(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try (LongRequests.Stay stay = streams.enter()) {
            if (stay == null) {
                tooMany(request, response, LongRequests.MOST + " event streams are open");
                return;
            }
            events.write(response, stay);
        }
    }

    // ---------------------------------------------------------------- answers

    private void status(HttpServletRequest request, HttpServletResponse response, int code) throws IOException {
        status(request, response, code, drain.status());
    }

    private static void status(HttpServletRequest request, HttpServletResponse response, int code, DrainStatus status)
            throws IOException {
        if (AcceptHeader.namesText(request.getHeaders("Accept"))) {
            Answers.write(
                    request,
                    response,
                    code,
                    "text/plain;charset=UTF-8",
                    StatusTable.of(status).getBytes(StandardCharsets.UTF_8));
        } else {
            Answers.json(request, response, code, StatusJson.utf8(StatusJson.of(status)));
        }
    }

    private void tooMany(HttpServletRequest request, HttpServletResponse response, String what) throws IOException {
        response.setHeader("Retry-After", retryAfter);
        Answers.error(
                request,
                response,
                Answers.TOO_MANY_REQUESTS,
                what + " already: try again later, or ask [GET " + path + "] now and then");
    }

    private static void badRequest(
            HttpServletRequest request, HttpServletResponse response, IllegalArgumentException bad) throws IOException {
        Answers.error(request, response, 400, String.valueOf(bad.getMessage()));
    }
}
