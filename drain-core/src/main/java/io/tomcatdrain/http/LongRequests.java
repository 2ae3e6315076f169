package io.tomcatdrain.http;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one kind that stay for a while, each on its own thread: a bounded number of them, woken together, ended together.
 * Thread-safe.
 */
final class LongRequests {
    /** How many stay at once at most. */
    static final int MOST = 16;

    private final Semaphore places = new Semaphore(MOST);
    private final Set<Stay> stays = ConcurrentHashMap.newKeySet();
    private volatile boolean ending;

    /** One request that stays, from {@link #enter} until it is closed. */
    final class Stay implements AutoCloseable {
        /** News that this request has not looked at; a count, so that a slow one piles up nothing. */
        private final Semaphore news = new Semaphore(0);

        /** Waits until there is news, and takes all of it; returns false if the time passed without any. */
        boolean awaitNews(long nanos) throws InterruptedException {
            boolean came = news.tryAcquire(Math.max(0, nanos), TimeUnit.NANOSECONDS);
            news.drainPermits();
            return came;
        }

        /** Returns true once this request should come to its end; there is news when that changes. */
        boolean isEnding() {
            return ending;
        }

        @Override
        public void close() {
            stays.remove(this);
            places.release();
        }
    }

    /** Takes a place; returns null if there is none. */
    @Nullable Stay enter() {
        if (!places.tryAcquire()) {
            return null;
        }
        Stay stay = new Stay();
        stays.add(stay);
        return stay;
    }

    /** Tells all that there is news. */
    void wake() {
        stays.forEach(stay -> stay.news.release());
    }

    /** Asks all that stay, and those that come later, to end. */
    void end() {
        ending = true;
        wake();
    }

    /** Waits until no request stays; returns false if that took longer. */
    boolean awaitNobody(long nanos) throws InterruptedException {
        if (!places.tryAcquire(MOST, Math.max(0, nanos), TimeUnit.NANOSECONDS)) {
            return false;
        }
        places.release(MOST);
        return true;
    }
}
