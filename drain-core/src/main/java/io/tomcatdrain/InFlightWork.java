package io.tomcatdrain;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Everything that one node has accepted: requests, uploads and holds in flight, and how much has ended. Guarded by the lock of the
 * sequence, but for {@link #admission} and {@link #registry}, which requests use without it.
 */
final class InFlightWork {
    private final ReentrantLock lock;
    private final Counters counters = new Counters();
    private final UploadRegistry registry;
    private final Admission admission;
    private final OpenUploads openUploads;
    private final PartAdmission parts;
    private final Holds holds;

    /** How long a sum of what uploads under way have received is good enough for a caller that does not ask for the uploads themselves. */
    private static final long SUM_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** The last sum of what uploads under way have received, when it was taken, and how many had ended by then. */
    private long bytesSeen;

    private long sumNanos;
    private long sumEnded;
    private boolean summed;

    /** Whether an answer of known length has moved lately, as far as the adapter sees answers. */
    private volatile BooleanSupplier answersMove = () -> false;

    private volatile BooleanSupplier filesLeave = () -> false;

    /** The most that was ever shown: the bytes of an upload that ends while they are added up are in neither sum. */
    private long uploadBytesShown;

    /**
     * Makes what holds nothing yet.
     *
     * @param onIdle run by the thread of the last holder that leaves
     * @param warn takes what an operator should know
     */
    InFlightWork(DrainSettings settings, Ticker ticker, ReentrantLock lock, Runnable onIdle, Consumer<String> warn) {
        this.lock = lock;
        this.registry = new UploadRegistry(ticker, counters, settings.streamTypes(), onIdle);
        this.admission = new Admission(counters, registry, onIdle);
        this.openUploads = new OpenUploads(
                ticker,
                settings.openUploads() == DrainSettings.OpenUploads.SESSION,
                settings.uploadGap().toNanos(),
                warn);
        openUploads.onEmpty(onIdle);
        this.parts = new PartAdmission(admission, openUploads);
        this.holds = new Holds(lock, onIdle);
    }

    /** Returns where requests come in. */
    Admission admission() {
        return admission;
    }

    /** Returns the uploads in flight. */
    UploadRegistry registry() {
        return registry;
    }

    /** Returns where requests come in that may be parts of uploads. */
    PartAdmission parts() {
        return parts;
    }

    /** Returns the uploads that come in several requests. */
    OpenUploads openUploads() {
        return openUploads;
    }

    // ---------------------------------------------------------------- admission

    /** Refuses every new request. */
    void refuseAll() {
        assert lock.isHeldByCurrentThread();
        admission.refuseAll();
    }

    /** Refuses new uploads, and counts the plain requests that are in flight now apart from those that come later. */
    void refuseUploads() {
        assert lock.isHeldByCurrentThread();
        admission.refuseUploads();
    }

    /** Goes on admitting everything, but counts what is in flight now apart from what comes later. */
    void turnOver() {
        assert lock.isHeldByCurrentThread();
        admission.turnOver();
    }

    /** Admits everything again. */
    void admitAll() {
        assert lock.isHeldByCurrentThread();
        admission.reopen();
        openUploads.readopt();
    }

    /** Admits requests that continue an open upload or come beside one under way, whatever else is refused. */
    void admitParts() {
        assert lock.isHeldByCurrentThread();
        admission.openLate();
    }

    /** Refuses these requests, too. */
    void refuseParts() {
        assert lock.isHeldByCurrentThread();
        admission.sealLate();
    }

    /**
     * Refuses these requests, too, if none of them is inside.
     *
     * @param notForRequests true if requests that are no uploads are not waited for
     * @return false if one is, and then others are admitted as before
     */
    boolean refusePartsIfIdle(boolean notForRequests) {
        assert lock.isHeldByCurrentThread();
        admission.sealLate();
        if (admission.uploadsIdle() && (notForRequests || admission.lateIdle())) {
            return true;
        }
        admission.openLate();
        return false;
    }

    // ---------------------------------------------------------------- what holds a drain

    /** Adds a hold; one that is not effective holds nothing. */
    Hold hold(String what, boolean effective) {
        assert lock.isHeldByCurrentThread();
        return holds.add(what, effective);
    }

    boolean uploadsIdle() {
        assert lock.isHeldByCurrentThread();
        return admission.uploadsIdle() && !registry.holdsBesideGates();
    }

    boolean requestsIdle() {
        assert lock.isHeldByCurrentThread();
        return admission.requestsIdle();
    }

    /** Returns true if no request is left that is no upload and was admitted for one, before those were last refused. */
    boolean lateRequestsIdle() {
        assert lock.isHeldByCurrentThread();
        return admission.lateIdle();
    }

    /** Lets holds that were made when a drain was over hold the next one. */
    void takeLateHolds() {
        assert lock.isHeldByCurrentThread();
        holds.takeLate();
    }

    /** Sets how to see the answers that are on their way. */
    void onAnswers(BooleanSupplier move, BooleanSupplier leave) {
        answersMove = move;
        filesLeave = leave;
    }

    /** Returns true if an answer of known length has moved lately. Compares with the last look, so it has to be asked at each one. */
    boolean answersMove() {
        return isTrue(answersMove);
    }

    /** Returns true if the container sends files whose requests are over. */
    boolean filesLeave() {
        return isTrue(filesLeave);
    }

    /** A fault in an adapter must not keep a drain from going on. */
    private static boolean isTrue(BooleanSupplier seen) {
        try {
            return seen.getAsBoolean();
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    boolean holdsIdle() {
        assert lock.isHeldByCurrentThread();
        return holds.count() == 0;
    }

    /** Returns what the holds say of themselves, for the log. */
    String namesOfHolds() {
        assert lock.isHeldByCurrentThread();
        return holds.toString();
    }

    /** Returns the plain requests in flight that can be named, oldest first. */
    List<DrainReport.AbandonedRequest> nameRequests() {
        return registry.nameRequests();
    }

    /** Notes that for so long until now nothing could arrive: no upload stalled by that. */
    void stoodStill(long nanos, long now) {
        registry.watchFrom(now);
        openUploads.stoodStill(nanos, now);
    }

    /** Starts the clock of every upload's stall now: before, no thread looked. */
    void watchStallsFrom(long now) {
        registry.watchFrom(now);
    }

    /** Closes the tickets of requests that the container has dropped without a call, and lets endless answers hold nothing any more. */
    void lookAround() {
        registry.look();
    }

    /** Gives up the uploads that stalled for so long, or all; returns them as they stood. */
    List<ActiveUpload> giveUpUploads(long stalledForNanos, boolean all, long now, Instant instant) {
        assert lock.isHeldByCurrentThread();
        return registry.abandon(stalledForNanos, all, now, instant);
    }

    /** Waits again for the uploads that had stalled and move again; returns them as they stand. */
    List<ActiveUpload> holdUploadsAgain(long now, Instant instant) {
        assert lock.isHeldByCurrentThread();
        return registry.holdAgain(now, instant);
    }

    /** Returns the numbers of the uploads that were given up and ended well all the same, each once. */
    List<Long> takeRecovered() {
        return registry.takeRecovered();
    }

    // ---------------------------------------------------------------- numbers

    /** Returns how many uploads have ended badly. */
    long uploadsFailed() {
        return counters.uploadsFailed.sum();
    }

    /** Returns how many uploads and requests have ended. */
    long ended() {
        assert lock.isHeldByCurrentThread();
        return counters.uploadsEnded() + admission.requestsCompleted();
    }

    /** Returns how many requests were refused. */
    long refused() {
        return counters.refused.sum();
    }

    /** Returns how many plain requests are in flight. */
    long requestsInFlight() {
        assert lock.isHeldByCurrentThread();
        return admission.requestsInFlight();
    }

    /** What is seen at one moment; without the uploads where the caller did not ask for them. */
    record Seen(
            List<ActiveUpload> uploads,
            List<ActiveUpload> openUploads,
            DrainStatus.InFlight inFlight,
            DrainStatus.Totals totals) {}

    /** Looks at everything, at the uploads one by one only where the caller asks for them. */
    Seen look(boolean withUploads, long now, Instant instant) {
        assert lock.isHeldByCurrentThread();
        long bytes = counters.uploadBytes.sum(); // before the others, so that none is in both
        List<ActiveUpload> uploads = withUploads ? registry.snapshot(now, instant) : List.of();
        bytes += withUploads ? bytesOf(uploads) : bytesUnderWay(now);
        uploadBytesShown = Math.max(uploadBytesShown, bytes);
        return new Seen(
                uploads,
                withUploads ? openUploads.snapshot(now, instant) : List.of(),
                new DrainStatus.InFlight(
                        withUploads ? uploads.size() : registry.uploads(),
                        admission.requestsInFlight(),
                        holds.count(),
                        registry.streams()),
                new DrainStatus.Totals(
                        counters.uploadsCompleted.sum(),
                        counters.uploadsFailed.sum(),
                        admission.requestsCompleted(),
                        counters.refused.sum(),
                        uploadBytesShown));
    }

    /** Returns true if uploads are in flight, other requests are not, and no open upload brings some. */
    boolean areUploadsAlone(Seen seen) {
        return seen.inFlight.uploads() > 0 && seen.inFlight.requests() == 0 && openUploads.shown() == 0;
    }

    /** A scrape asks for a dozen numbers, one after the other: it pays for one walk over the uploads. */
    private long bytesUnderWay(long now) {
        long ended = counters.uploadsEnded();
        if (!isSummedLately(now)) {
            bytesSeen = registry.bytes(now);
            sumNanos = now;
            sumEnded = ended;
            summed = true;
        }
        return bytesSeen;
    }

    /** Returns true if the last sum of bytes is still good enough. Where the clock stands still, in tests, none is. */
    private boolean isSummedLately(long now) {
        return summed && sumEnded == counters.uploadsEnded() && now - sumNanos > 0 && now - sumNanos < SUM_NANOS;
    }

    /** Returns true unless a caller that does not ask for the uploads themselves looked at them a moment ago. */
    boolean isToBeLookedAt(long now) {
        assert lock.isHeldByCurrentThread();
        return !isSummedLately(now);
    }

    private static long bytesOf(List<ActiveUpload> uploads) {
        long sum = 0;
        for (ActiveUpload upload : uploads) {
            sum += Math.max(0, upload.bytesReceived());
        }
        return sum;
    }

    /** Returns how much is in flight, for the log. */
    @Override
    public String toString() {
        int open = openUploads.shown();
        return "uploads=" + registry.uploads() + ", requests=" + admission.requestsInFlight() + ", holds="
                + holds.count()
                + (open == 0 ? "" : ", uploads of several requests=" + open)
                + (registry.streams() == 0 ? "" : ", not waited for: streams=" + registry.streams());
    }
}
