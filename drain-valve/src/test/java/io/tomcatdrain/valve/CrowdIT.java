package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.Scenario;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** All ways in which a request can end, side by side and again and again, leave nothing in flight. */
class CrowdIT {
    private static final int THREADS = 6;
    private static final int ROUNDS = 4;
    private static final int DRAINS = 4;

    @Test
    void crowdLeavesNothing() throws Exception {
        try (TestServer server =
                Scenario.prepare(TestServer.with(TestServer.Position.ENGINE)).start()) {
            play(server, ROUNDS);
            leavesNothing(server);
            DrainStatus.Totals totals = server.drain().status().totals();
            assertThat(totals.refused()).isZero();
            assertThat(totals.uploadsCompleted() + totals.uploadsFailed())
                    .isEqualTo((long) THREADS * ROUNDS * uploads());
            assertThat(totals.requestsCompleted()).isEqualTo((long) THREADS * ROUNDS * requests());
        }
    }

    /** Requests come at any moment of a drain, and at any moment of its undoing. */
    @Test
    void crowdLeavesNothingWhileDrainsComeAndGo() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger drained = new AtomicInteger();
        ExecutorService operator = Executors.newSingleThreadExecutor();
        try (TestServer server =
                Scenario.prepare(TestServer.with(TestServer.Position.ENGINE)).start()) {
            Future<?> drains = operator.submit(() -> {
                while (!over.get()) {
                    DrainReport report = server.drain().start("crowd").get(1, TimeUnit.MINUTES);
                    assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
                    DrainStatus status = server.drain().status();
                    assertThat(status.state()).isEqualTo(DrainState.DRAINED);
                    assertThat(status.inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
                    server.drain().resume();
                    drained.incrementAndGet();
                    long served = requestsCompleted(server);
                    await().until(() -> over.get() || requestsCompleted(server) > served);
                }
                return null;
            });
            do {
                play(server, ROUNDS);
            } while ((drained.get() < DRAINS || refused(server) == 0) && !drains.isDone());
            over.set(true);
            drains.get(1, TimeUnit.MINUTES);
            leavesNothing(server);
            assertThat(refused(server)).isPositive();
            assertThat(server.drain().status().totals().uploadsCompleted()).isPositive();
        } finally {
            over.set(true);
            operator.shutdownNow();
        }
    }

    private static long requestsCompleted(TestServer server) {
        return server.drain().status().totals().requestsCompleted();
    }

    private static long refused(TestServer server) {
        return server.drain().status().totals().refused();
    }

    private static long uploads() {
        return Scenario.all().stream()
                .mapToLong(row -> row.uploadsCompleted(TestServer.Position.ENGINE)
                        + row.uploadsFailed(TestServer.Position.ENGINE))
                .sum();
    }

    private static long requests() {
        return Scenario.all().stream()
                .mapToLong(row -> row.requests(TestServer.Position.ENGINE))
                .sum();
    }

    /** Every thread plays every scenario once a round, in an order of its own. */
    private static void play(TestServer server, int rounds) throws Exception {
        ExecutorService crowd = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<?>> players = new ArrayList<>();
            for (int player = 0; player < THREADS; player++) {
                Random random = new Random(player);
                players.add(crowd.submit(() -> {
                    for (int round = 0; round < rounds; round++) {
                        List<Scenario> rows = new ArrayList<>(Scenario.all());
                        Collections.shuffle(rows, random);
                        for (Scenario row : rows) {
                            try {
                                row.play(server);
                            } catch (java.io.IOException refused) {
                                // A connection that the server has ended; what counts is what stays behind.
                            }
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> player : players) {
                player.get(120, TimeUnit.SECONDS);
            }
        } finally {
            crowd.shutdownNow();
        }
    }

    private static void leavesNothing(TestServer server) throws Exception {
        await().untilAsserted(() ->
                assertThat(server.drain().status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0)));
        assertThat(server.drain().start("test").get(1, TimeUnit.MINUTES).outcome())
                .isEqualTo(DrainReport.Outcome.DRAINED);
    }
}
