package io.tomcatdrain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Finds open uploads by their names and by their clients, of which it keeps keyed hashes only. Bounded. Guarded by the lock of {@link
 * OpenUploads}, but for {@link #size} and {@link #mayKnow}, which any thread may ask.
 */
final class UploadIndex {
    /** How many there are at most. */
    static final int MOST = 10_000;

    /** How many of one client there are. */
    static final int MOST_OF_A_CLIENT = 64;

    /** After what time without a request one is forgotten. */
    static final long TTL_NANOS = TimeUnit.HOURS.toNanos(1);

    /** How many places are shared between uploads; one that is opened elsewhere has its own copy. */
    private static final int MOST_PLACES = 256;

    private static final int LEAST_UNSWEPT = 256;
    private static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final KeyedHash hash = new KeyedHash();
    private final Map<KeyedHash.Key, OpenUpload> byName = new ConcurrentHashMap<>();

    /** The first of each client's; the others hang on it. */
    private final Map<KeyedHash.Key, OpenUpload> byClient = new ConcurrentHashMap<>();

    private final Map<OpenUpload.Place, OpenUpload.Place> places = new HashMap<>();
    private volatile int size;
    private int nextId = 1;
    private int sweepAt = LEAST_UNSWEPT;
    private @Nullable Long sweptNanos;

    /** Returns how many there are; needs no lock. */
    int size() {
        return size;
    }

    /** Returns false if there is certainly none of these names, or of that client where that counts; needs no lock. */
    boolean mayKnow(List<Ticket.Part.Name> names, @Nullable String client, boolean byClientToo) {
        if (byClientToo && client != null && byClient.containsKey(hash.of(client))) {
            return true;
        }
        for (Ticket.Part.Name name : names) {
            if (byName.containsKey(key(name, client))) {
                return true;
            }
        }
        return false;
    }

    private KeyedHash.Key key(Ticket.Part.Name name, @Nullable String client) {
        return hash.of(name.ofClient() ? name.text() + '\n' + (client == null ? "" : client) : name.text());
    }

    /** Returns those that have one of the names. */
    Set<OpenUpload> named(List<Ticket.Part.Name> names, @Nullable String client) {
        Set<OpenUpload> found = new LinkedHashSet<>(2);
        for (Ticket.Part.Name name : names) {
            OpenUpload upload = byName.get(key(name, client));
            if (upload != null) {
                found.add(upload);
            }
        }
        return found;
    }

    /** Returns the first upload of a client, on which the others hang; null if it has none. */
    @Nullable OpenUpload firstOf(String client) {
        return byClient.get(hash.of(client));
    }

    /** Returns all, each once. */
    List<OpenUpload> all() {
        List<OpenUpload> all = new ArrayList<>(size);
        byName.forEach((name, upload) -> {
            if (name.equals(upload)) { // it may have other names
                all.add(upload);
            }
        });
        return all;
    }

    /** Returns a new upload of that name; null if there is no room. */
    @Nullable OpenUpload add(Ticket.Part.Name name, Ticket.Part.Head head, @Nullable String client, long now) {
        if (!hasRoom(client, now)) {
            return null;
        }
        OpenUpload made =
                new OpenUpload(key(name, client), nextId++, place(head), client != null || !name.ofClient(), now);
        byName.put(made, made);
        grow(1);
        if (client != null) {
            hang(made, hash.of(client));
        }
        return made;
    }

    private boolean hasRoom(@Nullable String client, long now) {
        if (size >= sweepAt && (sweptNanos == null || now - sweptNanos >= SWEEP_NANOS)) {
            sweptNanos = now;
            all().stream().filter(upload -> upload.isStale(TTL_NANOS, now)).forEach(this::remove);
            sweepAt = Math.max(LEAST_UNSWEPT, Math.min(MOST, 2 * size));
        }
        int ofClient = 0;
        if (client != null) {
            for (OpenUpload each = firstOf(client); each != null; each = each.nextOfClient) {
                ofClient++;
            }
        }
        return size < MOST && ofClient < MOST_OF_A_CLIENT;
    }

    private OpenUpload.Place place(Ticket.Part.Head head) {
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

    /** Gives an upload a further name, unless another one has it. */
    void call(OpenUpload upload, Ticket.Part.Name name, @Nullable String client) {
        KeyedHash.Key key = key(name, client);
        if (byName.putIfAbsent(key, upload) == null) {
            KeyedHash.Key oldest = upload.isAlsoCalled(key);
            if (oldest != null) {
                byName.remove(oldest);
            }
        }
    }

    /** Notes which client has the upload now; returns true if it was another one's. */
    boolean moveTo(OpenUpload upload, String client) {
        KeyedHash.Key before = upload.client();
        KeyedHash.Key after = hash.of(client);
        if (before == null || before.equals(after)) {
            return false;
        }
        unhang(upload);
        hang(upload, after);
        return true;
    }

    void remove(OpenUpload upload) {
        if (byName.remove(upload) != null) {
            upload.otherNames().forEach(byName::remove);
            unhang(upload);
            grow(-1);
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // under the lock
    private void grow(int by) {
        size += by;
    }

    private void hang(OpenUpload upload, KeyedHash.Key client) {
        OpenUpload first = byClient.get(client);
        KeyedHash.Key shared = first == null ? null : first.client();
        upload.belongsTo(shared == null ? client : shared);
        upload.nextOfClient = first;
        byClient.put(client, upload);
    }

    private void unhang(OpenUpload upload) {
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
}
