package io.tomcatdrain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Knows every upload under way, and the other requests that went async. Thread-safe, without a lock of its own: a drain reads it
 * while requests come and go.
 */
final class UploadRegistry implements UploadTicket.Ends, TrackedTicket.Owner {
    /** How often a thread that waits for uploads looks for those that stalled or were dropped; an upload that ends wakes it. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A stall limit may be legal and absurdly short; a thread that looks must not spin. */
    private static final long SHORTEST_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** After how many newcomers at the earliest the registry looks by itself for those that were dropped. */
    static final int LEAST_UNLOOKED = 256;

    private final Set<UploadTicket> uploads = ConcurrentHashMap.newKeySet();
    private final Set<TrackedTicket> tracked = ConcurrentHashMap.newKeySet();
    private final AtomicLong nextId = new AtomicLong(1);
    private final AtomicLong lastTracked = new AtomicLong();
    private final AtomicBoolean looking = new AtomicBoolean();

    /** At which upload and at which tracked request the registry looks for those that were dropped. */
    private volatile long lookAtUpload = LEAST_UNLOOKED;

    private volatile long lookAtTracked = LEAST_UNLOOKED;
    private final Waiters waiters = new Waiters();
    private final Ticker ticker;
    private final Counters counters;
    private final StreamTypes endless;

    /** How many requests go on outside of their gates, since their answers have no end. */
    private final AtomicLong aside = new AtomicLong();

    /** How many uploads are waited for beside their gates. */
    private final AtomicInteger held = new AtomicInteger();

    /** The numbers of uploads that moved again after they had been given up, and have ended well since. */
    private final Queue<Long> recovered = new ConcurrentLinkedQueue<>();

    private final Runnable onReleased;

    /** Knows the plain requests in flight; unless an adapter says otherwise, those that went async. */
    private volatile Supplier<? extends Collection<? extends Ticket.Subject>> requests = this::subjects;

    UploadRegistry(Ticker ticker, Counters counters) {
        this(ticker, counters, DrainSettings.defaults().streamTypes(), () -> {});
    }

    /**
     * Makes a registry of nothing.
     *
     * @param endless answers of those types hold no gate once they are seen
     * @param onReleased run by the thread that takes away the last upload that is waited for beside its gate; must neither block nor throw
     */
    UploadRegistry(Ticker ticker, Counters counters, StreamTypes endless, Runnable onReleased) {
        this.ticker = ticker;
        this.counters = counters;
        this.endless = endless;
        this.onReleased = onReleased;
    }

    /** Registers an upload that has entered the gate. */
    UploadTicket admit(UploadSource source, InFlightGate gate) {
        return admit(source, gate, null);
    }

    /** Registers an upload that has entered the gate, and may be a part of one that comes in several requests. */
    UploadTicket admit(UploadSource source, InFlightGate gate, Ticket.@Nullable Part part) {
        if (part != null) {
            part.carriedBy(source);
        }
        long id = nextId.getAndIncrement();
        UploadTicket ticket = new UploadTicket(id, source, gate, part, this, ticker.nanos());
        uploads.add(ticket);
        if (id >= lookAtUpload) {
            lookNowAndThen();
        }
        return ticket;
    }

    /** Makes a request findable that is no upload. */
    TrackedTicket track(Ticket ticket, Ticket.Subject subject) {
        TrackedTicket findable = new TrackedTicket(ticket, subject, this);
        tracked.add(findable);
        InFlightGate gate =
                ticket instanceof InFlightGate shared ? shared : ticket instanceof PartTicket part ? part.gate() : null;
        if (gate != null && gate.isSealed()) {
            findable.setAsideIf(endless); // a drain waits for it, and looks only now and then
        }
        if (lastTracked.incrementAndGet() >= lookAtTracked) {
            lookNowAndThen();
        }
        return findable;
    }

    /**
     * Looks for those that were dropped once as many have come as were left at the last look: so they never outnumber the others by much,
     * also on a node whose status nothing asks for, and each newcomer pays for about one.
     */
    private void lookNowAndThen() {
        if (looking.compareAndSet(false, true)) { // one thread is enough
            try {
                look();
            } finally {
                long newcomers = Math.max(LEAST_UNLOOKED, uploads.size() + tracked.size());
                lookAtUpload = nextId.get() - 1 + newcomers;
                lookAtTracked = lastTracked.get() + newcomers;
                looking.set(false);
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
        if (!failed && ticket.hadMovedAgain(received)) {
            recovered.add(ticket.id());
        }
        waiters.wake();
    }

    @Override
    public void held() {
        held.incrementAndGet();
    }

    @Override
    public void released() {
        if (held.decrementAndGet() == 0) {
            onReleased.run();
        }
    }

    /** Returns true if an upload is waited for beside its gate. */
    boolean holdsBesideGates() {
        return held.get() > 0;
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
            look();
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

    /** Returns true if one of certain uploads is under way and was not given up. */
    boolean isAnyHeld(Predicate<UploadSource> which) {
        for (UploadTicket ticket : uploads) {
            if (ticket.is(which) && !ticket.isGivenUp()) {
                return true;
            }
        }
        return false;
    }

    /** Calls for each upload under way; what is thrown is lost. */
    void visit(Consumer<UploadSource> visitor) {
        for (UploadTicket ticket : uploads) {
            boolean unused = ticket.is(source -> {
                visitor.accept(source);
                return true;
            });
        }
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

    /** Closes the tickets of requests that the container has dropped without a call, and lets endless answers hold no gate any more. */
    void look() {
        for (TrackedTicket ticket : tracked) {
            ticket.closeIfGone();
            ticket.setAsideIf(endless);
        }
        uploads.forEach(UploadTicket::closeIfGone);
    }

    @Override
    public void setAside() {
        aside.incrementAndGet();
    }

    @Override
    public void closed(TrackedTicket ticket, boolean wasAside) {
        tracked.remove(ticket);
        if (wasAside) {
            aside.decrementAndGet();
        }
    }

    /** Returns false for the ticket of an endless answer. */
    boolean waitsFor(Ticket ticket) {
        if (ticket instanceof TrackedTicket found) {
            found.setAsideIf(endless);
            return !found.isAside();
        }
        return true;
    }

    /** Returns how many endless answers have been seen that go on. */
    long streams() {
        return Math.max(0, aside.get());
    }

    /** Ends the endless answers that have been seen, as far as the adapter can. */
    void endStreams() {
        tracked.forEach(TrackedTicket::endIfAside);
    }

    /** Sets what names the plain requests in flight. */
    void nameRequestsBy(Supplier<? extends Collection<? extends Ticket.Subject>> whoNames) {
        requests = whoNames;
    }

    /** Returns the plain requests in flight that can be named and whose answers have an end, oldest first. */
    List<DrainReport.AbandonedRequest> nameRequests() {
        List<DrainReport.AbandonedRequest> named = new ArrayList<>();
        try {
            for (Ticket.Subject request : requests.get()) {
                String path = request.path();
                if (!endless.match(request.contentType(), path)) {
                    named.add(new DrainReport.AbandonedRequest(
                            LogText.boundedOrNull(request.method()),
                            LogText.boundedOrNull(path),
                            request.elapsedMillis()));
                }
            }
        } catch (RuntimeException | Error fault) {
            // in an adapter: it must not keep a drain from going on without those that cannot be named
        }
        named.sort(Comparator.comparingLong(DrainReport.AbandonedRequest::elapsedMillis)
                .reversed());
        return named;
    }

    private List<Ticket.Subject> subjects() {
        List<Ticket.Subject> all = new ArrayList<>();
        tracked.forEach(ticket -> all.add(ticket.subject()));
        return all;
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
                if (ticket.abandon(all)) {
                    given.add(asItStands);
                }
            }
        }
        return given;
    }

    /** Waits again for those that had stalled and move again; returns them as they stand. */
    List<ActiveUpload> holdAgain(long nowNanos, Instant now) {
        List<ActiveUpload> again = new ArrayList<>();
        for (UploadTicket ticket : uploads) {
            if (ticket.holdAgain(nowNanos)) {
                again.add(ticket.snapshot(nowNanos, now));
            }
        }
        return again;
    }

    /** Returns the numbers of those that were given up and ended well all the same, each once. */
    List<Long> takeRecovered() {
        List<Long> all = new ArrayList<>();
        for (Long id = recovered.poll(); id != null; id = recovered.poll()) {
            all.add(id);
        }
        return all;
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
