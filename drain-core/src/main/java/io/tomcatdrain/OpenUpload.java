package io.tomcatdrain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One upload that comes in several requests, from the answer to its first on. It is the key of its own first name, so that ten thousand
 * of them stay small. Guarded by the lock of {@link OpenUploads}.
 */
final class OpenUpload extends KeyedHash.Key {
    /** For how long after its end it is still followed, for the request that finishes it. */
    static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** A pause that is longer says nothing of how fast the upload is. */
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** Of how many chunks it is remembered which have come; of more, how many. */
    private static final int MOST_CHUNKS = 2048;

    private static final int MOST_NAMES = 8;

    private enum State {
        /** A part of it is in flight, or the next one is waited for. */
        OPEN,
        /** Nothing came for so long before the drain that the drain does not wait for it. */
        IDLE,
        /** Its client has said that it is about to come. */
        ANNOUNCED,
        /** It is whole; for a moment a request may follow. */
        DONE,
        /** The drain has given it up. */
        GIVEN_UP
    }

    /** Where uploads are opened, as it is shown: many share one. */
    record Place(String method, String path) {}

    private final int id;
    private final Place place;

    /** False where it cannot be told from that of others: a drain then does not wait for its next part. */
    private final boolean held;

    private boolean endShows;
    private State state = State.OPEN;
    private KeyedHash.@Nullable Key client;

    /** The next upload of the same client. */
    @Nullable OpenUpload nextOfClient;

    /** Those in flight; null for none. */
    private @Nullable List<Ticket.Part> parts;

    private @Nullable Details details;
    private long bytes;
    private long length = -1;
    private long sinceNanos;

    /** Since when nothing is in flight, or since when it is whole. */
    private long quietNanos;

    /** For how long it has been waited for since it advanced, before the part that is or was the last in flight. */
    private int waitedMillis;

    /** What most uploads do not have. */
    private static final class Details {
        private final List<KeyedHash.Key> otherNames = new ArrayList<>(1);
        private @Nullable BitSet chunks;
        private int chunkCount;
    }

    OpenUpload(KeyedHash.Key name, int id, Place place, boolean held, long now) {
        super(name);
        this.id = id;
        this.place = place;
        this.held = held;
        this.sinceNanos = now;
        this.quietNanos = now;
    }

    int id() {
        return id;
    }

    KeyedHash.@Nullable Key client() {
        return client;
    }

    void belongsTo(KeyedHash.@Nullable Key newClient) {
        client = newClient;
    }

    List<KeyedHash.Key> otherNames() {
        return details == null ? List.of() : details.otherNames;
    }

    /** Adds a name; returns one that it no longer has, since a server may rename it with every answer. */
    KeyedHash.@Nullable Key isAlsoCalled(KeyedHash.Key name) {
        List<KeyedHash.Key> others = details().otherNames;
        others.add(name);
        return others.size() > MOST_NAMES ? others.remove(0) : null;
    }

    private Details details() {
        Details made = details;
        if (made == null) {
            made = new Details();
            details = made;
        }
        return made;
    }

    // ---------------------------------------------------------------- parts

    void begins(Ticket.Part part, long now) {
        List<Ticket.Part> others = parts;
        if (others == null) {
            others = new ArrayList<>(1);
            parts = others;
        }
        if (others.isEmpty()) {
            pauseEnds(now);
        }
        others.add(part);
    }

    private void pauseEnds(long now) {
        long pause = now - quietNanos;
        if (pause > PAUSE_NANOS) {
            sinceNanos += pause;
        }
        if (state == State.IDLE) {
            state = State.OPEN;
            waitedMillis = 0;
        } else if (state == State.OPEN) {
            waitedMillis += (int) Math.min(Integer.MAX_VALUE / 2, TimeUnit.NANOSECONDS.toMillis(pause));
        }
    }

    /**
     * Takes a part's end into account.
     *
     * <p>What only announces an upload stays that.
     *
     * @return true if the upload is whole with it, and was not before
     */
    boolean ends(Ticket.Part part, long now) {
        boolean wasInFlight = parts != null && parts.remove(part);
        if (parts != null && parts.isEmpty()) {
            parts = null;
        }
        if (state == State.ANNOUNCED) {
            return false;
        }
        Ticket.Part.Answer answer = part.answer();
        boolean wasDone = state == State.DONE;
        boolean advanced = false;
        boolean whole = false;
        if (answer != null && answer.isGood() && part.head().kind() == Ticket.Part.Kind.WRITES) {
            advanced = advance(part.head(), answer);
            whole = isWhole(part.head(), answer);
        }
        if (advanced) {
            waitedMillis = 0;
        }
        if (state != State.GIVEN_UP && (whole || (wasDone && advanced))) {
            state = whole ? State.DONE : State.OPEN;
        }
        // A whole one lingers once, however often it is said to be whole.
        boolean restarts = state == State.DONE ? !wasDone || advanced : wasInFlight || advanced;
        if (restarts && parts == null) {
            quietNanos = now;
        }
        return whole && !wasDone && state == State.DONE;
    }

    /** It is no upload yet, but one that is about to come. */
    void isAnnounced(long now) {
        state = State.ANNOUNCED;
        quietNanos = now;
    }

    boolean isAnnouncement() {
        return state == State.ANNOUNCED;
    }

    private boolean advance(Ticket.Part.Head head, Ticket.Part.Answer answer) {
        Ticket.Part.Progress progress = head.progress();
        endShows |= head.endShows();
        if (progress.length() >= 0) {
            length = progress.length();
        }
        long end = end(progress, answer);
        if (end >= 0) {
            boolean further = end > bytes;
            bytes = Math.max(bytes, end);
            return further;
        }
        if (progress.chunk() >= 0 && !isNewChunk(progress)) {
            return false;
        }
        bytes += Math.max(0, progress.contentLength());
        return progress.contentLength() != 0;
    }

    private static long end(Ticket.Part.Progress progress, Ticket.Part.Answer answer) {
        if (answer.offset() >= 0) {
            return answer.offset();
        }
        return progress.offset() >= 0 && progress.contentLength() >= 0
                ? progress.offset() + progress.contentLength()
                : -1;
    }

    private boolean isNewChunk(Ticket.Part.Progress progress) {
        Details mine = details();
        if (progress.chunk() < MOST_CHUNKS) {
            BitSet come = mine.chunks;
            if (come == null) {
                come = new BitSet(Math.max(64, Math.min(MOST_CHUNKS, progress.chunks())));
                mine.chunks = come;
            }
            if (come.get(progress.chunk())) {
                return false;
            }
            come.set(progress.chunk());
        }
        mine.chunkCount++;
        return true;
    }

    private boolean isWhole(Ticket.Part.Head head, Ticket.Part.Answer answer) {
        if (answer.incomplete()) {
            return false;
        }
        Ticket.Part.Progress progress = head.progress();
        return head.last()
                || (length >= 0 && end(progress, answer) >= length)
                || (progress.chunks() > 0 && details != null && details.chunkCount >= progress.chunks());
    }

    // ---------------------------------------------------------------- what a drain asks

    private boolean isInFlight() {
        return parts != null;
    }

    /** Returns true if a request that names it is admitted while the node drains. */
    boolean admits(long now) {
        return switch (state) {
            case OPEN, IDLE -> true;
            case DONE, ANNOUNCED -> isInFlight() || now - quietNanos < LINGER_NANOS;
            case GIVEN_UP -> false;
        };
    }

    /** Returns true if a part of it is in flight or followed, so that its client has an upload here. */
    boolean isFollowed(long gapNanos, long now) {
        return state != State.GIVEN_UP && state != State.IDLE && (isInFlight() || nanosToWait(gapNanos, now) > 0);
    }

    /** Returns how long the drain waits for its next request; 0 if it does not, or while gates hold one. */
    long nanosToWait(long gapNanos, long now) {
        if (!held || isInFlight()) {
            return 0;
        }
        return switch (state) {
            case OPEN -> Math.max(0, nanosOfGapLeft(gapNanos, now));
            case DONE, ANNOUNCED -> Math.max(0, quietNanos + LINGER_NANOS - now);
            case IDLE, GIVEN_UP -> 0;
        };
    }

    private long nanosOfGapLeft(long gapNanos, long now) {
        return gapNanos - TimeUnit.MILLISECONDS.toNanos(waitedMillis) - (now - quietNanos);
    }

    /** The drain begins now: returns true if it has been idle for so long that it is not waited for. */
    boolean drainBegins(long gapNanos, long now) {
        if (state != State.OPEN || !held || isInFlight()) {
            return false;
        }
        if (now - quietNanos >= gapNanos) {
            state = State.IDLE;
            return true;
        }
        waitedMillis = 0; // what it paused before was nobody's wait
        return false;
    }

    /** Gives it up if nothing came for so long; returns true if it was. */
    boolean giveUpIfOverdue(long gapNanos, long now) {
        boolean overdue = state == State.OPEN && held && !isInFlight() && nanosOfGapLeft(gapNanos, now) <= 0;
        if (overdue) {
            state = State.GIVEN_UP;
        }
        return overdue;
    }

    /** Gives it up at the drain's limit, wherever it stands; returns true if it was waited for. */
    boolean cut(long gapNanos, long now) {
        boolean waitedFor = state == State.OPEN && isFollowed(gapNanos, now);
        if (state == State.OPEN) {
            state = State.GIVEN_UP;
        }
        return waitedFor;
    }

    /** For so long until now no request could come. */
    void stoodStill(long nanos, long now) {
        quietNanos += Math.max(0, Math.min(nanos, now - quietNanos));
    }

    /** The node serves again. */
    void readopt(long now) {
        if (state == State.GIVEN_UP || state == State.IDLE) {
            state = State.OPEN;
            waitedMillis = 0;
            quietNanos = now;
        }
    }

    /** Returns true if its end would have been seen, so that one that is given up is lost. */
    boolean endShows() {
        return endShows;
    }

    /** Returns true if it may be forgotten. */
    boolean isStale(long ttlNanos, long now) {
        return !isInFlight() && now - quietNanos >= (isShown() ? ttlNanos : LINGER_NANOS);
    }

    /** Returns true if it is shown: what is whole is over for all but the request that may follow. */
    boolean isShown() {
        return state != State.DONE && state != State.ANNOUNCED;
    }

    ActiveUpload snapshot(long now, Instant instant) {
        long received = bytes;
        if (parts != null) {
            for (Ticket.Part part : parts) {
                received += part.bytesReceived();
            }
        }
        if (length >= 0) {
            received = Math.min(received, length);
        }
        long elapsedNanos = Math.max(0, now - sinceNanos);
        long rate = elapsedNanos == 0 ? -1 : (long) (received * 1e9 / elapsedNanos);
        long eta = length < 0
                ? -1
                : received >= length ? 0 : rate <= 0 ? -1 : (long) ((length - received) * 1000.0 / rate);
        return new ActiveUpload(
                id,
                place.method(),
                place.path(),
                null,
                instant.minusNanos(elapsedNanos),
                TimeUnit.NANOSECONDS.toMillis(elapsedNanos),
                received,
                length,
                rate,
                eta,
                isInFlight() ? 0 : TimeUnit.NANOSECONDS.toMillis(now - quietNanos));
    }

    /** Returns true for one that the estimate of the drain's end counts. */
    boolean isOpen() {
        return state == State.OPEN;
    }
}
