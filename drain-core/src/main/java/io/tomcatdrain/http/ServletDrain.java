package io.tomcatdrain.http;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Patience;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.UploadSource;
import io.tomcatdrain.jmx.DrainRegistration;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A node's drain where it meets servlet requests, written once for valve and filter: endpoints, refusals, the end of connections, the
 * MBean, and the drain's part in a stop. To be closed when the adapter stops. Thread-safe.
 *
 * <p>The steps of a stop are bounded, and none of them throws: a fault of ours may not keep a server from stopping. A thread that is
 * interrupted in one of them keeps its interrupt, and no later step of the same stop waits for the drain again.
 *
 * @since 1.0
 */
public final class ServletDrain implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ServletDrain.class.getName());

    /** How long a stop waits until the requests that wait for the drain's end have their answers. */
    private static final Duration ANSWERS = Duration.ofMillis(500);

    /** How long a stop waits for the last lines of the log. */
    private static final Duration LAST_LINES = Duration.ofSeconds(1);

    private final NodeDrain drain;
    private final DrainEndpoints endpoints;
    private final Refusal refusal;
    private final UploadParts parts;
    private final Lingering lingering = new Lingering();
    private final DrainRegistration registration;

    private volatile boolean stopBegun;

    /** True once a wait was interrupted or in vain: the thread of the next steps may have lost its interrupt. */
    private volatile boolean waitedEnough;

    /** Makes what a drain needs to serve requests, and shows it by JMX. */
    public ServletDrain(NodeDrain drain) {
        this.drain = drain;
        this.endpoints = new DrainEndpoints(drain);
        this.refusal = new Refusal(drain.settings());
        this.parts = new UploadParts(drain);
        this.registration = DrainRegistration.register(drain);
    }

    /** Returns the drain. */
    public NodeDrain drain() {
        return drain;
    }

    // ---------------------------------------------------------------- requests

    /**
     * Answers one request for the endpoints. It is not to be counted.
     *
     * @param below what follows the configured path in the request's: {@code ""}, {@code "/ready"}, {@code "/live"}, {@code
     *     "/events"} or {@code "/canary"}; anything else is answered 404
     * @param controlHere false where control is not answered on this connector: the answer is then 403
     * @throws IOException if the answer cannot be written
     */
    public void answer(HttpServletRequest request, HttpServletResponse response, String below, boolean controlHere)
            throws IOException {
        endConnection(request, response);
        endpoints.handle(request, response, below, controlHere);
    }

    /** Notes for a check, and as {@link NodeDrain#noteReplayingFrontEnd()}, that there is a front end that sends a refused request elsewhere. */
    public void noteReplayingFrontEnd() {
        endpoints.canary().noteReplayingFrontEnd();
        drain.noteReplayingFrontEnd();
    }

    /**
     * Returns true for an upload to the endpoints, by which a client that has the token tries what a drain does to uploads. It is to be
     * admitted, counted and refused like any other upload, whatever its type and length, and {@link #takeCanary} stands for the application.
     *
     * @param below as for {@link #answer}
     */
    public boolean isCanary(HttpServletRequest request, String below) {
        return endpoints.canary().is(request, below);
    }

    /**
     * Reads such an upload, keeps nothing of it, and answers.
     *
     * @throws IOException if the client breaks it off, or the answer cannot be written
     */
    public void takeCanary(HttpServletRequest request, HttpServletResponse response) throws IOException {
        endpoints.canary().take(request, response);
    }

    /**
     * Notes a question for readiness that the adapter answers by itself, at another URL than the endpoints'. Other query parameters than
     * {@code prober} are the URL's own there. Never throws.
     *
     * @return what to answer: true while the front end should send work here
     */
    public boolean pollReadiness(HttpServletRequest request) {
        return drain.pollReadiness(DrainEndpoints.poll(request));
    }

    /**
     * Returns true unless the request came through a front end, whose word is all that a servlet knows of the port that the client has
     * used: AJP carries it, and RemoteIpValve believes a header. For adapters that see no connector.
     *
     * @param port the port that control is restricted to; null: it is not
     */
    public static boolean isOnPort(HttpServletRequest request, @Nullable Integer port) {
        return port == null || (port == request.getLocalPort() && !isAjp(request) && !FrontEnd.hasForwarded(request));
    }

    /**
     * Admits a request that is no upload. It costs nothing beyond {@link NodeDrain#enterRequest} unless it is a part of an upload that comes
     * in several requests.
     *
     * @return the ticket, to be closed exactly once, with {@link #answered} before; null if the request is refused
     */
    public @Nullable Ticket enterRequest(HttpServletRequest request) {
        Ticket.Part part = parts.of(request);
        if (part != null) {
            return drain.enterRequest(part);
        }
        Ticket ticket = drain.tryEnterRequest();
        return ticket != null ? ticket : drain.enterRequest(parts.late(request));
    }

    /**
     * Admits an upload.
     *
     * @param source as for {@link NodeDrain#enterUpload}
     * @param isStopping as there
     * @return the ticket, to be closed with {@link #answered} before; null if the upload is refused
     */
    public @Nullable Ticket enterUpload(HttpServletRequest request, UploadSource source, BooleanSupplier isStopping) {
        return drain.enterUpload(source, parts.of(request), () -> parts.late(request), isStopping);
    }

    /** Notes what the answer says, which is finished or as good as that, right before its ticket is closed. Never throws. */
    public static void answered(@Nullable Ticket ticket, HttpServletRequest request, HttpServletResponse response) {
        UploadParts.answered(ticket, request, response);
    }

    /**
     * Refuses a request before a byte of its body is read, in a way that reaches the client although the body never is.
     *
     * @throws IOException if the answer cannot be written
     */
    public void refuse(HttpServletRequest request, HttpServletResponse response) throws IOException {
        refusal.write(request, response, endsByHeader(request));
        if (canBeOvertaken(request)) {
            response.getOutputStream().close();
            lingering.linger(request.getRemoteAddr());
        }
    }

    /**
     * Answers a request at one of the application's own URLs at which front ends look, if it asks for readiness and the node leaves.
     * Before, it is the application's, and is noted as a prober's.
     *
     * @return false if the application has to answer
     * @throws IOException if the answer cannot be written
     */
    public boolean answersReadiness(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (!DrainEndpoints.isProbe(request) || pollReadiness(request) || drain.state() == DrainState.SERVING) {
            return false;
        }
        endConnection(request, response);
        endpoints.answerLeaving(request, response);
        return true;
    }

    /**
     * Returns true for a request that is the application's although the node leaves: a browser's question, before an upload to another
     * origin, whether a script may send it. Refused, the script would learn nothing of the drain. It is not to be counted: it holds
     * nothing, and a drain may be over. Costs a serving node one look at its state.
     */
    public boolean isApplications(HttpServletRequest request) {
        return drain.state() != DrainState.SERVING && CrossOrigin.isPreflight(request);
    }

    /** Returns true if what the container does behind the answer (a reset of the stream or of the connection) can reach the client first. */
    private static boolean canBeOvertaken(HttpServletRequest request) throws IOException {
        if (isAjp(request)) {
            return false; // the front end has the client's connection
        }
        boolean mayHaveMore = isHttp2(request)
                || ((request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null)
                        && request.getHeader("Expect") == null); // a client that waits to be told sends nothing
        return mayHaveMore && !request.getInputStream().isFinished();
    }

    /** Makes this answer the last one of its HTTP/1.1 connection if the node leaves; does nothing once it is on its way. */
    public void endConnection(HttpServletRequest request, HttpServletResponse response) {
        if (drain.state() != DrainState.SERVING
                && !response.isCommitted()
                // An upgrade says in this header what the connection becomes.
                && response.getStatus() != HttpServletResponse.SC_SWITCHING_PROTOCOLS
                && endsByHeader(request)) {
            response.setHeader("Connection", "close");
        }
    }

    /** Returns true if the answer travels in HTTP/1.x to the peer itself, where a header can end the connection. */
    private static boolean endsByHeader(HttpServletRequest request) {
        // On HTTP/2 the header is a protocol error for which clients end the connection, and over AJP it is the front
        // end's own
        // business.
        String protocol = request.getProtocol();
        return protocol != null && protocol.startsWith("HTTP/1.") && !isAjp(request);
    }

    private static boolean isHttp2(HttpServletRequest request) {
        return "HTTP/2.0".equals(request.getProtocol());
    }

    private static boolean isAjp(HttpServletRequest request) {
        return "ajp".equals(request.getServletConnection().getProtocol());
    }

    // ---------------------------------------------------------------- stops

    /**
     * Begins the drain of a stop.
     *
     * @param what what stops, for log and status
     * @param wholeService false if only one host or context stops, whose neighbours keep their listeners
     */
    public void begin(String what, boolean wholeService) {
        stopBegun = true;
        safely("begin the drain", () -> drain.startForStop(what, wholeService));
    }

    /**
     * Begins the drain of a stop after which nothing new can reach the node, without a lame duck.
     *
     * @param what as for {@link #begin}
     */
    public void beginLate(String what) {
        stopBegun = true;
        safely("begin the drain", () -> drain.startForLateStop(what));
    }

    /** Returns true once a stop has begun. */
    public boolean hasBegun() {
        return stopBegun;
    }

    /** Waits until the drain is over; an interrupt, or a drain that has not ended when its limits are past, ends the wait. */
    public void await() {
        if (waitedEnough) {
            return;
        }
        safely("wait for the drain", () -> {
            try {
                if (!drain.awaitStop()) {
                    waitedEnough = true;
                    log(Level.ERROR, "is past its limits and has not ended; stopping all the same", null);
                }
            } catch (InterruptedException enough) {
                waitedEnough = true;
                log(
                        Level.WARNING,
                        "interrupted while the stop waits for it; stopping with what is still in flight",
                        null);
                Thread.currentThread().interrupt();
            }
        });
    }

    /**
     * Lets the requests that wait for the drain's end have their answers before the connectors go, and ends the answers that have no end
     * of their own, for which a container would wait.
     */
    public void answerWaiting() {
        safely("end the streams", drain::endStreams);
        safely("answer the requests that wait", () -> {
            try {
                endpoints.awaitAnswered(ANSWERS);
            } catch (InterruptedException enough) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Does all three: begins the drain of a stop, waits until it is over, and lets the requests that wait for that be answered. */
    public void drainForStop(String what, boolean wholeService) {
        begin(what, wholeService);
        await();
        answerWaiting();
    }

    /** Waits, at most for {@code requestTimeout}, for what was still served after the drain was over, now that nothing new can arrive. */
    public void awaitLast() {
        safely("wait for the last requests", () -> {
            try {
                if (drain.state() == DrainState.DRAINED
                        && !drain.awaitQuiet(drain.settings().requestTimeout())) {
                    log(
                            Level.WARNING,
                            "stopping with requests in flight: "
                                    + drain.summary().inFlight(),
                            null);
                }
            } catch (InterruptedException enough) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Ends everything: requests that wait, event streams, the drain itself and its MBean, the log and listeners being told first. */
    @Override
    public void close() {
        safely("end the requests that wait", endpoints::close);
        safely("end the drain", drain::close);
        safely("wait for the log", () -> {
            try {
                drain.awaitListeners(LAST_LINES);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        });
        safely("end its MBean", registration::close); // last, so that listeners are told how it ended
    }

    private void safely(String what, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error fault) {
            log(Level.ERROR, "could not " + what + "; stopping without it", fault);
        }
    }

    /** A log that fails or hangs must not keep a server from stopping. */
    private void log(Level level, String what, @Nullable Throwable fault) {
        Patience.call(() -> LOG.log(level, "drain[" + drain.name() + "] " + what, fault));
    }
}
