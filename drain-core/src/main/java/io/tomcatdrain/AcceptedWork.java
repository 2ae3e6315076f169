package io.tomcatdrain;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What one node has accepted: who is inside, and how much has ended. Guarded by the lock of {@link DrainSequence}, but for what its
 * parts say of themselves.
 */
final class AcceptedWork {
    private final Totals totals = new Totals();
    private final UploadRegistry registry;
    private final Doorway doorway;
    private final Holds holds;

    /** The most that was ever shown: the bytes of an upload that ends while they are added up are in neither sum. */
    private long uploadBytesShown;

    /** Makes what holds nothing yet; whoever is the last to leave runs {@code onIdle}. */
    AcceptedWork(Ticker ticker, ReentrantLock lock, Runnable onIdle) {
        this.registry = new UploadRegistry(ticker, totals);
        this.doorway = new Doorway(totals, registry, onIdle);
        this.holds = new Holds(lock, onIdle);
    }

    Doorway doorway() {
        return doorway;
    }

    UploadRegistry registry() {
        return registry;
    }

    Holds holds() {
        return holds;
    }

    /** Returns how many uploads and requests have ended. */
    long ended() {
        return totals.uploadsEnded() + doorway.requestsCompleted();
    }

    /** Returns how many requests were refused. */
    long refused() {
        return totals.refused.sum();
    }

    /** What is seen at one moment; without the uploads, if nobody asked for them. */
    record Seen(List<ActiveUpload> uploads, DrainStatus.InFlight inFlight, DrainStatus.Totals totals) {}

    /** Looks at everything, at the uploads one by one only where they are asked for. */
    Seen look(boolean withUploads, long now, Instant instant) {
        long bytes = totals.uploadBytes.sum(); // before the others, so that none is in both
        List<ActiveUpload> uploads = withUploads ? registry.snapshot(now, instant) : List.of();
        bytes += withUploads ? bytesOf(uploads) : registry.bytes(now);
        uploadBytesShown = Math.max(uploadBytesShown, bytes);
        return new Seen(
                uploads,
                new DrainStatus.InFlight(
                        withUploads ? uploads.size() : registry.uploads(), doorway.requestsInFlight(), holds.count()),
                new DrainStatus.Totals(
                        totals.uploadsCompleted.sum(),
                        totals.uploadsFailed.sum(),
                        doorway.requestsCompleted(),
                        totals.refused.sum(),
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
        return "uploads=" + registry.uploads() + ", requests=" + doorway.requestsInFlight() + ", holds="
                + holds.count();
    }
}
