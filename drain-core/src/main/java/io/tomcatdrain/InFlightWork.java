package io.tomcatdrain;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Everything that one node has accepted: requests, uploads and holds in flight, and how much has ended. Guarded by the lock of the
 * sequence, but for {@link #admission} and {@link #registry}, which requests use without it.
 */
final class InFlightWork {
    private final ReentrantLock lock;
    private final Counters counters = new Counters();
    private final UploadRegistry registry;
    private final Admission admission;
    private final Holds holds;

    /** What the adapter sees of answers; nothing, where it sees none. */
    private volatile BooleanSupplier answersMove = () -> false;

    private volatile BooleanSupplier filesLeave = () -> false;

    /** The most that was ever shown: the bytes of an upload that ends while they are added up are in neither sum. */
    private long uploadBytesShown;

    /** Makes what holds nothing yet; the thread of the last holder that leaves runs {@code onIdle}. */
    InFlightWork(Ticker ticker, ReentrantLock lock, Runnable onIdle) {
        this.lock = lock;
        this.registry = new UploadRegistry(ticker, counters);
        this.admission = new Admission(counters, registry, onIdle);
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

    // ---------------------------------------------------------------- admission

    /** Refuses every new request. */
    void refuseAll() {
        assert lock.isHeldByCurrentThread();
        admission.refuseAll();
    }

    /** Refuses new uploads; plain requests that are in flight now are told from those that come later. */
    void refuseUploads() {
        assert lock.isHeldByCurrentThread();
        admission.refuseUploads();
    }

    /** Goes on admitting everything, but tells what is in flight now from what comes later. */
    void turnOver() {
        assert lock.isHeldByCurrentThread();
        admission.turnOver();
    }

    /** Admits everything again. */
    void admitAll() {
        assert lock.isHeldByCurrentThread();
        admission.reopen();
    }

    // ---------------------------------------------------------------- what holds a drain

    /** Adds a hold; one that is not effective holds nothing. */
    Hold hold(String what, boolean effective) {
        assert lock.isHeldByCurrentThread();
        return holds.add(what, effective);
    }

    boolean uploadsIdle() {
        assert lock.isHeldByCurrentThread();
        return admission.uploadsIdle();
    }

    boolean requestsIdle() {
        assert lock.isHeldByCurrentThread();
        return admission.requestsIdle();
    }

    /** Says how to see the answers that are on their way. */
    void onAnswers(BooleanSupplier move, BooleanSupplier leave) {
        answersMove = move;
        filesLeave = leave;
    }

    /** Returns true if an answer of known length has moved lately. To be asked at each look, since it tells by what the last one saw. */
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

    /** Starts the clock of every upload's stall now: before, no thread looked. */
    void watchStallsFrom(long now) {
        registry.watchFrom(now);
    }

    /** Closes the tickets of requests that the container has dropped without a call. */
    void closeGone() {
        registry.closeGone();
    }

    /** Gives up the uploads that stalled for so long, or all; returns them as they stood. */
    List<ActiveUpload> giveUpUploads(long stalledForNanos, boolean all, long now, Instant instant) {
        assert lock.isHeldByCurrentThread();
        return registry.abandon(stalledForNanos, all, now, instant);
    }

    // ---------------------------------------------------------------- numbers

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
    record Seen(List<ActiveUpload> uploads, DrainStatus.InFlight inFlight, DrainStatus.Totals totals) {}

    /** Looks at everything, at the uploads one by one only where the caller asks for them. */
    Seen look(boolean withUploads, long now, Instant instant) {
        assert lock.isHeldByCurrentThread();
        long bytes = counters.uploadBytes.sum(); // before the others, so that none is in both
        List<ActiveUpload> uploads = withUploads ? registry.snapshot(now, instant) : List.of();
        bytes += withUploads ? bytesOf(uploads) : registry.bytes(now);
        uploadBytesShown = Math.max(uploadBytesShown, bytes);
        return new Seen(
                uploads,
                new DrainStatus.InFlight(
                        withUploads ? uploads.size() : registry.uploads(), admission.requestsInFlight(), holds.count()),
                new DrainStatus.Totals(
                        counters.uploadsCompleted.sum(),
                        counters.uploadsFailed.sum(),
                        admission.requestsCompleted(),
                        counters.refused.sum(),
                        uploadBytesShown));
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
        return "uploads=" + registry.uploads() + ", requests=" + admission.requestsInFlight() + ", holds="
                + holds.count();
    }
}
