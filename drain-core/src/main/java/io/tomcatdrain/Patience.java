package io.tomcatdrain;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls what is others' and may fail or hang, for threads that must go on whatever it does: those of requests, and those of a stop.
 * Thread-safe. Public for the drain's own adapters; an application has no use for it.
 *
 * <p>A log's handler is the site's own: it may wait for a full disk, a mail server or a collector that does not answer. So are the
 * listeners that an MBean server calls on the thread that takes an MBean out, and the meters of a registry.
 *
 * @since 1.0
 */
public final class Patience {
    /** How long a caller waits, so that the calls of one thread keep their order where all is well. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** How many calls may be under way at once, each with a thread; what comes beyond them is not done. */
    private static final int MOST = 16;

    /** The name of the threads that call. */
    static final String THREAD = "drain-call";

    private static final AtomicInteger UNDER_WAY = new AtomicInteger();

    /** Calls whose caller has lost its patience. */
    private static final AtomicInteger HANGING = new AtomicInteger();

    private Patience() {}

    /**
     * Runs it on a thread of its own and waits for its end: at most two seconds, and not at all while another call hangs. Never throws;
     * what the call throws is lost. An interrupt stays, and does not end the wait.
     */
    public static void call(Runnable others) {
        if (UNDER_WAY.incrementAndGet() > MOST) {
            UNDER_WAY.decrementAndGet();
            return;
        }
        Call begun = new Call(others);
        try {
            ThreadStarter.DAEMONS.start(THREAD, begun);
        } catch (Throwable noThread) {
            begun.run(); // which may hang; but why there is no thread must be said
            return;
        }
        begun.await();
    }

    /** One call, and whether it is over. */
    private static final class Call implements Runnable {
        private final Runnable body;
        private final CountDownLatch over = new CountDownLatch(1);

        /** Guarded by this: true once the caller waits no longer. */
        private boolean hangs;

        Call(Runnable body) {
            this.body = body;
        }

        @Override
        public void run() {
            try {
                body.run();
            } catch (Throwable unheard) {
                // there is nothing left to tell it to
            } finally {
                over.countDown();
                UNDER_WAY.decrementAndGet();
                noLongerHangs();
            }
        }

        private synchronized void noLongerHangs() {
            if (hangs) {
                HANGING.decrementAndGet();
            }
        }

        private synchronized void mayHang() {
            if (over.getCount() > 0) {
                hangs = true;
                HANGING.incrementAndGet();
            }
        }

        void await() {
            boolean interrupted = false;
            long until = System.nanoTime() + (HANGING.get() > 0 ? 0 : PATIENCE_NANOS);
            try {
                while (true) {
                    try {
                        if (!over.await(until - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                            mayHang();
                        }
                        return;
                    } catch (InterruptedException later) {
                        interrupted = true;
                    }
                }
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }
}
