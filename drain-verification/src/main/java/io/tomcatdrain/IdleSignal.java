package io.tomcatdrain;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Measures how long after the end of the last request a thread that waits for it knows: a drain with its own thread beside the two polls that
 * are usual with Tomcat. The request ends at a random moment of the polls' period.
 */
public final class IdleSignal {
    private static final long PERIOD_MILLIS = 50;

    private IdleSignal() {}

    /** Prints a line for each, after a few drains to warm up. */
    public static void main(String[] args) throws Exception {
        int drains = args.length == 0 ? 50 : Integer.parseInt(args[0]);
        System.out.println("milliseconds from the end of the last request to its waiter, drains [" + drains + "]");
        print("Drain", micros(Drained::new, drains));
        print("Tomcat gracefulStopAwaitMillis", micros(TomcatPoll::new, drains));
        print("Spring Boot GracefulShutdown", micros(SpringBootPoll::new, drains));
    }

    private static void print(String name, long[] micros) {
        System.out.printf(
                Locale.ROOT,
                "%-32s median %7.3f  90 %% %7.3f  longest %7.3f%n",
                name,
                micros[micros.length / 2] / 1e3,
                micros[micros.length * 9 / 10] / 1e3,
                micros[micros.length - 1] / 1e3);
    }

    /** One node with one request inside. */
    private interface Node {
        void requestEnds();

        /** Returns when nothing is in flight. */
        void awaitIdle() throws InterruptedException;
    }

    private interface NodeFactory {
        Node make();
    }

    /** Returns the latencies in microseconds, sorted. */
    private static long[] micros(NodeFactory nodes, int drains) throws InterruptedException {
        long[] micros = new long[drains];
        for (int i = 0; i < drains / 5; i++) {
            measure(nodes.make());
        }
        for (int i = 0; i < drains; i++) {
            micros[i] = TimeUnit.NANOSECONDS.toMicros(measure(nodes.make()));
        }
        Arrays.sort(micros);
        return micros;
    }

    private static long measure(Node node) throws InterruptedException {
        CountDownLatch waiting = new CountDownLatch(1);
        AtomicLong knownNanos = new AtomicLong();
        Thread waiter = new Thread(() -> {
            waiting.countDown();
            try {
                node.awaitIdle();
                knownNanos.set(System.nanoTime());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        waiter.start();
        waiting.await();
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(
                ThreadLocalRandom.current().nextLong(PERIOD_MILLIS * 1000, 2 * PERIOD_MILLIS * 1000)));
        long endedNanos = System.nanoTime();
        node.requestEnds();
        waiter.join();
        return knownNanos.get() - endedNanos;
    }

    /** Ours: the last close wakes the drain's thread, which wakes the waiter. */
    private static final class Drained implements Node {
        private final NodeDrain drain =
                new NodeDrain("idle-signal", DrainSettings.defaults().with("lameDuck", "off"));
        private final Ticket request;

        Drained() {
            Ticket admitted = drain.enterRequest();
            if (admitted == null) {
                throw new IllegalStateException("refused while serving");
            }
            request = admitted;
            drain.startForStop("measurement", true);
        }

        @Override
        public void requestEnds() {
            request.close();
        }

        @Override
        public void awaitIdle() throws InterruptedException {
            drain.awaitDrained(Duration.ofMinutes(1));
        }
    }

    /** As {@code AbstractEndpoint.awaitConnectionsClose} of Tomcat 10.1 and 11: looks for open connections every 50 ms. */
    private static final class TomcatPoll extends Counted {
        @Override
        public void awaitIdle() throws InterruptedException {
            for (long left = TimeUnit.MINUTES.toMillis(1); left > 0 && isActive(); left -= PERIOD_MILLIS) {
                Thread.sleep(PERIOD_MILLIS);
            }
        }
    }

    /** As {@code GracefulShutdown.awaitInactiveOrAborted} of Spring Boot 4: looks for allocated servlets every 50 ms. */
    private static final class SpringBootPoll extends Counted {
        private volatile boolean aborted;

        @Override
        public void awaitIdle() throws InterruptedException {
            while (!aborted && isActive()) {
                Thread.sleep(PERIOD_MILLIS);
            }
        }
    }

    private abstract static class Counted implements Node {
        private final AtomicLong inside = new AtomicLong(1);

        @Override
        public void requestEnds() {
            inside.decrementAndGet();
        }

        final boolean isActive() {
            return inside.get() > 0;
        }
    }
}
