package io.tomcatdrain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The uploads that come in several requests and were begun on this node: who may continue one while the node drains, and which of them a
 * drain waits for between two requests. Bounded, with names as keyed hashes only. Thread-safe.
 */
final class OpenUploads implements Ticket.Part.Ends {
    /*
     * Concurrency: `lock` guards the uploads. Requests that name none take no lock: they look into the maps first. Lock order: the lock
     * of the sequence, then this one, then nothing. A part comes (it is then in its upload, or counted in `entering`) before it enters a
     * gate, and its end is told here before it leaves that gate. So where gates are idle and nothing is followed, nobody can come any more.
     */

    private final Ticker ticker;
    private final boolean wholeClients;
    private final long gapNanos;
    private final Consumer<String> warn;
    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock") private final UploadIndex index = new UploadIndex();

    private Runnable onEmpty = () -> {};

    @GuardedBy("lock") private boolean warned;

    /** Parts that have come and are in no gate yet. */
    @GuardedBy("lock") private int entering;

    @GuardedBy("lock") private long finished;

    /**
     * Makes an empty table.
     *
     * @param wholeClients true if every request of a client that has an open upload is admitted
     * @param gapNanos for how long a drain waits for the next request of one
     * @param warn told, at most once, that there are too many
     */
    OpenUploads(Ticker ticker, boolean wholeClients, long gapNanos, Consumer<String> warn) {
        this.ticker = ticker;
        this.wholeClients = wholeClients;
        this.gapNanos = gapNanos;
        this.warn = warn;
    }

    /** Says what is run, without the lock, when a part that ends leaves nothing that is followed; to be called before any part comes. */
    void onEmpty(Runnable wake) {
        onEmpty = wake;
    }

    /** Returns true if nothing is followed, so that a request's path need not be looked up. */
    boolean isEmpty() {
        return size() == 0;
    }

    @SuppressWarnings("GuardedBy") // one volatile field
    int size() {
        return index.size();
    }

    // ---------------------------------------------------------------- requests

    /**
     * Notes that a request comes.
     *
     * @return true if it is admitted whatever the gates say; {@link #isIn} or {@link #isTurnedAway} must follow then
     */
    boolean comes(Ticket.Part part) {
        Ticket.Part.Head head = part.head();
        if (isEmpty() || !mayBeKnown(head)) {
            return false;
        }
        long now = ticker.nanos();
        lock.lock();
        try {
            boolean admitted = wholeClients && isFollowedClient(head.client(), now);
            for (OpenUpload upload : index.named(head.names(), head.client())) {
                if (upload.admits(now)) {
                    admitted = true;
                    if (head.kind() != Ticket.Part.Kind.READS) {
                        upload.begins(part, now);
                    }
                }
            }
            entering += admitted ? 1 : 0;
            return admitted;
        } finally {
            lock.unlock();
        }
    }

    /** Without the lock: a client that names no open upload must not make others wait. */
    @SuppressWarnings("GuardedBy")
    private boolean mayBeKnown(Ticket.Part.Head head) {
        return index.mayKnow(head.names(), head.client(), wholeClients);
    }

    /** A part that has come is in a gate. */
    void isIn() {
        lock.lock();
        try {
            entering--;
        } finally {
            lock.unlock();
        }
    }

    /** A part that has come found no open gate. */
    void isTurnedAway(Ticket.Part part) {
        lock.lock();
        try {
            entering--;
        } finally {
            lock.unlock();
        }
        ended(part);
    }

    @Override
    public void ended(Ticket.Part part) {
        Ticket.Part.Answer answer = part.answer();
        if (isEmpty() && (answer == null || !answer.isGood() || !part.opens())) {
            return;
        }
        long now = ticker.nanos();
        boolean tooMany;
        lock.lock();
        try {
            tooMany = endedLocked(part, answer, now) && !warned;
            warned |= tooMany;
        } finally {
            lock.unlock();
        }
        if (isEmpty()) {
            onEmpty.run();
        }
        if (tooMany) {
            warn.accept("more than " + UploadIndex.MOST + " uploads of several requests are open, or more than "
                    + UploadIndex.MOST_OF_A_CLIENT + " of one client: a drain does not follow those that came later");
        }
    }

    /** Returns true if an upload was opened for which there is no room. */
    @GuardedBy("lock") private boolean endedLocked(Ticket.Part part, Ticket.Part.@Nullable Answer answer, long now) {
        Ticket.Part.Head head = part.head();
        Set<OpenUpload> known = index.named(head.names(), head.client());
        for (OpenUpload upload : known) {
            boolean wholeNow = upload.ends(part, now);
            finished += wholeNow ? 1 : 0;
            if (answer != null) {
                follow(upload, part, answer, wholeNow);
            }
        }
        if (answer == null || !answer.isGood() || head.kind() != Ticket.Part.Kind.WRITES) {
            return false;
        }
        if (part.opens() && known.stream().allMatch(OpenUpload::isAnnouncement)) {
            return open(part, answer, now);
        }
        return false;
    }

    @GuardedBy("lock") private void follow(OpenUpload upload, Ticket.Part part, Ticket.Part.Answer answer, boolean whole) {
        Ticket.Part.Head head = part.head();
        if (isGone(head, answer)) {
            index.remove(upload);
            return;
        }
        if (answer.isGood() && !whole && head.kind() == Ticket.Part.Kind.WRITES) {
            answer.locations().forEach(location -> index.call(upload, location, null));
        }
        String client = answer.client();
        if (client != null && index.moveTo(upload, client)) {
            head.names().stream().filter(Ticket.Part.Name::ofClient).forEach(name -> index.call(upload, name, client));
        }
    }

    /** A GET may ask for a chunk that is not there yet. */
    private static boolean isGone(Ticket.Part.Head head, Ticket.Part.Answer answer) {
        return switch (head.kind()) {
            case READS -> answer.saysGone() && head.method().equals("HEAD");
            case WRITES -> answer.saysGone();
            case DELETES -> answer.saysGone() || answer.isGood();
        };
    }

    @GuardedBy("lock") private boolean open(Ticket.Part part, Ticket.Part.Answer answer, long now) {
        Ticket.Part.Head head = part.head();
        boolean isLocated = head.locates() && !answer.locations().isEmpty();
        Ticket.Part.Name name = isLocated ? answer.locations().get(0) : head.opens();
        String client = answer.client() != null ? answer.client() : head.client();
        if (name == null || (head.last() && !answer.incomplete())) {
            return false;
        }
        Set<OpenUpload> known = index.named(List.of(name), client);
        boolean isNew = known.isEmpty();
        OpenUpload same =
                isNew ? index.add(name, head, client, now) : known.iterator().next();
        if (same == null) {
            return true;
        }
        if (head.locates() && !isLocated) {
            same.isAnnounced(now);
            return false;
        }
        if (isLocated) {
            for (Ticket.Part.Name other : answer.locations()) {
                index.call(same, other, null);
            }
        }
        boolean whole = same.ends(part, now);
        if (whole && isNew) {
            index.remove(same); // with its first answer: it did not come in several
        } else if (whole) {
            finished++;
        }
        return false;
    }

    @GuardedBy("lock") private boolean isFollowedClient(@Nullable String client, long now) {
        if (client == null) {
            return false;
        }
        for (OpenUpload each = index.firstOf(client); each != null; each = each.nextOfClient) {
            if (each.isFollowed(gapNanos, now)) {
                return true;
            }
        }
        return false;
    }

    // ---------------------------------------------------------------- drains

    /**
     * What a drain sees when it looks.
     *
     * @param nanos how long until something changes by itself; 0 if nothing is waited for and nobody comes
     * @param givenUp those that were given up just now, and are lost
     */
    record Look(long nanos, List<ActiveUpload> givenUp) {}

    /** A drain begins to refuse: returns how many have been idle for so long that it does not wait for them. */
    int drainBegins(long now) {
        lock.lock();
        try {
            finished = 0;
            int idle = 0;
            for (OpenUpload upload : index.all()) {
                idle += upload.drainBegins(gapNanos, now) ? 1 : 0;
            }
            return idle;
        } finally {
            lock.unlock();
        }
    }

    /** Gives up what has been waited for in vain, and says what is waited for still. */
    Look look(long now, Instant instant) {
        if (isEmpty()) {
            return new Look(0, List.of());
        }
        lock.lock();
        try {
            List<ActiveUpload> given = new ArrayList<>(0);
            long nanos = entering > 0 ? Long.MAX_VALUE : 0;
            for (OpenUpload upload : index.all()) {
                if (upload.giveUpIfOverdue(gapNanos, now)) {
                    if (upload.endShows()) {
                        given.add(upload.snapshot(now, instant));
                    }
                } else {
                    long left = upload.nanosToWait(gapNanos, now);
                    if (left > 0) {
                        nanos = nanos == 0 ? left : Math.min(nanos, left);
                    }
                }
            }
            return new Look(nanos, given);
        } finally {
            lock.unlock();
        }
    }

    /** Gives up all that is waited for; returns it. */
    List<ActiveUpload> cut(long now, Instant instant) {
        if (isEmpty()) {
            return List.of();
        }
        lock.lock();
        try {
            List<ActiveUpload> given = new ArrayList<>(0);
            for (OpenUpload upload : index.all()) {
                if (upload.cut(gapNanos, now)) {
                    given.add(upload.snapshot(now, instant));
                }
            }
            return given;
        } finally {
            lock.unlock();
        }
    }

    /** The node serves again. */
    void readopt() {
        long now = ticker.nanos();
        lock.lock();
        try {
            index.all().forEach(upload -> upload.readopt(now));
        } finally {
            lock.unlock();
        }
    }

    /** For so long until now no request could come. */
    void stoodStill(long nanos, long now) {
        lock.lock();
        try {
            index.all().forEach(upload -> upload.stoodStill(nanos, now));
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many are not whole; what is whole stays for a while, for the request that may follow. */
    int shown() {
        if (isEmpty()) {
            return 0;
        }
        lock.lock();
        try {
            return (int) index.all().stream().filter(OpenUpload::isShown).count();
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many have become whole since the last drain began. */
    long finished() {
        lock.lock();
        try {
            return finished;
        } finally {
            lock.unlock();
        }
    }

    /** Returns those that are not whole, oldest first. */
    List<ActiveUpload> snapshot(long now, Instant instant) {
        if (isEmpty()) {
            return List.of();
        }
        lock.lock();
        try {
            List<ActiveUpload> shown = new ArrayList<>();
            for (OpenUpload upload : index.all()) {
                if (upload.isShown()) {
                    shown.add(upload.snapshot(now, instant));
                }
            }
            shown.sort(Comparator.comparingLong(ActiveUpload::id));
            return shown;
        } finally {
            lock.unlock();
        }
    }
}
