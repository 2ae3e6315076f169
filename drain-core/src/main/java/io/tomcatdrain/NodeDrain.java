package io.tomcatdrain;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
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
    private final String path;
    private final DrainControl control;
    private final Admission admission;
    private final PartAdmission parts;
    private final Drain forApplications = new ApplicationDrain(this);

    /** Makes the drain of a serving node. */
    public NodeDrain(String name, DrainSettings settings) {
        this(name, settings, "");
    }

    /**
     * Makes the drain of a serving node.
     *
     * @param contextPath what comes before the configured path in the endpoints' URLs; empty where they lie at the root
     */
    public NodeDrain(String name, DrainSettings settings, String contextPath) {
        this(name, settings, contextPath, DrainEnvironment.REAL);
    }

    NodeDrain(String name, DrainSettings settings, String contextPath, DrainEnvironment environment) {
        this.name = name;
        this.settings = settings;
        this.path = contextPath + settings.path();
        this.control = new DrainControl(name, settings, path, environment);
        this.admission = control.work().admission();
        this.parts = control.work().parts();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public DrainSettings settings() {
        return settings;
    }

    /** Returns where the endpoints live, with the context path that comes before the configured one. */
    public String path() {
        return path;
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
     * Admits a request that is no upload, where every such request is admitted. Takes no lock and allocates nothing.
     *
     * @return the ticket, to be closed exactly once; null, and nothing is counted, if {@link #enterRequest(Ticket.Part)} has to decide
     */
    public @Nullable Ticket tryEnterRequest() {
        return admission.tryRequest();
    }

    /**
     * Admits a request that is no upload by itself, and may be a part of one that comes in several requests.
     *
     * @param part what it is of such an upload; null if it is no part of one
     * @return the ticket, to be closed exactly once; null if the request is refused
     */
    public @Nullable Ticket enterRequest(Ticket.@Nullable Part part) {
        return enterRequest(part, () -> false);
    }

    /**
     * The same for a request that, unless it begins an upload, is admitted also where it would be refused, if it comes beside an upload
     * that the drain waits for.
     *
     * @param besideUpload asked only there: true if nobody can send it to another node before {@link #holdsUpload that upload} has ended
     */
    public @Nullable Ticket enterRequest(Ticket.@Nullable Part part, BooleanSupplier besideUpload) {
        return parts.request(part, besideUpload);
    }

    /** Returns true if one of certain uploads is under way and was not given up. Takes no lock; looks at each until one is found. */
    public boolean holdsUpload(Predicate<UploadSource> which) {
        return control.work().registry().isAnyHeld(which);
    }

    /** Returns what that request is of an upload that comes in several. */
    public Ticket.Part part(Ticket.Part.Head head) {
        return new Ticket.Part(head, control.work().openUploads());
    }

    /** Returns true if an upload that comes in several requests is open, so that any request may continue it. */
    public boolean hasOpenUploads() {
        return !control.work().openUploads().isEmpty();
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
     * @param part what it is of an upload that comes in several requests; null if it does not look like a part of one
     * @param late asked in its place where uploads are refused: there it may be admitted for what its client has begun
     * @param isStopping asked once {@link #awaitUploads} finds the upload, so that a stop which is noted before it waits misses none;
     *     true refuses it
     * @return the ticket, to be closed when the upload has ended; null if it is refused
     */
    public @Nullable Ticket enterUpload(
            UploadSource source,
            Ticket.@Nullable Part part,
            Supplier<Ticket.@Nullable Part> late,
            BooleanSupplier isStopping) {
        return parts.upload(source, part, late, isStopping);
    }

    /** Counts a request that the adapter refuses without asking, since it came by a socket that is not shared. Takes no lock. */
    public void noteRefused() {
        admission.noteRefused();
    }

    /**
     * Makes an admitted request findable, for one that outlives the container's call (it went async): if the container drops it
     * without a further call, the drain notices by itself, and if its answer is one of {@code streamTypes}, no drain waits for it.
     *
     * @param ticket the request's ticket, which is not used any more afterwards
     * @param subject what is known of the request, now and later
     * @return the ticket to use instead
     */
    public Ticket track(Ticket ticket, Ticket.Subject subject) {
        return ticket instanceof UploadTicket || ticket instanceof TrackedTicket
                ? ticket
                : control.work().registry().track(ticket, subject);
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
     * @param wholeService false if only one host or context stops, whose neighbours keep their listeners
     */
    public void startForStop(String reason, boolean wholeService) {
        control.startForStop(LogText.bounded(reason), wholeService);
    }

    /** Returns true once a stop has begun, so that the node serves no more whatever a command says. Takes no lock. */
    public boolean isStopping() {
        return control.isStopping();
    }

    /**
     * As {@link #startForStop}, of a part that nothing new can reach any more, a prober neither. There is no lame duck; that of a drain which
     * runs already ends.
     */
    public void startForLateStop(String reason) {
        control.startForLateStop(LogText.bounded(reason));
    }

    /**
     * Waits until the drain that runs is over, for as long as its limits allow, which commands may change meanwhile; and then, within the
     * limits of the settings, for what was admitted after it was over.
     *
     * @return true if it is over or none runs; false if it has not ended although its last limit has passed
     */
    public boolean awaitStop() throws InterruptedException {
        return control.awaitStop();
    }

    /** Returns how long a stop that begins now can take at most; a command that has set a later end does not count in a stop. */
    public Duration longestStop() {
        boolean goesOnTakingWorkIn = settings.closeListener() || settings.refuse() == DrainSettings.Refuse.UPLOADS;
        return goesOnTakingWorkIn ? settings.longestStop().plus(settings.longestWait()) : settings.longestStop();
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

    /** Returns false for the ticket of an async request whose answer is one of {@code streamTypes}, for which nothing waits. */
    public boolean waitsFor(Ticket ticket) {
        return control.work().registry().waitsFor(ticket);
    }

    /** Ends the answers that have no end of their own, for a stop whose drain is over: their clients connect again by themselves. */
    public void endStreams() {
        control.work().registry().endStreams();
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

    /** Calls for each upload under way, on this thread, with what the adapter gave to {@link #enterUpload}; what is thrown is lost. */
    public void visitUploads(Consumer<UploadSource> visitor) {
        control.work().registry().visit(visitor);
    }

    /** Waits until log and listeners have been told everything, so that a process can end; returns false if that takes longer. */
    public boolean awaitListeners(Duration timeout) throws InterruptedException {
        return control.awaitTold(timeout);
    }

    /** Ends the drain that runs by giving up what it waits for, and every later resume. For the adapter that made the drain. */
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
        control.hooks().onWait(look);
    }

    /**
     * Says what the adapter does at the looks of a drain: when its state changes, unless it serves again, and about once a second while it
     * runs. It runs on a thread of its own, so it may block, and a look that has not ended is not begun anew. What it throws is logged.
     */
    public void onLook(Runnable look) {
        control.onLook(look);
    }

    /**
     * Says how the answers to requests that are no uploads can be seen on their way: while one moves, {@code requestTimeout} gives nothing
     * up, within {@code uploadTimeout}. What either throws means false.
     *
     * @param move returns true if an answer whose length is known has moved within {@code stallTimeout}; called about once a second while
     *     a drain waits, by one thread after the other
     * @param leave returns true if the container still sends files whose requests are over; called by any thread that waits
     */
    public void onAnswers(BooleanSupplier move, BooleanSupplier leave) {
        control.work().onAnswers(move, leave);
    }

    // ---------------------------------------------------------------- front ends

    /** Notes that a prober, or a client, has asked for readiness, and returns what to answer. Never throws. */
    public boolean pollReadiness(ReadinessPoll poll) {
        return control.polled(poll);
    }

    /**
     * Lets readiness be answered by no while the application itself is not ready, too: while it starts, or when it has said so. It is drained
     * and stopped like any other.
     *
     * @param condition true while the application is ready; asked at each poll, on the thread of the request. What it throws is logged and
     *     means true
     */
    public void onlyReadyIf(BooleanSupplier condition) {
        control.hooks().onlyReadyIf(condition);
    }

    /**
     * Notes that there is a front end that sends a refused request to another node (mod_jk): a drain that no front end probes for does
     * not warn then.
     */
    public void noteReplayingFrontEnd() {
        control.frontEndReplays();
    }

    /**
     * Lets a lame duck of {@code auto} last at least as long as that of a drain around this one, which requests pass before: front ends ask
     * that one for readiness, and send here until they have seen its answers.
     *
     * @param lasts true while the other's lame duck lasts; asked under a lock, so it must not block, and must not throw
     */
    public void onLameDuckAround(BooleanSupplier lasts) {
        control.probers().onLameDuckAround(lasts);
    }

    /**
     * Says how the listening sockets are closed; run once, at the end of the lame duck, where {@code closeListener} asks for it.
     *
     * @param closer may block for a moment; returns false if a listener is still open, and then the drain refuses new requests as it does
     *     without {@code closeListener}. What it throws is logged and means the same
     */
    public void onListenersToClose(BooleanSupplier closer) {
        control.closing().setCloser(closer);
    }

    /**
     * Says which listening sockets other processes accept from, too, so that newcomers find the one that takes this node's place. From
     * those the closer stops accepting, whatever {@code closeListener} says, and what still arrives on open connections is served; the
     * adapter refuses what comes by other sockets, and counts it by {@link #noteRefused}. A resume accepts from them again, if none was
     * closed for good.
     *
     * @param any true if one is shared; asked when a drain begins, under the drain's lock
     * @param all true if every one is that a drain concerns: then {@code lameDuck=auto} has nobody to wait for; asked as the first
     * @param reopener run by a resume after the closer has run, on the closer's thread
     */
    public void onListenersShared(BooleanSupplier any, BooleanSupplier all, Runnable reopener) {
        control.closing().setShared(any, all, reopener);
    }

    /**
     * Notes that the server has opened the listening sockets again that {@code closeListener} had closed, by a start of its connectors: a
     * resume is possible from then on, and the next drain closes them anew. Does nothing while they are being closed.
     */
    public void noteListenersReopened() {
        control.closing().reopened();
    }

    /**
     * Says who names the requests in flight that are no uploads, for the report of a drain that gives them up; without it those are named
     * that went async.
     *
     * @param requests called under the drain's lock: may not block
     */
    public void onRequestsGivenUp(Supplier<? extends Collection<? extends Ticket.Subject>> requests) {
        control.work().registry().nameRequestsBy(requests);
    }

    // ---------------------------------------------------------------- looking

    @Override
    public DrainState state() {
        return control.state();
    }

    @Override
    public boolean isReady() {
        return control.isReady();
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
        return control.listen(listener);
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
