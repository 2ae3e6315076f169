package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.http.DrainEndpoints;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Service;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;

/** One drain's part in a stop. Bounded in every step, and none of them throws. */
final class DrainStop {
    private static final Log LOG = LogFactory.getLog(DrainStop.class);

    /** How long a drain may be late before it is no longer believed to end. */
    private static final long GRACE_MILLIS = 3_000;

    private static final long ANSWER_MILLIS = 500;

    private final Drain drain;
    private final DrainEndpoints endpoints;
    private final Service service;

    private volatile boolean begun;

    /** True once a wait was interrupted or in vain: the next steps of the stop must not wait again, whose thread may have lost its flag. */
    private volatile boolean waitedEnough;

    DrainStop(Drain drain, DrainEndpoints endpoints, Service service) {
        this.drain = drain;
        this.endpoints = endpoints;
        this.service = service;
    }

    Service service() {
        return service;
    }

    /** Returns how long the drain can take at most from now on, as far as it is known. */
    Duration longest() {
        Duration bySettings = drain.settings().longestStop();
        Duration byCommand = Duration.ofMillis(
                drain.summary().remainingMillis()); // a drain may run already, with a limit of its own
        return byCommand.compareTo(bySettings) > 0 ? byCommand : bySettings;
    }

    /** Returns true once the server, or the valve's own part of it, stops. */
    boolean hasBegun() {
        return begun;
    }

    void begin(String what, boolean wholeService) {
        begun = true;
        try {
            drain.startForStop(what, wholeService);
        } catch (RuntimeException | Error fault) {
            LOG.error("drain[" + drain.name() + "] could not be started; stopping without it", fault);
        }
    }

    /** Waits until the drain is over; an interrupt or a drain that does not end by its limits ends the wait. */
    void await() {
        try {
            while (!waitedEnough && !drain.state().isReady() && !drain.state().isOver()) {
                long remaining = Math.max(0, drain.status().remainingMillis());
                if (!drain.awaitOver(remaining + GRACE_MILLIS)
                        && drain.status().remainingMillis() <= 0
                        && !drain.state().isOver()) {
                    waitedEnough = true;
                    LOG.error(
                            "drain[" + drain.name() + "] is past its limits and has not ended; stopping all the same");
                    return;
                }
            }
        } catch (InterruptedException enough) {
            waitedEnough = true;
            LOG.warn("drain[" + drain.name()
                    + "] interrupted while the stop waits for it; stopping with what is still in flight");
            Thread.currentThread().interrupt();
        }
    }

    /** Lets whoever waits for the drain's end over HTTP have the answer before the connectors go. */
    void answerWaiting() {
        try {
            endpoints.awaitAnswered(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        }
    }

    /** Drains for a stop that did not come through the server: a service's, engine's, host's or context's. */
    void stopAlone(String what, boolean wholeService) {
        begin(what, wholeService);
        await();
        answerWaiting();
    }

    /** Sends newcomers elsewhere: a listener that is paused, as Tomcat does next, goes on accepting and never answers. */
    static void closeListeners(Service service) {
        if (!Thread.currentThread().isInterrupted()) {
            ListenerCloser.closeAllForStop(service);
        }
    }

    /** Waits for what was still served after the drain was over, now that nothing new can arrive. */
    void awaitLast() {
        try {
            if (drain.state() == DrainState.DRAINED
                    && !drain.awaitQuiet(drain.settings().requestTimeout())) {
                LOG.warn("drain[" + drain.name() + "] stopping with requests in flight: "
                        + drain.status().inFlight());
            }
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        }
    }
}
