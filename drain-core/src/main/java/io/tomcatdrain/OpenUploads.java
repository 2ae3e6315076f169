package io.tomcatdrain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The uploads that come in several requests and were begun on this node: who may continue one while the node drains, and which of them a
 * drain waits for between two requests. Bounded, with names as keyed hashes only. Thread-safe.
 */
final class OpenUploads implements UploadPart.Ends {
    /*
     * Concurrency: `lock` guards the uploads. Requests that name none take no lock: they look into the maps first. Lock order: the lock
     * of the sequence, then this one, then nothing. A part comes (it is then in its upload, or counted in `entering`) before it enters a
     * gate, and its end is told here before it leaves that gate. So where gates are idle and nothing is followed, nobody can come any more.
     */

    /** How many are followed at most. */
    static final int MOST = 10_000;

    /** How many of one client are. */
    static final int MOST_OF_A_CLIENT = 64;

    /** After what time without a request one is forgotten. */
    static final long TTL_NANOS = TimeUnit.HOURS.toNanos(1);

    /** How many places are shared between uploads; one that is opened elsewhere has its own copy. */
    private static final int MOST_PLACES = 256;

    private static final int LEAST_UNSWEPT = 256;
    private static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Ticker ticker;
    private final boolean wholeClients;
    private final long gapNanos;
    private final Consumer<String> warn;
    private final KeyedHash hash = new KeyedHash();
    private final ReentrantLock lock = new ReentrantLock();

    private final Map<KeyedHash.Key, OpenUpload> byName = new ConcurrentHashMap<>();

    /** The first of each client's; the others hang on it. */
    private final Map<KeyedHash.Key, OpenUpload> byClient = new ConcurrentHashMap<>();

    /** Written under the lock, read by requests. */
    private volatile int size;

    @GuardedBy("lock") private final Map<OpenUpload.Place, OpenUpload.Place> places = new HashMap<>();

    @GuardedBy("lock") private int nextId = 1;

    @GuardedBy("lock") private int sweepAt = LEAST_UNSWEPT;

    @GuardedBy("lock") private @Nullable Long sweptNanos;

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

    /** Returns true if nothing is followed, so that a request's path need not be looked up. */
    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    // ---------------------------------------------------------------- requests

    /**
     * Notes that a request comes.
     *
     * @return true if it is admitted whatever the gates say; {@link #isIn} or {@link #isTurnedAway} must follow then
     */
    boolean comes(UploadPart part) {
        UploadPart.Head head = part.head();
        if (size == 0 || !mayBeKnown(head)) {
            return false;
        }
        long now = ticker.nanos();
        lock.lock();
        try {
            boolean admitted = wholeClients && isFollowedClient(head.client(), now);
            for (OpenUpload upload : named(head.names(), head.client())) {
                if (upload.admits(now)) {
                    admitted = true;
                    if (head.kind() != UploadPart.Kind.READS) {
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

    /** Without the lock: nobody who names nothing that is open may make others wait. */
    private boolean mayBeKnown(UploadPart.Head head) {
        String client = head.client();
        if (wholeClients && client != null && byClient.containsKey(hash.of(client))) {
            return true;
        }
        for (UploadPart.Name name : head.names()) {
            if (byName.containsKey(key(name, client))) {
                return true;
            }
        }
        return false;
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
    void isTurnedAway(UploadPart part) {
        lock.lock();
        try {
            entering--;
        } finally {
            lock.unlock();
        }
        ended(part);
    }

    @Override
    public void ended(UploadPart part) {
        UploadPart.Answer answer = part.answer();
        if (size == 0 && (answer == null || !answer.isGood() || !part.opens())) {
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
        if (tooMany) {
            warn.accept("more than " + MOST + " uploads of several requests are open, or more than " + MOST_OF_A_CLIENT
                    + " of one client: a drain does not follow those that came later");
        }
    }

    /** Returns true if an upload was opened for which there is no room. */
    @GuardedBy("lock") private boolean endedLocked(UploadPart part, UploadPart.@Nullable Answer answer, long now) {
        UploadPart.Head head = part.head();
        Set<OpenUpload> known = named(head.names(), head.client());
        for (OpenUpload upload : known) {
            boolean wholeNow = upload.ends(part, now);
            finished += wholeNow ? 1 : 0;
            if (answer != null) {
                follow(upload, part, answer, wholeNow);
            }
        }
        if (answer == null || !answer.isGood() || head.kind() != UploadPart.Kind.WRITES) {
            return false;
        }
        if (part.opens() && known.stream().allMatch(OpenUpload::isAnnouncement)) {
            return open(part, answer, now);
        }
        return false;
    }

    @GuardedBy("lock") private void follow(OpenUpload upload, UploadPart part, UploadPart.Answer answer, boolean whole) {
        UploadPart.Head head = part.head();
        if (isGone(head, answer)) {
            remove(upload);
            return;
        }
        if (answer.isGood() && !whole && head.kind() == UploadPart.Kind.WRITES) {
            answer.locations().forEach(location -> call(upload, key(location, null)));
        }
        String client = answer.client();
        if (client != null && upload.client() != null && !hash.of(client).equals(upload.client())) {
            moveTo(upload, client);
            head.names().stream().filter(UploadPart.Name::ofClient).forEach(name -> call(upload, key(name, client)));
        }
    }

    /** A GET may ask for a chunk that is not there yet. */
    private static boolean isGone(UploadPart.Head head, UploadPart.Answer answer) {
        return switch (head.kind()) {
            case READS -> answer.saysGone() && head.method().equals("HEAD");
            case WRITES -> answer.saysGone();
            case DELETES -> answer.saysGone() || answer.isGood();
        };
    }

    @GuardedBy("lock") private void call(OpenUpload upload, KeyedHash.Key name) {
        if (byName.putIfAbsent(name, upload) == null) {
            KeyedHash.Key oldest = upload.isAlsoCalled(name);
            if (oldest != null) {
                byName.remove(oldest);
            }
        }
    }

    @GuardedBy("lock") private boolean open(UploadPart part, UploadPart.Answer answer, long now) {
        UploadPart.Head head = part.head();
        boolean isLocated = head.locates() && !answer.locations().isEmpty();
        UploadPart.Name name = isLocated ? answer.locations().get(0) : head.opens();
        String client = answer.client() != null ? answer.client() : head.client();
        if (name == null || (head.last() && !answer.incomplete())) {
            return false;
        }
        KeyedHash.Key key = key(name, client);
        OpenUpload same = byName.get(key);
        boolean isNew = same == null;
        if (same == null) {
            if (!hasRoom(client, now)) {
                return true;
            }
            same = new OpenUpload(key, nextId++, place(head), client != null || !name.ofClient(), now);
            byName.put(same, same);
            grow(1);
            if (client != null) {
                hang(same, hash.of(client));
            }
        }
        if (head.locates() && !isLocated) {
            same.isAnnounced(now);
            return false;
        }
        if (isLocated) {
            for (UploadPart.Name other : answer.locations()) {
                call(same, key(other, null));
            }
        }
        boolean whole = same.ends(part, now);
        if (whole && isNew) {
            remove(same); // with its first answer: it did not come in several
        } else if (whole) {
            finished++;
        }
        return false;
    }

    @GuardedBy("lock") private OpenUpload.Place place(UploadPart.Head head) {
        OpenUpload.Place place = new OpenUpload.Place(LogText.bounded(head.method()), LogText.bounded(head.path()));
        OpenUpload.Place shared = places.get(place);
        if (shared != null) {
            return shared;
        }
        if (places.size() < MOST_PLACES) {
            places.put(place, place);
        }
        return place;
    }

    @GuardedBy("lock") private boolean hasRoom(@Nullable String client, long now) {
        if (size >= sweepAt && (sweptNanos == null || now - sweptNanos >= SWEEP_NANOS)) {
            sweptNanos = now;
            List.copyOf(byName.values()).stream()
                    .filter(upload -> upload.isStale(TTL_NANOS, now))
                    .forEach(this::remove);
            sweepAt = Math.max(LEAST_UNSWEPT, Math.min(MOST, 2 * size));
        }
        int ofClient = 0;
        if (client != null) {
            for (OpenUpload each = byClient.get(hash.of(client)); each != null; each = each.nextOfClient) {
                ofClient++;
            }
        }
        return size < MOST && ofClient < MOST_OF_A_CLIENT;
    }

    // ---------------------------------------------------------------- names and clients

    private KeyedHash.Key key(UploadPart.Name name, @Nullable String client) {
        return hash.of(name.ofClient() ? name.text() + '\n' + (client == null ? "" : client) : name.text());
    }

    @GuardedBy("lock") private Set<OpenUpload> named(List<UploadPart.Name> names, @Nullable String client) {
        Set<OpenUpload> found = new LinkedHashSet<>(2);
        for (UploadPart.Name name : names) {
            OpenUpload upload = byName.get(key(name, client));
            if (upload != null) {
                found.add(upload);
            }
        }
        return found;
    }

    @GuardedBy("lock") private boolean isFollowedClient(@Nullable String client, long now) {
        if (client == null) {
            return false;
        }
        for (OpenUpload each = byClient.get(hash.of(client)); each != null; each = each.nextOfClient) {
            if (each.isFollowed(gapNanos, now)) {
                return true;
            }
        }
        return false;
    }

    @GuardedBy("lock") private void hang(OpenUpload upload, KeyedHash.Key client) {
        OpenUpload first = byClient.get(client);
        KeyedHash.Key shared = first == null ? client : first.client();
        upload.belongsTo(shared);
        upload.nextOfClient = first;
        byClient.put(shared == null ? client : shared, upload);
    }

    @GuardedBy("lock") private void unhang(OpenUpload upload) {
        KeyedHash.Key client = upload.client();
        if (client == null) {
            return;
        }
        OpenUpload first = byClient.get(client);
        if (upload.equals(first)) {
            OpenUpload next = upload.nextOfClient;
            if (next == null) {
                byClient.remove(client);
            } else {
                byClient.put(client, next);
            }
        } else {
            for (OpenUpload each = first; each != null; each = each.nextOfClient) {
                if (upload.equals(each.nextOfClient)) {
                    each.nextOfClient = upload.nextOfClient;
                }
            }
        }
        upload.nextOfClient = null;
        upload.belongsTo(null);
    }

    @GuardedBy("lock") private void moveTo(OpenUpload upload, String client) {
        unhang(upload);
        hang(upload, hash.of(client));
    }

    @GuardedBy("lock") private void remove(OpenUpload upload) {
        if (byName.remove(upload) == null) {
            return;
        }
        upload.otherNames().forEach(byName::remove);
        unhang(upload);
        grow(-1);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // under the lock
    @GuardedBy("lock") private void grow(int by) {
        size += by;
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
            for (OpenUpload upload : all()) {
                idle += upload.drainBegins(gapNanos, now) ? 1 : 0;
            }
            return idle;
        } finally {
            lock.unlock();
        }
    }

    /** Gives up what has been waited for in vain, and says what is waited for still. */
    Look look(long now, Instant instant) {
        if (size == 0) {
            return new Look(0, List.of());
        }
        lock.lock();
        try {
            List<ActiveUpload> given = new ArrayList<>(0);
            long nanos = entering > 0 ? Long.MAX_VALUE : 0;
            for (OpenUpload upload : all()) {
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
        lock.lock();
        try {
            List<ActiveUpload> given = new ArrayList<>(0);
            for (OpenUpload upload : all()) {
                ActiveUpload asItStands = upload.snapshot(now, instant);
                if (upload.cut(gapNanos, now)) {
                    given.add(asItStands);
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
            all().forEach(upload -> upload.readopt(now));
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
        if (size == 0) {
            return List.of();
        }
        lock.lock();
        try {
            List<ActiveUpload> shown = new ArrayList<>();
            for (OpenUpload upload : all()) {
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

    @GuardedBy("lock") private List<OpenUpload> all() {
        List<OpenUpload> all = new ArrayList<>(size);
        byName.forEach((name, upload) -> {
            if (name.equals(upload)) { // once, although it may have other names
                all.add(upload);
            }
        });
        return all;
    }
}
