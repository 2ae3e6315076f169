package io.tomcatdrain;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One node's drain, as the adapters see it, which tell it of requests: it counts what is in flight, refuses new work once it drains, and
 * tells when everything that was accepted has been answered. Applications are given {@link #forApplications()}.
 *
 * <p>Thread-safe. Requests take no lock. A serving node has neither thread nor timer; while a drain runs there is one daemon thread.
 *
 * @since 1.0
 */
public final class NodeDrain implements Drain {
    private final String name;
    private final DrainSettings settings;
    private final DrainControl control;
    private final Admission admission;
    private final Drain forApplications = new ApplicationDrain(this);

    /** Makes the drain of a serving node. */
    public NodeDrain(String name, DrainSettings settings) {
        this(name, settings, System::nanoTime, InstantSource.system(), true);
    }

    NodeDrain(String name, DrainSettings settings, Ticker ticker, InstantSource clock, boolean ownThread) {
        this(name, settings, ticker, clock, ownThread, ThreadStarter.DAEMONS);
    }

    NodeDrain(
            String name,
            DrainSettings settings,
            Ticker ticker,
            InstantSource clock,
            boolean ownThread,
            ThreadStarter threads) {
        this.name = name;
        this.settings = settings;
        this.control = new DrainControl(name, settings, ticker, clock, ownThread, threads);
        this.admission = control.admission();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public DrainSettings settings() {
        return settings;
    }

    /** Returns the view of this drain that applications are given, always the same one. */
    public Drain forApplications() {
        return forApplications;
    }

    // ---------------------------------------------------------------- requests

    /**
     * Admits a request that is no upload. Takes no lock and allocates nothing.
     *
     * @return the ticket, to be closed exactly once; null if the request is refused
     */
    public @Nullable Ticket enterRequest() {
        return admission.admitRequest();
    }

    /**
     * Admits an upload.
     *
     * @param source what is known of it, now and later
     * @return the ticket, to be closed when the upload has ended; null if it is refused
     */
    public @Nullable Ticket enterUpload(UploadSource source) {
        return admission.admitUpload(source);
    }

    /**
     * Admits an upload unless the part of the server that it is for stops.
     *
     * @param source what is known of it, now and later
     * @param isStopping asked once {@link #awaitUploads} finds the upload, so that a stop which is noted before it waits misses none;
     *     true refuses it
     * @return the ticket, to be closed when the upload has ended; null if it is refused
     */
    public @Nullable Ticket enterUpload(UploadSource source, BooleanSupplier isStopping) {
        UploadTicket ticket = admission.admitUpload(source);
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
     * without a further call, the drain notices by itself.
     *
     * @param ticket the request's ticket, which is not used any more afterwards
     * @param isGone true once the container has dropped the request; called from any thread
     * @return the ticket to use instead
     */
    public Ticket track(Ticket ticket, BooleanSupplier isGone) {
        return ticket instanceof PlainTicket plain ? control.registry().track(plain, isGone) : ticket;
    }

    @Override
    public Hold hold(String what) {
        return control.hold(LogText.bounded(what));
    }

    // ---------------------------------------------------------------- commands

    @Override
    public CompletableFuture<DrainReport> start(String reason, DrainLimits limits) {
        return control.start(LogText.bounded(reason), limits);
    }

    @Override
    public void resume() {
        control.resume("resumed");
    }

    // ---------------------------------------------------------------- stops

    /**
     * Begins or joins a drain because the server, or a part of it, stops: nothing undoes it, it is fitted into {@code killAfter}, and no
     * command makes it longer than {@code uploadTimeout} allows.
     *
     * @param reason as for {@link #start(String, DrainLimits)}
     * @param wholeService false if only one host or context stops, whose neighbours keep their listeners
     */
    public void startForStop(String reason, boolean wholeService) {
        control.startForStop(LogText.bounded(reason), wholeService);
    }

    /** Returns true once a stop has begun, so that the node serves no more whatever a command says. Takes no lock. */
    public boolean isStopping() {
        return control.isStopping();
    }

    /** Ends the lame duck of the drain that runs, for a stop after which nothing new can reach the node; else does nothing. */
    public void endLameDuck() {
        control.endLameDuck();
    }

    /**
     * Waits until the drain that runs is over, for as long as its limits allow, which commands may change meanwhile.
     *
     * @return true if it is over or none runs; false if it has not ended although its last limit has passed
     */
    public boolean awaitStop() throws InterruptedException {
        return control.awaitStop();
    }

    /** Returns how long a stop that begins now can take at most; a command that has set a later end does not count in a stop. */
    public Duration longestStop() {
        return settings.longestStop();
    }

    /**
     * Refuses everything and waits until nothing is in flight: the last moment of a stop, after the connectors have been paused, for
     * what was still served after the drain was over.
     *
     * @return false if something is in flight after that time
     */
    public boolean awaitQuiet(Duration timeout) throws InterruptedException {
        return control.awaitQuiet(timeout);
    }

    /**
     * Waits until certain uploads have ended, for an adapter that lets a part of the server go while the rest is served: at most
     * {@code uploadTimeout}, and for each no longer than {@code stallTimeout} without a byte. Begins no drain and refuses nothing.
     *
     * @param which tells the uploads that are meant by what the adapter gave to {@link #enterUpload}; called on this thread
     * @return those that are under way still, as they stand
     */
    public List<ActiveUpload> awaitUploads(Predicate<UploadSource> which) throws InterruptedException {
        return control.awaitUploads(which);
    }

    /**
     * Waits until log and listeners have been told everything so far, so that a process can end without losing a line.
     *
     * @return false if that took longer than the time given
     */
    public boolean awaitListeners(Duration timeout) throws InterruptedException {
        return control.awaitTold(timeout);
    }

    /**
     * Ends the drain that runs, if one does, by giving up what it waits for; its thread ends, and no later call resumes it. For the
     * adapter that made the drain.
     */
    public void close() {
        control.close();
    }

    /**
     * Says what a thread does that begins to wait for the end of this drain, and again at each of its looks, of which a stop takes one a
     * second: the adapter can let requests go that wait for the stop themselves, such as the calling thread's own.
     *
     * @param look run on the thread that waits; what it throws is logged
     */
    public void onWait(Runnable look) {
        control.onWait(look);
    }

    // ---------------------------------------------------------------- front ends

    /** Notes that a prober, or a client, has asked for readiness, and returns what to answer. Never throws. */
    public boolean pollReadiness(ReadinessPoll poll) {
        return control.polled(poll);
    }

    /**
     * Notes that there is a front end that sends a refused request to another node (mod_jk): a drain that no front end probes for does
     * not warn then.
     */
    public void noteReplayingFrontEnd() {
        control.frontEndReplays();
    }

    /**
     * Says how the listening sockets are closed; run once, at the end of the lame duck, where {@code closeListener} asks for it.
     *
     * @param closer may block for a moment; returns false if a listener is still open, and then the drain refuses new requests as it does
     *     without {@code closeListener}. What it throws is logged and means the same
     */
    public void onListenersToClose(BooleanSupplier closer) {
        control.onListenersToClose(closer);
    }

    /**
     * Notes that the server has opened the listening sockets again that {@code closeListener} had closed, by a start of its connectors: a
     * resume is possible from then on, and the next drain closes them anew. Does nothing while they are being closed.
     */
    public void noteListenersReopened() {
        control.listenersReopened();
    }

    // ---------------------------------------------------------------- looking

    @Override
    public DrainState state() {
        return control.state();
    }

    @Override
    public DrainStatus status() {
        return control.status(true);
    }

    @Override
    public DrainStatus summary() {
        return control.status(false);
    }

    @Override
    public DrainListener.Registration onStateChange(DrainListener listener) {
        return control.notifier().listen(listener);
    }

    @Override
    public boolean awaitDrained(Duration timeout) throws InterruptedException {
        return awaitOver(timeout) && control.state() == DrainState.DRAINED;
    }

    @Override
    public boolean awaitOver(Duration timeout) throws InterruptedException {
        return control.awaitOver(timeout);
    }

    /** Does what the drain's own thread would do now, for tests that have none; returns the nanoseconds to wait, −1 for ever. */
    long step() {
        return control.step();
    }
}
