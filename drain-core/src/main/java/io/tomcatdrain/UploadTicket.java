package io.tomcatdrain;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The ticket of one upload, and what is known of its progress.
 *
 * <p>OPEN → CLOSED when the upload ends; OPEN → ABANDONED when a drain gives it up (the gate is left then, and closing the ticket later
 * changes nothing there); ABANDONED → HELD when it had stalled and moves again (it cannot enter a sealed gate again, and is counted beside
 * it); ABANDONED or HELD → OPEN when the node serves again while the upload still runs.
 */
final class UploadTicket extends Ticket {
    private static final int OPEN = 0;
    private static final int ABANDONED = 1;
    private static final int CLOSED = 2;
    private static final int HELD = 3;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(UploadTicket.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Called when an upload ends, once, before it leaves its gate. Must not block. */
    interface Ends {

        /** The upload was refused after all, before a byte of it was read. */
        void refused(UploadTicket ticket);

        /** The upload has ended; received is −1 where its bytes cannot be known. */
        void ended(UploadTicket ticket, long received, boolean failed);

        /** One that had been given up is held again, beside its gate. */
        void held();

        /** One that was held beside its gate is so no more. */
        void released();
    }

    /** A rate is taken over at least so long, so that one network buffer does not make it jump. */
    private static final long RATE_WINDOW_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final long id;
    private final UploadSource source;
    private final long contentLength;
    private final Ends ends;
    private final long startedNanos;

    /** The gate to leave; written before the state says OPEN, read after the state was taken away from OPEN. */
    private InFlightGate gate;

    @SuppressWarnings("unused") // through STATE
    private volatile int state;

    // Progress. No thread looks at it unless a drain runs or a caller asks for the status.
    @GuardedBy("this") private long bytes;

    @GuardedBy("this") private long changedNanos;

    @GuardedBy("this") private long windowBytes;

    @GuardedBy("this") private long windowNanos;

    @GuardedBy("this") private long bytesPerSecond = -1;

    /** One more than the bytes that it had when it was given up as stalled; 0, which costs no write, if it was not, or was given up for good. */
    private volatile long afterStall;

    UploadTicket(
            long id, UploadSource source, InFlightGate gate, Ticket.@Nullable Part part, Ends ends, long nowNanos) {
        super(part);
        this.id = id;
        this.source = source;
        this.contentLength = source.contentLength();
        this.gate = gate;
        this.ends = ends;
        this.startedNanos = nowNanos;
        this.changedNanos = nowNanos;
        this.windowNanos = nowNanos;
    }

    long id() {
        return id;
    }

    /** Spread by the number: an identity hash would cost a monitor of its own when the progress is looked at. */
    @Override
    public int hashCode() {
        return Long.hashCode(id);
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public void close(boolean failed) {
        end(false, failed);
    }

    /** Ends an upload that is refused after all, before anything of it was read. */
    void refuse() {
        end(true, false);
    }

    private void end(boolean refused, boolean failed) {
        int before = (int) STATE.getAndSet(this, CLOSED);
        if (before == CLOSED) {
            return;
        }
        try {
            endPart(refused, failed);
        } finally {
            if (before == OPEN) {
                gate.exit();
            } else if (before == HELD) {
                ends.released();
            }
        }
    }

    /** Before the exit: a thread that this wakes finds the upload gone from the registry and counted, and knows what else to wait for. */
    private void endPart(boolean refused, boolean failed) {
        try {
            Part part = part();
            if (part != null) {
                part.end();
            }
        } finally {
            if (refused) {
                ends.refused(this);
            } else {
                // The last look at the bytes comes before the container reuses the request.
                ends.ended(this, received(), failed);
            }
        }
    }

    void closeIfGone() {
        if (isGone()) {
            close(true);
        }
    }

    // A fault in an adapter costs neither the gate nor the drain: what cannot be read is unknown.

    private long received() {
        try {
            return source.bytesReceived();
        } catch (RuntimeException | Error fault) {
            return -1;
        }
    }

    /** Asked where it is shown, and not of each that comes: most are never looked at. */
    private static @Nullable String said(Supplier<@Nullable String> answer) {
        try {
            return answer.get();
        } catch (RuntimeException | Error fault) {
            return null;
        }
    }

    private boolean saysThatItsBodyIsComplete() {
        try {
            return source.isBodyComplete();
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    private boolean isGone() {
        try {
            return source.isGone();
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    /** Returns true if it is one of those that the adapter means. */
    boolean is(Predicate<UploadSource> which) {
        try {
            return which.test(source);
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    boolean isGivenUp() {
        return (int) STATE.getVolatile(this) == ABANDONED;
    }

    /**
     * Stops holding the drain; returns false if it holds nothing any more.
     *
     * @param forGood false if it has stalled, and may hold again once it moves
     */
    boolean abandon(boolean forGood) {
        long soFar;
        synchronized (this) {
            soFar = bytes;
        }
        afterStall = forGood ? 0 : soFar + 1; // before others see that it is given up
        if (STATE.compareAndSet(this, OPEN, ABANDONED)) {
            gate.exit();
            return true;
        }
        if (STATE.compareAndSet(this, HELD, ABANDONED)) {
            ends.released();
            return true;
        }
        return false;
    }

    /** Holds the drain again if it had been given up as stalled and has moved since; returns true if it does so from now on. */
    boolean holdAgain(long nowNanos) {
        if (!isGivenUp()) {
            return false;
        }
        long after = afterStall;
        if (after == 0 || bytes(nowNanos) == after - 1) {
            return false;
        }
        ends.held(); // before: a thread that ends it meanwhile takes it back
        if (STATE.compareAndSet(this, ABANDONED, HELD)) {
            return true;
        }
        ends.released();
        return false;
    }

    /** Returns true if it was given up as stalled and had moved by the time at which so many bytes had been received. */
    boolean hadMovedAgain(long received) {
        long after = afterStall;
        return after != 0 && received >= after;
    }

    /** Holds the drain again, through that gate, if it does so through none and still runs. */
    void readopt(InFlightGate fresh) {
        int seen = (int) STATE.getVolatile(this);
        if ((seen != ABANDONED && seen != HELD) || !fresh.enter()) {
            return;
        }
        gate = fresh;
        if (!STATE.compareAndSet(this, seen, OPEN)) {
            fresh.exit(); // it has just ended
        } else if (seen == HELD) {
            ends.released();
        }
    }

    /** Looks at the bytes; returns for how long none was seen to arrive, 0 if that does not matter or cannot be known. */
    synchronized long sample(long nowNanos) {
        long seen = received();
        if (seen < 0) {
            changesAt(nowNanos); // an upload whose bytes show up later has not stalled until then
            return 0;
        }
        if (seen != bytes) {
            bytes = seen;
            changesAt(nowNanos);
        }
        if (nowNanos - windowNanos >= RATE_WINDOW_NANOS) {
            bytesPerSecond = perSecond(bytes - windowBytes, nowNanos - windowNanos);
            windowBytes = bytes;
            windowNanos = nowNanos;
        }
        long stalledNanos = nowNanos - changedNanos;
        if (stalledNanos <= 0) {
            return 0;
        }
        if (isBodyComplete()) {
            changesAt(nowNanos); // should more be asked for after all, the client has its time from then on
            return 0;
        }
        return stalledNanos;
    }

    /** One clock reading may serve many uploads, so that another thread's, which is later, can come first. */
    @GuardedBy("this") private void changesAt(long nowNanos) {
        if (nowNanos - changedNanos > 0) {
            changedNanos = nowNanos;
        }
    }

    /** Returns how many bytes have been received, as far as that is known. */
    synchronized long bytes(long nowNanos) {
        sample(nowNanos);
        return bytes;
    }

    /** Starts the clock of a stall at the earliest now: before, no thread looked. */
    synchronized void watchFrom(long nowNanos) {
        sample(nowNanos);
        changesAt(nowNanos);
    }

    @GuardedBy("this") private boolean isBodyComplete() {
        return contentLength >= 0 ? bytes >= contentLength : saysThatItsBodyIsComplete();
    }

    /** Returns the upload as it stands. */
    synchronized ActiveUpload snapshot(long nowNanos, Instant now) {
        long stalledNanos = sample(nowNanos);
        long elapsedNanos = Math.max(0, nowNanos - startedNanos); // it may have come after the clock was read
        long received = received() < 0 ? -1 : bytes;
        long rate = rate(received, elapsedNanos);
        return new ActiveUpload(
                id,
                LogText.bounded(said(source::method)),
                LogText.boundedOrNull(said(source::path)),
                LogText.boundedOrNull(said(source::remote)),
                now.minusNanos(elapsedNanos),
                TimeUnit.NANOSECONDS.toMillis(elapsedNanos),
                received,
                contentLength,
                rate,
                etaMillis(received, rate),
                TimeUnit.NANOSECONDS.toMillis(stalledNanos));
    }

    @GuardedBy("this") private long rate(long received, long elapsedNanos) {
        if (received < 0) {
            return -1;
        }
        return bytesPerSecond >= 0 ? bytesPerSecond : perSecond(received, elapsedNanos);
    }

    private long etaMillis(long received, long rate) {
        long left = contentLength - received;
        if (contentLength < 0 || received < 0) {
            return -1;
        }
        if (left <= 0) {
            return 0;
        }
        return rate <= 0 ? -1 : (long) (left * 1000.0 / rate);
    }

    private static long perSecond(long amount, long nanos) {
        return nanos <= 0 ? -1 : (long) (amount * 1e9 / nanos);
    }
}
