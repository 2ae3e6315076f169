package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A drain on a machine that has no room for another thread, for good or for a while. */
@Timeout(300)
class DrainWithoutThreadsTest {
    private static final AtomicInteger DRAINS = new AtomicInteger();

    private final String name = "threadless-" + DRAINS.incrementAndGet();
    private final ScarceThreads threads = ScarceThreads.none();
    private final AtomicLong nanos = new AtomicLong();
    private final ExecutorService stopping = Executors.newSingleThreadExecutor();

    @AfterEach
    void end() {
        CapturedLog.keepOffTheConsole();
        threads.becomeAvailable();
        stopping.shutdownNow();
    }

    private NodeDrain drain(Ticker ticker, String lameDuck, String uploadTimeout) {
        CapturedLog.keepOffTheConsole();
        return new NodeDrain(
                name,
                DrainSettings.of(Map.of("lameDuck", lameDuck, "uploadTimeout", uploadTimeout)),
                "",
                new DrainEnvironment(ticker, InstantSource.system(), true, threads));
    }

    // ---------------------------------------------------------------- stops

    @Test
    void aStopDrainsAllTheSame() throws Exception {
        NodeDrain drain = drain(System::nanoTime, "30ms", "10m");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.startForStop("SIGTERM", true);
        Future<Boolean> stop = stopping.submit(drain::awaitStop);
        await().until(() -> drain.state() == DRAINING); // which takes no step
        upload.close();

        assertThat(stop.get(30, TimeUnit.SECONDS)).isTrue();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(threads.started()).isEmpty();
    }

    @Test
    void aStopThatNothingWakesKeepsItsLimits() throws Exception {
        NodeDrain drain = drain(System::nanoTime, "20ms", "50ms");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("SIGTERM", true);

        assertThat(drain.awaitStop()).isTrue();
        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(threads.started()).isEmpty();
    }

    // ---------------------------------------------------------------- looks

    /** A call of a thread that wants to know something. */
    private interface Look {
        void at(NodeDrain drain) throws Exception;
    }

    static Stream<Named<Look>> looks() {
        return Stream.of(
                Named.of(
                        "a poll", drain -> drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false))),
                Named.of("a status", NodeDrain::status),
                Named.of("a summary", NodeDrain::summary),
                Named.of("a wait", drain -> drain.awaitOver(Duration.ZERO)),
                Named.of("a command", drain -> drain.start("again")));
    }

    @ParameterizedTest
    @MethodSource("looks")
    void whoLooksTakesTheStepsThatAreDue(Look look) throws Exception {
        NodeDrain drain = drain(nanos::get, "5s", "10m");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        look.at(drain);
        assertThat(drain.state()).isEqualTo(LAME_DUCK);

        nanos.addAndGet(TimeUnit.SECONDS.toNanos(5));
        look.at(drain);
        assertThat(drain.state()).isEqualTo(DRAINING);
        nanos.addAndGet(TimeUnit.MINUTES.toNanos(10));
        look.at(drain);

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(threads.started()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("looks")
    void whoLooksOnceThereIsRoomMakesTheThreadThatGoesOnByItself(Look look) throws Exception {
        NodeDrain drain = drain(nanos::get, "off", "10m");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        assertThat(threads.started()).isEmpty();

        threads.becomeAvailable();
        look.at(drain);
        assertThat(threads.started()).contains("drain-" + name);
        upload.close();

        await().until(() -> drain.state() == DRAINED);
    }

    @Test
    void theObstacleIsLoggedOnceAndNotForEachLook() throws Exception {
        try (CapturedLog log = new CapturedLog(Drain.class.getName(), line -> line.contains(name))) {
            NodeDrain drain = drain(nanos::get, "off", "10m");
            drain.enterUpload(TestUpload.unseen());
            drain.start("upgrade");
            for (int i = 0; i < 100; i++) {
                drain.status();
            }

            assertThat(log.lines())
                    .filteredOn(line -> line.contains("no thread can be made"))
                    .hasSize(1);
        }
    }

    // ---------------------------------------------------------------- log, listeners, stages

    @ParameterizedTest
    @MethodSource("looks")
    void whatCouldNotBeToldIsToldOnceThereIsRoom(Look look) throws Exception {
        try (CapturedLog log = new CapturedLog(Drain.class.getName(), line -> line.contains(name))) {
            NodeDrain drain = drain(nanos::get, "off", "10m");
            Changes changes = Changes.of(drain);
            Set<Thread> told = ConcurrentHashMap.newKeySet();
            drain.onStateChange((before, after) -> told.add(Thread.currentThread()));
            CountDownLatch stage = new CountDownLatch(1);
            Ticket request = drain.enterRequest();
            CompletableFuture<DrainReport> outcome = drain.start("upgrade");
            CompletableFuture<Void> hangsOnIt = outcome.thenRun(() -> {
                told.add(Thread.currentThread());
                stage.countDown();
            });
            request.close();
            drain.status();
            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(outcome.isDone()).isTrue();
            assertThat(drain.awaitListeners(Duration.ofMillis(1))).isFalse();
            assertThat(told).as("nobody is told on the thread that commands").isEmpty();
            assertThat(hangsOnIt).isNotDone();

            threads.becomeAvailable();
            look.at(drain);

            assertThat(stage.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(changes.all())
                    .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> DRAINED");
            assertThat(log.lines()).filteredOn(line -> line.contains(" -> ")).hasSize(3);
            Set<Thread> others = new HashSet<>(told);
            assertThat(others).isNotEmpty().doesNotContain(Thread.currentThread());
        }
    }
}
