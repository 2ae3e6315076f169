package io.tomcatdrain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Knows every upload under way, and the other requests that went async. Thread-safe, without a lock of its own: a drain reads it
 * while requests come and go.
 */
final class UploadRegistry implements UploadTicket.Ends {
    /** How often a thread that waits for uploads looks for those that stalled or were dropped; ends are told. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A stall limit may be legal and absurdly short; a thread that looks must not spin. */
    private static final long SHORTEST_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** After how many newcomers at the earliest the registry looks by itself for those that were dropped. */
    static final int LEAST_UNLOOKED = 256;

    private final Set<UploadTicket> uploads = ConcurrentHashMap.newKeySet();
    private final Set<TrackedTicket> tracked = ConcurrentHashMap.newKeySet();
    private final AtomicLong nextId = new AtomicLong(1);
    private final AtomicInteger unlooked = new AtomicInteger();
    private volatile int nextLookAt = LEAST_UNLOOKED;
    private final Waiters waiters = new Waiters();
    private final Ticker ticker;
    private final Counters counters;

    UploadRegistry(Ticker ticker, Counters counters) {
        this.ticker = ticker;
        this.counters = counters;
    }

    /** Registers an upload that has entered the gate. */
    UploadTicket admit(UploadSource source, InFlightGate gate) {
        return admit(source, gate, null);
    }

    /** Registers an upload that has entered the gate, and may be a part of one that comes in several requests. */
    UploadTicket admit(UploadSource source, InFlightGate gate, @Nullable UploadPart part) {
        if (part != null) {
            part.carriedBy(source);
        }
        UploadTicket ticket = new UploadTicket(nextId.getAndIncrement(), source, gate, part, this, ticker.nanos());
        uploads.add(ticket);
        lookNowAndThen();
        return ticket;
    }

    /** Makes a request findable that is no upload. */
    TrackedTicket track(Ticket ticket, BooleanSupplier isGone) {
        TrackedTicket findable = new TrackedTicket(ticket, isGone, tracked::remove);
        tracked.add(findable);
        lookNowAndThen();
        return findable;
    }

    /**
     * Looks for those that were dropped once as many have come as were left at the last look: so they never outnumber the others by much,
     * also on a node whose status nothing asks for, and each newcomer pays for about one.
     */
    private void lookNowAndThen() {
        if (unlooked.incrementAndGet() == nextLookAt) { // for one thread alone
            try {
                closeGone();
            } finally {
                nextLookAt = Math.max(LEAST_UNLOOKED, uploads.size() + tracked.size());
                unlooked.set(0);
            }
        }
    }

    @Override
    public void refused(UploadTicket ticket) {
        uploads.remove(ticket);
        counters.refused.increment();
        waiters.wake();
    }

    @Override
    public void ended(UploadTicket ticket, long received, boolean failed) {
        uploads.remove(ticket);
        (failed ? counters.uploadsFailed : counters.uploadsCompleted).increment();
        if (received > 0) {
            counters.uploadBytes.add(received);
        }
        waiters.wake();
    }

    /**
     * Waits until none of certain uploads is under way any more, but for those that have stalled or that a drain has given up.
     *
     * @param timeoutNanos for how long at most
     * @param stalledForNanos after what time without a byte one is not waited for any more
     */
    void await(Predicate<UploadSource> which, long timeoutNanos, long stalledForNanos) throws InterruptedException {
        long until = ticker.nanos() + timeoutNanos;
        waiters.await(() -> {
            closeGone();
            long now = ticker.nanos();
            return moves(which, stalledForNanos, now) ? Math.min(until - now, lookNanos(stalledForNanos)) : 0;
        });
    }

    /** Returns how long to wait between two looks at uploads that stall after that time. */
    static long lookNanos(long stalledForNanos) {
        return Math.min(LOOK_NANOS, Math.max(SHORTEST_LOOK_NANOS, stalledForNanos));
    }

    private boolean moves(Predicate<UploadSource> which, long stalledForNanos, long now) {
        for (UploadTicket ticket : uploads) {
            if (ticket.is(which) && !ticket.isGivenUp() && ticket.sample(now) < stalledForNanos) {
                return true;
            }
        }
        return false;
    }

    int uploads() {
        return uploads.size();
    }

    /** Returns how many bytes the uploads under way have received. */
    long bytes(long nowNanos) {
        long sum = 0;
        for (UploadTicket ticket : uploads) {
            sum += ticket.bytes(nowNanos);
        }
        return sum;
    }

    /** Closes the tickets of requests that the container has dropped without a call. */
    void closeGone() {
        tracked.forEach(TrackedTicket::closeIfGone);
        uploads.forEach(UploadTicket::closeIfGone);
    }

    /** Starts the clock of every stall now. */
    void watchFrom(long nowNanos) {
        uploads.forEach(ticket -> ticket.watchFrom(nowNanos));
    }

    /** Gives up the uploads that stalled for so long, or all; returns them as they stood. */
    List<ActiveUpload> abandon(long stalledForNanos, boolean all, long nowNanos, Instant now) {
        List<ActiveUpload> given = new ArrayList<>();
        for (UploadTicket ticket : uploads) {
            long stalled = ticket.sample(nowNanos);
            if (all || stalled >= stalledForNanos) {
                // Taken before: what is given up must be told, whatever fails.
                ActiveUpload asItStands = ticket.snapshot(nowNanos, now);
                if (ticket.abandon()) {
                    given.add(asItStands);
                }
            }
        }
        return given;
    }

    /** Lets those that were given up and still run hold the next drain. */
    void readopt(InFlightGate fresh) {
        uploads.forEach(ticket -> ticket.readopt(fresh));
    }

    /** Returns every upload as it stands, oldest first. */
    List<ActiveUpload> snapshot(long nowNanos, Instant now) {
        return snapshot(any -> true, nowNanos, now);
    }

    /** Returns certain uploads as they stand, oldest first. */
    List<ActiveUpload> snapshot(Predicate<UploadSource> which, long nowNanos, Instant now) {
        List<ActiveUpload> all = new ArrayList<>(uploads.size());
        for (UploadTicket ticket : uploads) {
            if (ticket.is(which)) {
                all.add(ticket.snapshot(nowNanos, now));
            }
        }
        all.sort(Comparator.comparingLong(ActiveUpload::id));
        return all;
    }
}
