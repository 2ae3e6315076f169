package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The drain of one node, as an application sees it: whether the node serves or leaves, what it still waits for, and how to keep it
 * until background work is done.
 *
 * <p>An application finds the drain of the node that it runs on as the servlet-context attribute {@link #ATTRIBUTE}, and in Spring
 * Boot as a bean:
 *
 * <pre>{@code
 * try (Hold hold = drain.hold("import 42")) {
 *     runTheImport();
 * }
 * }</pre>
 *
 * <p>Implementations are thread-safe. What the application is given cannot be cast to the class that valve and filter use. A drain does
 * not survive a restart of the process.
 *
 * @since 1.0
 */
public interface Drain {

    /** The name of the servlet-context attribute under which an application finds the drain. */
    String ATTRIBUTE = "io.tomcatdrain.Drain";

    /** Returns the name that log lines, the MBean and metrics carry. */
    String name();

    /** Returns the settings. */
    DrainSettings settings();

    /**
     * Keeps a drain waiting until the hold is closed, at most for {@code uploadTimeout}.
     *
     * @param what what is being done, for logs; not null; control characters are replaced, and what is longer than 200 characters is
     *     cut
     */
    Hold hold(String what);

    /**
     * Begins a drain with the limits of the settings, or joins the one that runs or is over; see {@link #start(String, DrainLimits)}.
     *
     * @param reason why, for logs and status
     */
    default CompletableFuture<DrainReport> start(String reason) {
        return start(reason, DrainLimits.OF_SETTINGS);
    }

    /**
     * Begins a drain, or joins the one that runs or is over and gives it the new limits.
     *
     * @param reason why, for logs and status; not null; control characters are replaced, and what is longer than 200 characters is cut
     * @param limits what this command asks for beyond the settings
     * @return the end of the drain: as drained, as expired, or by a resume; one object for all callers that join the drain. Only the
     *     drain itself completes it, and no caller can cancel it. Threads that wait for it are released at once. Dependent stages run on a thread of
     *     their own, one after the other: one that blocks delays the others of this drain only
     */
    CompletableFuture<DrainReport> start(String reason, DrainLimits limits);

    /**
     * Serves again, whatever the state; does nothing while serving.
     *
     * @throws IllegalStateException if the listeners were closed, or a stop has begun
     */
    void resume();

    /** Returns the state. */
    DrainState state();

    /**
     * Returns true while the front end should send work here: no drain runs, and the application itself is ready, if the adapter knows
     * (in Spring Boot).
     */
    default boolean isReady() {
        return state().isReady();
    }

    /** Returns everything that is known at this moment. */
    DrainStatus status();

    /** Returns the same without the list of uploads, for callers that ask often and do not need it. */
    DrainStatus summary();

    /**
     * Tells a listener of every state change from now on.
     *
     * @return closes the registration
     */
    DrainListener.Registration onStateChange(DrainListener listener);

    /**
     * Waits until everything that was accepted has been answered.
     *
     * @param timeout for how long at most; zero or negative: not at all
     * @return true if everything was answered; false if something was given up, the node serves again, the time has passed, or no drain
     *     runs
     */
    default boolean awaitDrained(Duration timeout) throws InterruptedException {
        return awaitOver(timeout) && state() == DrainState.DRAINED;
    }

    /**
     * Waits until the drain that runs is over, however it ends.
     *
     * @param timeout for how long at most; zero or negative: not at all
     * @return false if the time has passed, or no drain runs
     */
    boolean awaitOver(Duration timeout) throws InterruptedException;
}
