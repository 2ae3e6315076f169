package io.tomcatdrain.http;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

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
     * once: the rest must not keep the threads of requests that are served.
     */
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int MOST = 32;

    private final Semaphore places = new Semaphore(MOST);

    /** Waits for that moment, behind an answer that was finished; not at all where many do already, or if the thread is interrupted. */
    void linger() {
        if (!places.tryAcquire()) {
            return;
        }
        try {
            long until = System.nanoTime() + NANOS;
            for (long left = NANOS; left > 0; left = until - System.nanoTime()) {
                LockSupport.parkNanos(this, left);
                if (Thread.currentThread().isInterrupted()) {
                    return; // the server wants its thread back
                }
            }
        } finally {
            places.release();
        }
    }
}
