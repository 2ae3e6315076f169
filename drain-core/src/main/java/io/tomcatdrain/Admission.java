package io.tomcatdrain;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Where requests come in, and the one place that decides whether one is admitted.
 *
 * <p>The methods that admit are called by any thread and take no lock. Everything else is called under the
 * lock of the sequence, through the owner of this object.
 */
final class Admission {
    private final Counters counters;
    private final UploadRegistry registry;
    private final Runnable onIdle;
    private final int stripes;
    private volatile Gates gates;

    /** Sealed gates through which a request may still have to leave; a resumed drain leaves them to the next one. */
    private final List<InFlightGate> sealedUploads = new ArrayList<>();

    private final List<InFlightGate> sealedRequests = new ArrayList<>();

    /**
     * The gates of requests that continue an open upload or come beside one under way, while all others are refused; null where none of
     * them is admitted. They are sealed last, when no such request can come any more.
     */
    private volatile @Nullable Gates late;

    private final List<InFlightGate> sealedLate = new ArrayList<>();

    /** The two gates that requests enter at present; replaced as a whole. */
    private static final class Gates {
        final InFlightGate uploads;
        final InFlightGate requests;

        /** True while pages are served and uploads are not. */
        final boolean uploadsRefused;

        Gates(InFlightGate uploads, InFlightGate requests, boolean uploadsRefused) {
            this.uploads = uploads;
            this.requests = requests;
            this.uploadsRefused = uploadsRefused;
        }
    }

    /** How many plain requests have left gates that are gone. */
    private long leftBefore;

    /** What was answered last, so that no later answer is less. */
    private long requestsCompleted;

    Admission(Counters counters, UploadRegistry registry, Runnable onIdle) {
        this(
                counters,
                registry,
                onIdle,
                InFlightGate.stripesFor(Runtime.getRuntime().availableProcessors()));
    }

    /** Makes an admission whose gates have that number of words. */
    Admission(Counters counters, UploadRegistry registry, Runnable onIdle, int stripes) {
        this.counters = counters;
        this.registry = registry;
        this.onIdle = onIdle;
        this.stripes = stripes;
        this.gates = open();
    }

    private Gates open() {
        return new Gates(newGate(), newGate(), false);
    }

    private InFlightGate newGate() {
        return new InFlightGate(stripes, onIdle);
    }

    /** Returns the ticket of an admitted plain request; null if it is refused. */
    @Nullable Ticket admitRequest() {
        Ticket ticket = tryRequest();
        if (ticket == null) {
            noteRefused();
        }
        return ticket;
    }

    /** Returns the gate that a plain request has entered, its ticket; null, and nothing is counted, if it is sealed. */
    @Nullable InFlightGate tryRequest() {
        Gates seen = gates;
        while (!seen.requests.enter()) {
            Gates now = gates;
            if (now == seen) {
                return null;
            }
            seen = now; // reopened between the look at the gate and the step through it
        }
        return seen.requests;
    }

    /** The same for one that opens an upload, and is refused where uploads are. */
    @Nullable InFlightGate tryOpening() {
        Gates seen = gates;
        while (seen.uploadsRefused || !seen.requests.enter()) {
            Gates now = gates;
            if (now == seen) {
                return null;
            }
            seen = now;
        }
        return seen.requests;
    }

    /** Returns the ticket of a plain request that continues an open upload or comes beside one; null if none is admitted any more. */
    @Nullable InFlightGate tryLateRequest() {
        Gates seen = late;
        return seen != null && seen.requests.enter() ? seen.requests : null;
    }

    /** Returns the ticket of an admitted upload; null if it is refused. */
    @Nullable UploadTicket admitUpload(UploadSource source) {
        UploadTicket ticket = tryUpload(source, null);
        if (ticket == null) {
            noteRefused();
        }
        return ticket;
    }

    /** Returns the ticket of an admitted upload; null, and nothing is counted, if its gate is sealed. */
    @Nullable UploadTicket tryUpload(UploadSource source, Ticket.@Nullable Part part) {
        Gates seen = gates;
        while (!seen.uploads.enter()) {
            Gates now = gates;
            if (now == seen) {
                return null;
            }
            seen = now;
        }
        return register(source, seen.uploads, part);
    }

    /** Returns the ticket of an upload that continues an open one; null if no upload may be continued any more. */
    @Nullable UploadTicket tryLateUpload(UploadSource source, Ticket.Part part) {
        Gates seen = late;
        return seen != null && seen.uploads.enter() ? register(source, seen.uploads, part) : null;
    }

    private UploadTicket register(UploadSource source, InFlightGate entered, Ticket.@Nullable Part part) {
        try {
            return registry.admit(source, entered, part);
        } catch (Throwable fault) {
            entered.exit(); // there is no ticket to leave with
            throw fault;
        }
    }

    /** Counts a request that is refused, here or before it came here. */
    void noteRefused() {
        counters.refused.increment();
    }

    /** Refuses every new request. */
    void refuseAll() {
        Gates before = gates;
        sealUploads(before);
        sealRequests(before);
    }

    /** Refuses new uploads, and counts the plain requests that are in flight now apart from those that come later. */
    void refuseUploads() {
        Gates before = gates;
        gates = new Gates(before.uploads, newGate(), true);
        sealUploads(before);
        sealRequests(before);
    }

    /** Goes on admitting everything, but counts what is in flight now apart from what comes later. */
    void turnOver() {
        Gates before = gates;
        gates = open(); // first, so that no request is refused in between
        sealUploads(before);
        sealRequests(before);
    }

    /** Admits everything again. */
    void reopen() {
        Gates before = gates;
        gates = open();
        sealUploads(before);
        sealRequests(before);
        sealLate();
        late = null;
        registry.readopt(gates.uploads);
    }

    /** Admits requests that continue an open upload or come beside one under way, whatever else is refused. */
    void openLate() {
        Gates before = late;
        late = open();
        seal(before);
    }

    /** Refuses these requests, too. */
    void sealLate() {
        seal(late);
    }

    private void seal(@Nullable Gates lateOnes) {
        if (lateOnes != null) {
            sealUploads(lateOnes);
            seal(lateOnes.requests, sealedLate);
        }
    }

    private void sealUploads(Gates which) {
        seal(which.uploads, sealedUploads);
    }

    private void sealRequests(Gates which) {
        seal(which.requests, sealedRequests);
    }

    /**
     * Seals the gate unless it is sealed; a sealed gate stays in the list at least as long as it is the one to enter. It is recorded
     * first, which can fail for lack of memory, and sealed in any case, so that a step which is tried again after a fault at any point
     * ends with a gate that is both.
     */
    private static void seal(InFlightGate gate, List<InFlightGate> sealed) {
        if (!sealed.contains(gate)) {
            sealed.add(gate);
        }
        gate.seal();
    }

    /** Returns true if no upload is left that entered before the last seal and was not given up. */
    boolean uploadsIdle() {
        sealedUploads.removeIf(gate -> gate.isIdle() && gate != gates.uploads && !isLate(gate));
        return sealedUploads.stream().allMatch(InFlightGate::isIdle);
    }

    /** Returns true if no plain request is left that entered before the last seal. */
    boolean requestsIdle() {
        sealedRequests.removeIf(gate -> {
            boolean gone = gate.isIdle() && gate != gates.requests;
            leftBefore += gone ? gate.left() : 0;
            return gone;
        });
        return sealedRequests.stream().allMatch(InFlightGate::isIdle);
    }

    /** Returns true if no plain request is left that was admitted so and entered before the last seal. */
    boolean lateIdle() {
        sealedLate.removeIf(gate -> {
            boolean gone = gate.isIdle() && !isLate(gate);
            leftBefore += gone ? gate.left() : 0;
            return gone;
        });
        return sealedLate.stream().allMatch(InFlightGate::isIdle);
    }

    private boolean isLate(InFlightGate gate) {
        Gates lateOnes = late;
        return lateOnes != null && (gate == lateOnes.uploads || gate == lateOnes.requests);
    }

    /** Returns how many plain requests are inside. */
    long requestsInFlight() {
        return ofRequestGates(InFlightGate::inFlight);
    }

    /** Returns how many plain requests have ended, however they did; an endless answer leaves its gate before. */
    long requestsCompleted() {
        requestsCompleted =
                Math.max(requestsCompleted, leftBefore + ofRequestGates(InFlightGate::left) - registry.streams());
        return requestsCompleted;
    }

    private long ofRequestGates(ToLongFunction<InFlightGate> number) {
        long sum = sealedRequests.stream().mapToLong(number).sum();
        sum += sealedLate.stream().mapToLong(number).sum();
        sum += sealedRequests.contains(gates.requests) ? 0 : number.applyAsLong(gates.requests);
        Gates lateOnes = late;
        return lateOnes == null || sealedLate.contains(lateOnes.requests)
                ? sum
                : sum + number.applyAsLong(lateOnes.requests);
    }
}
