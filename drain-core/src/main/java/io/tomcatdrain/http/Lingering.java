package io.tomcatdrain.http;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the thread of a refused request for a moment behind its answer, so that the answer reaches the client although the request's
 * body is never read. Thread-safe.
 */
final class Lingering {
    /*
     * On HTTP/2 Tomcat resets the stream right behind an answer to an unread body, and the reset overtakes the answer in many
     * clients (24 of 30 failed without a pause, 1 of 8 under load after 50 ms, 0 of 30 after 200 ms). So the request's thread
     * lingers between the two. On HTTP/1.1 it closes the connection behind the answer when it has discarded maxSwallowSize, which
     * resets it: a client that is just sending may see the broken pipe first (1 of some thousand curls). At most MOST linger at
     * once: the rest must not keep the threads of requests that are served. One more takes the place of the one that has lingered
     * longest among those of the address that has most, so that nobody's crowd takes the places of others.
     */
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int MOST = 32;

    private final long nanos;
    private final int most;
    private final ReentrantLock lock = new ReentrantLock();

    /** Those that linger, the longest first. Guarded by the lock. */
    private final List<Place> places = new ArrayList<>();

    private static final class Place {
        private final String address;
        private final Thread thread = Thread.currentThread();
        private volatile boolean isTaken;

        Place(String address) {
            this.address = address;
        }
    }

    Lingering() {
        this(NANOS, MOST);
    }

    Lingering(long nanos, int most) {
        this.nanos = nanos;
        this.most = most;
    }

    /**
     * Waits for that moment, behind an answer that was finished; less where another takes the place, or if the thread is interrupted.
     *
     * @param address the client's; null, of a connection that is gone, is an address like any other
     */
    void linger(@Nullable String address) {
        Place place = take(String.valueOf(address));
        try {
            long until = System.nanoTime() + nanos;
            for (long left = nanos; left > 0 && !place.isTaken; left = until - System.nanoTime()) {
                LockSupport.parkNanos(this, left);
                if (Thread.currentThread().isInterrupted()) {
                    return; // the server wants its thread back
                }
            }
        } finally {
            leave(place);
        }
    }

    private Place take(String address) {
        lock.lock();
        try {
            Place place = new Place(address);
            places.add(place);
            if (places.size() > most) {
                Place longest = longestOfTheLargestCrowd();
                places.remove(longest);
                longest.isTaken = true;
                LockSupport.unpark(longest.thread);
            }
            return place;
        } finally {
            lock.unlock();
        }
    }

    private Place longestOfTheLargestCrowd() {
        Place found = places.get(0);
        int largest = 0;
        for (Place place : places) {
            int crowd = 0;
            for (Place other : places) {
                crowd += other.address.equals(place.address) ? 1 : 0;
            }
            if (crowd > largest) { // the first of a crowd is its longest
                largest = crowd;
                found = place;
            }
        }
        return found;
    }

    private void leave(Place place) {
        lock.lock();
        try {
            places.remove(place);
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many linger. */
    int size() {
        lock.lock();
        try {
            return places.size();
        } finally {
            lock.unlock();
        }
    }
}
