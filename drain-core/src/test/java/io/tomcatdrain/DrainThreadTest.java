package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A drain with its own thread, in real time. */
@Timeout(240)
class DrainThreadTest {
    private static final DrainLimits NOW = new DrainLimits(Duration.ZERO, null);

    private static final AtomicInteger DRAINS = new AtomicInteger();

    /** Named apart, so that the thread of an earlier test that is just ending is not taken for its own. */
    private final NodeDrain drain = new NodeDrain(
            "real-" + DRAINS.incrementAndGet(), DrainSettings.defaults().with("lameDuck", "off"));

    @BeforeEach
    void quiet() {
        CapturedLog.keepOffTheConsole();
    }

    private static List<Thread> threadsOf(NodeDrain drain) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("drain-" + drain.name()))
                .toList();
    }

    private static void awaitNoThread(NodeDrain drain) {
        await().atMost(30, TimeUnit.SECONDS)
                .untilAsserted(() -> assertThat(threadsOf(drain)).isEmpty());
    }

    @Test
    void aServingNodeHasNoThreadAndADrainingOneHasOne() throws Exception {
        Ticket request = drain.enterRequest();
        assertThat(threadsOf(drain)).isEmpty();

        drain.start("upgrade");
        drain.start("me too");
        assertThat(threadsOf(drain)).singleElement().satisfies(thread -> {
            assertThat(thread.isDaemon()).isTrue();
            assertThat(thread.getContextClassLoader()).isSameAs(Drain.class.getClassLoader());
        });
        request.close();

        assertThat(drain.awaitDrained(Duration.ofMillis(30_000))).isTrue();
        awaitNoThread(drain);
    }

    @Test
    void aNodeThatIsDrainedAtOnceNeedsNoThread() {
        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(threadsOf(drain)).isEmpty();
    }

    @Test
    void theLastHolderWakesTheDrainWithoutAnybodyPolling() throws Exception {
        // A drain that looked once a second would need more time for all of these than this class has.
        for (int i = 0; i < 300; i++) {
            Ticket last = i % 3 == 0 ? drain.enterUpload(TestUpload.unseen()) : drain.enterRequest();
            Hold hold = i % 3 == 1 ? drain.hold("import") : null;
            drain.start("cycle " + i);
            last.close();
            if (hold != null) {
                hold.close();
            }
            assertThat(drain.awaitDrained(Duration.ofMillis(30_000))).isTrue();
            drain.resume();
        }
    }

    @Test
    void theProberThatEverybodyWaitsForWakesTheDrain() throws Exception {
        AtomicLong nanos = new AtomicLong();
        long hour = TimeUnit.HOURS.toNanos(1);
        NodeDrain probed = new NodeDrain(
                "probed",
                DrainSettings.defaults().with("lameDuckTimeout", "10h").with("probeFailures", "1"),
                "",
                new DrainEnvironment(nanos::get, InstantSource.system(), true));
        probed.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        nanos.addAndGet(hour);
        probed.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        probed.start("upgrade");
        // By its own reckoning the drain would now sleep for three hours.
        Thread walker = threadsOf(probed).get(0);
        await().atMost(30, TimeUnit.SECONDS).until(() -> walker.getState() == Thread.State.TIMED_WAITING);

        nanos.addAndGet(hour);
        probed.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
        probed.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));

        assertThat(probed.awaitDrained(Duration.ofMillis(30_000))).isTrue();
    }

    @Test
    void resumingEndsTheThread() {
        drain.enterRequest();
        drain.start("upgrade");
        drain.resume();

        awaitNoThread(drain);
        assertThat(drain.state()).isEqualTo(SERVING);
    }

    @Test
    void closingEndsTheThread() throws Exception {
        drain.enterRequest();
        drain.enterUpload(TestUpload.unseen());
        drain.hold("import");
        drain.start("upgrade");
        drain.close();

        assertThat(drain.awaitOver(Duration.ofMillis(30_000))).isTrue();
        awaitNoThread(drain);
    }

    @Test
    void aThreadStaysWhileADrainedNodeMayStillResumeByItself() throws Exception {
        drain.start("upgrade", new DrainLimits(null, Duration.ofHours(1)));
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(threadsOf(drain)).hasSize(1);
        drain.start("upgrade", new DrainLimits(null, Duration.ofMillis(1)));

        await().atMost(30, TimeUnit.SECONDS).until(() -> drain.state() == SERVING);
        awaitNoThread(drain);
    }

    @Test
    void interruptingTheThreadEndsNothing() throws Exception {
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        Thread walker = threadsOf(drain).get(0);
        walker.interrupt();
        await().atMost(30, TimeUnit.SECONDS).until(() -> !walker.isInterrupted());
        assertThat(drain.state()).isEqualTo(DRAINING);
        request.close();

        assertThat(drain.awaitDrained(Duration.ofMillis(30_000))).isTrue();
    }

    @Test
    void commandsFromManyThreadsNeverMakeTwoThreads() throws Exception {
        Ticket held = drain.enterRequest();
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                running.add(pool.submit(() -> {
                    for (int i = 0; i < 200; i++) {
                        if (ThreadLocalRandom.current().nextBoolean()) {
                            drain.start("again");
                        } else {
                            drain.resume();
                        }
                    }
                }));
            }
            for (Future<?> each : running) {
                each.get(60, TimeUnit.SECONDS);
            }
        } finally {
            pool.shutdownNow();
        }
        // One that has just been told to end may not have ended yet when its successor starts.
        drain.start("once more");
        await().atMost(30, TimeUnit.SECONDS)
                .untilAsserted(() -> assertThat(threadsOf(drain)).hasSize(1));
        held.close();
        assertThat(drain.awaitDrained(Duration.ofMillis(30_000))).isTrue();
        awaitNoThread(drain);
    }

    @Test
    void aFaultThatCannotEvenBeLoggedDoesNotEndTheThread() throws Exception {
        boolean[] broken = {false};
        CountDownLatch failed = new CountDownLatch(1);
        NodeDrain faulty = new NodeDrain(
                "faulty",
                DrainSettings.defaults().with("lameDuck", "off"),
                "",
                new DrainEnvironment(
                        () -> {
                            if (broken[0] && Thread.currentThread().getName().equals("drain-faulty")) {
                                broken[0] = false;
                                throw new IllegalStateException("for this test");
                            }
                            return System.nanoTime();
                        },
                        InstantSource.system(),
                        true));
        Handler failing = new Handler() {
            @Override
            public void publish(LogRecord line) {
                if (line.getThrown() != null) {
                    failed.countDown();
                    throw new IllegalStateException("the disk is full");
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger("io.tomcatdrain.Drain");
        logger.addHandler(failing);
        try {
            Ticket request = faulty.enterRequest();
            broken[0] = true;
            faulty.start("upgrade");
            assertThat(failed.await(30, TimeUnit.SECONDS)).isTrue();
            request.close();

            assertThat(faulty.awaitDrained(Duration.ofMillis(30_000))).isTrue();
        } finally {
            logger.removeHandler(failing);
        }
    }

    @Test
    void everyRaceOfTheLastOneWithDeadlineAndResumeEndsInExactlyOneOutcome() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(3);
        try {
            for (int round = 0; round < 300; round++) {
                race(pool);
            }
        } finally {
            pool.shutdownNow();
        }
        awaitNoThread(drain);
    }

    private void race(ExecutorService pool) throws Exception {
        try (Changes changes = Changes.of(drain)) {
            Ticket request = drain.enterRequest();
            Ticket upload = drain.enterUpload(TestUpload.unseen());
            CompletableFuture<DrainReport> outcome = drain.start("round");
            CountDownLatch go = new CountDownLatch(1);
            List<Future<?>> racers = List.of(
                    pool.submit(() -> {
                        go.await();
                        request.close();
                        upload.close();
                        return null;
                    }),
                    pool.submit(() -> {
                        go.await();
                        drain.start("now", NOW);
                        return null;
                    }),
                    pool.submit(() -> {
                        go.await();
                        drain.resume();
                        return null;
                    }));
            go.countDown();
            for (Future<?> racer : racers) {
                racer.get(30, TimeUnit.SECONDS);
            }
            DrainReport report = outcome.get(30, TimeUnit.SECONDS);
            drain.resume();

            List<String> all = changes.all();
            assertLegal(all);
            String end = report.outcome() == DrainReport.Outcome.RESUMED
                    ? "SERVING"
                    : report.outcome().name();
            assertThat(all.get(2)).as("the end of the first drain").isEqualTo("DRAINING -> " + end);
            if (report.outcome() == DrainReport.Outcome.DRAINED) {
                assertThat(report.abandoned()).isEmpty();
                assertThat(report.finished()).isEqualTo(2);
            }
            assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
        }
    }

    /** Each change begins where the one before ended, along an edge of the state machine. */
    private static void assertLegal(List<String> changes) {
        List<String> edges = List.of(
                "SERVING -> LAME_DUCK",
                "LAME_DUCK -> DRAINING",
                "DRAINING -> DRAINED",
                "DRAINING -> EXPIRED",
                "LAME_DUCK -> SERVING",
                "DRAINING -> SERVING",
                "DRAINED -> SERVING",
                "EXPIRED -> SERVING");
        assertThat(edges).containsAll(changes);
        String at = "SERVING";
        for (String change : changes) {
            assertThat(change).startsWith(at + " -> ");
            at = change.substring(change.indexOf("> ") + 2);
        }
        assertThat(at).isEqualTo("SERVING");
    }
}
