package io.tomcatdrain;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One node's drain: counts what is in flight, refuses new work once it drains, and tells when everything that was accepted has been
 * answered.
 *
 * <p>Thread-safe. A serving node has no thread, timer or lock of a drain's; while one runs there is one daemon thread. A drain does
 * not survive a restart of the process.
 *
 * <p>Applications find the node's drain as the request attribute and the servlet-context attribute {@link #ATTRIBUTE}, or build their
 * own:
 *
 * <pre>{@code
 * try (Hold hold = drain.hold("import 42")) {
 *     runTheImport();
 * }
 * }</pre>
 *
 * @since 1.0
 */
public final class Drain {

    /** The name of the request attribute and servlet-context attribute under which applications find the drain. */
    public static final String ATTRIBUTE = "io.tomcatdrain.Drain";

    private static final int LONGEST_REASON = 200;

    private final String name;
    private final DrainSettings settings;
    private final DrainSequence sequence;
    private final Doorway doorway;

    /** Makes the drain of a serving node. */
    public Drain(String name, DrainSettings settings) {
        this(name, settings, System::nanoTime, InstantSource.system(), true);
    }

    Drain(String name, DrainSettings settings, Ticker ticker, InstantSource clock, boolean ownThread) {
        this.name = name;
        this.settings = settings;
        this.sequence = new DrainSequence(name, settings, ticker, clock, ownThread);
        this.doorway = sequence.doorway();
    }

    /** Returns the name that log lines, the MBean and metrics carry. */
    public String name() {
        return name;
    }

    /** Returns the settings. */
    public DrainSettings settings() {
        return settings;
    }

    // ---------------------------------------------------------------- requests

    /**
     * Admits a request that is no upload. Takes no lock and allocates nothing.
     *
     * @return the ticket, to be closed exactly once; null if the request is refused
     */
    public @Nullable Ticket enterRequest() {
        return doorway.admitRequest();
    }

    /**
     * Admits an upload.
     *
     * @param source what is known of it, now and later
     * @return the ticket, to be closed when the upload has ended; null if it is refused
     */
    public @Nullable Ticket enterUpload(UploadSource source) {
        return doorway.admitUpload(source);
    }

    /**
     * Admits an upload unless the part of the server that it is for stops.
     *
     * @param source what is known of it, now and later
     * @param isStopping asked once {@link #awaitUploads} finds the upload, so that a stop which is written down before it waits misses
     *     none; true refuses it
     * @return the ticket, to be closed when the upload has ended; null if it is refused
     */
    public @Nullable Ticket enterUpload(UploadSource source, BooleanSupplier isStopping) {
        UploadTicket ticket = doorway.admitUpload(source);
        if (ticket == null) {
            return null;
        }
        boolean refused = true;
        try {
            refused = isStopping.getAsBoolean();
        } finally {
            if (refused) {
                ticket.refuse();
            }
        }
        return refused ? null : ticket;
    }

    /**
     * Makes an admitted request findable, for one that outlives the container's call (it went async): if the container drops it
     * without telling anybody, the drain notices by itself.
     *
     * @param ticket the request's ticket, which is not used any more afterwards
     * @param isGone true once the container has dropped the request; called from any thread
     * @return the ticket to use instead
     */
    public Ticket track(Ticket ticket, BooleanSupplier isGone) {
        return ticket instanceof PlainTicket plain ? sequence.registry().track(plain, isGone) : ticket;
    }

    /**
     * Keeps a drain waiting until the hold is closed, at most for {@code uploadTimeout}.
     *
     * @param what what is being done, for logs; not null
     */
    public Hold hold(String what) {
        return sequence.hold(LogText.clean(what));
    }

    // ---------------------------------------------------------------- commands

    /** Drains with the limits of the settings; see {@link #start(String, DrainLimits)}. */
    public CompletableFuture<DrainReport> start(String reason) {
        return start(reason, DrainLimits.OF_SETTINGS);
    }

    /**
     * Begins a drain, or joins the one that runs or is over and gives it the new limits.
     *
     * @param reason why, for logs and status; control characters are replaced, and what is longer than 200 characters is cut
     * @param limits what this command asks for beyond the settings
     * @return completed when the drain ends: as drained, as expired, or because somebody resumed; what hangs on it runs on a thread
     *     of its own
     */
    public CompletableFuture<DrainReport> start(String reason, DrainLimits limits) {
        sequence.start(bounded(reason), limits);
        return sequence.publicOutcome();
    }

    /**
     * Begins or joins a drain because the server, or a part of it, stops: nothing undoes it, and it is fitted into {@code killAfter}.
     *
     * @param reason as for {@link #start(String, DrainLimits)}
     * @param wholeService false if only one host or context stops, whose neighbours keep their listeners
     */
    public void startForStop(String reason, boolean wholeService) {
        sequence.startForStop(bounded(reason), wholeService);
    }

    /** Ends the lame duck of the drain that runs, for a stop after which nothing new can reach the node; else does nothing. */
    public void endLameDuck() {
        sequence.endLameDuck();
    }

    private static String bounded(String reason) {
        String cleaned = LogText.clean(reason);
        return cleaned.length() > LONGEST_REASON ? cleaned.substring(0, LONGEST_REASON) : cleaned;
    }

    /**
     * Serves again, whatever the state; does nothing while serving.
     *
     * @throws IllegalStateException if the listeners were closed, or a stop has begun
     */
    public void resume() {
        sequence.resume("resumed");
    }

    /**
     * Waits until everything that was accepted has been answered.
     *
     * @param millis for how long at most; not positive: not at all
     * @return true if everything was answered; false if something was given up, somebody resumed, the time has passed, or nobody drains
     */
    public boolean awaitDrained(long millis) throws InterruptedException {
        return awaitOver(millis) && sequence.state() == DrainState.DRAINED;
    }

    /**
     * Waits until the drain that runs is over, however it ends.
     *
     * @param millis for how long at most; not positive: not at all
     * @return false if the time has passed, or nobody drains
     */
    public boolean awaitOver(long millis) throws InterruptedException {
        if (sequence.state() == DrainState.SERVING) {
            return false;
        }
        try {
            sequence.outcome().get(Math.max(0, millis), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException notYet) {
            return false;
        } catch (ExecutionException never) {
            throw new IllegalStateException(never);
        }
    }

    /**
     * Refuses everything and waits until nothing is in flight: the last moment of a stop, after the connectors have been paused, for
     * what was still served after the drain was over.
     *
     * @return false if something is in flight after that time
     */
    public boolean awaitQuiet(Duration timeout) throws InterruptedException {
        return sequence.awaitQuiet(timeout);
    }

    /** Ends the drain that runs, if one does, by giving up what it waits for; its thread ends. For whoever made the drain. */
    public void close() {
        sequence.close();
    }

    // ---------------------------------------------------------------- looking

    /** Returns the state. */
    public DrainState state() {
        return sequence.state();
    }

    /** Returns true while the front end should send work here. */
    public boolean isReady() {
        return sequence.state().isReady();
    }

    /**
     * Notes that somebody has asked for readiness, and returns what to answer.
     *
     * @param remote its address
     * @param userAgent its user agent; null if it sent none
     */
    public boolean pollReadiness(String remote, @Nullable String userAgent) {
        return sequence.polled(remote, userAgent);
    }

    /** Returns everything that is known at this moment. */
    public DrainStatus status() {
        return sequence.status(true);
    }

    /** Returns the same without the uploads under way: for whoever looks often, and has no use for the list. */
    public DrainStatus summary() {
        return sequence.status(false);
    }

    /**
     * Tells a listener of every state change from now on.
     *
     * @return closes the registration
     */
    public DrainListener.Registration onStateChange(DrainListener listener) {
        return sequence.announcer().listen(listener);
    }

    // ---------------------------------------------------------------- for adapters

    /**
     * Notes that a front end has shown itself that sends a refused request to another node (mod_jk): a drain that no front end probes
     * for does not warn then.
     */
    public void noteReplayingFrontEnd() {
        sequence.frontEndReplays();
    }

    /**
     * Waits until certain uploads have ended, for an adapter that lets a part of the server go while the rest is served: at most
     * {@code uploadTimeout}, and for each no longer than {@code stallTimeout} without a byte. Begins no drain and refuses nothing.
     *
     * @param which tells the uploads that are meant by what the adapter gave to {@link #enterUpload}; called on this thread
     * @return those that are under way still, as they stand
     */
    public List<ActiveUpload> awaitUploads(Predicate<UploadSource> which) throws InterruptedException {
        return sequence.awaitUploads(which);
    }

    /**
     * Says how the listening sockets are closed; run once, at the end of the lame duck, where {@code closeListener} asks for it.
     *
     * @param closer may block for a moment; returns false if a listener is still open, and then the drain refuses new requests as it does
     *     without {@code closeListener}. What it throws is logged and means the same
     */
    public void onListenersToClose(BooleanSupplier closer) {
        sequence.onListenersToClose(closer);
    }

    /**
     * Waits until log and listeners have been told everything so far, so that a process can end without losing a line.
     *
     * @return false if that took longer than the time given
     */
    public boolean awaitListeners(long timeout, TimeUnit unit) throws InterruptedException {
        return sequence.awaitTold(timeout, unit);
    }

    /** Does what the drain's own thread would do now, for tests that have none; returns the nanoseconds to wait, −1 for ever. */
    long step() {
        return sequence.step();
    }
}
