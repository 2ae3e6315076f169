package io.tomcatdrain;

import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a drain tells by itself: to listeners, through the outcome of a command, and in the log. */
class DrainNotificationTest {
    private final FakeTicker time = new FakeTicker();

    // ---------------------------------------------------------------- listeners

    @Test
    void aFailingListenerChangesNothing() throws Exception {
        NodeDrain drain = time.drain();
        drain.onStateChange((before, after) -> {
            throw new AssertionError("a listener's fault");
        });
        Changes changes = Changes.of(drain);
        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(changes.all()).hasSize(3);
    }

    @Test
    void aHangingListenerDelaysNeitherTheDrainNorOthers() throws Exception {
        NodeDrain drain = time.drain();
        CountDownLatch release = new CountDownLatch(1);
        Changes hanging = Changes.of(drain);
        drain.onStateChange((before, after) -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Changes behind = Changes.of(drain);
        DrainReport report = drain.start("upgrade").get(30, TimeUnit.SECONDS);

        assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(drain.awaitDrained(Duration.ofMillis(0))).isTrue();
        assertThat(drain.awaitListeners(Duration.ofMillis(1))).isFalse();
        release.countDown();
        assertThat(behind.all()).hasSize(3).isEqualTo(hanging.all());
    }

    @Test
    void aListenerIsToldInOrderThroughManyCycles() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Changes changes = Changes.of(drain);
        for (int i = 0; i < 50; i++) {
            drain.start("cycle");
            drain.resume();
        }

        List<String> all = changes.all();
        assertThat(all).hasSize(200);
        for (int i = 0; i < all.size(); i += 4) {
            assertThat(all.subList(i, i + 4))
                    .containsExactly(
                            "SERVING -> LAME_DUCK",
                            "LAME_DUCK -> DRAINING",
                            "DRAINING -> DRAINED",
                            "DRAINED -> SERVING");
        }
    }

    @Test
    void aListenerHearsOnlyWhatHappensWhileItIsRegistered() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade");
        Changes late = Changes.of(drain);
        try (DrainListener.Registration registration = drain.onStateChange((before, after) -> {
            throw new AssertionError("closed before anything happened");
        })) {
            assertThat(registration).isNotNull();
        }
        time.advanceSeconds(30);

        assertThat(late.all()).containsExactly("DRAINING -> EXPIRED");
    }

    @Test
    void aListenerMayCommandTheDrain() throws Exception {
        NodeDrain drain = time.drain();
        drain.onStateChange((before, after) -> {
            if (after == DRAINED) {
                drain.resume();
            }
        });
        Changes changes = Changes.of(drain);
        drain.start("upgrade");

        assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(changes.all()).endsWith("DRAINED -> SERVING");
    }

    @Test
    void whatHangsOnTheOutcomeRunsOnAThreadOfItsOwn() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        CountDownLatch release = new CountDownLatch(1);
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        CompletableFuture<Thread> ranOn = outcome.thenApply(report -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Thread.currentThread();
        });
        request.close();
        time.settle();

        assertThat(drain.awaitDrained(Duration.ofMillis(0)))
                .as("nobody who waits is delayed")
                .isTrue();
        release.countDown();
        assertThat(ranOn.get(30, TimeUnit.SECONDS)).isNotSameAs(Thread.currentThread());
    }

    @Test
    void whoCancelsHisOutcomeCancelsNobodyElses() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        drain.start("upgrade").cancel(true);
        CompletableFuture<DrainReport> other = drain.start("upgrade");
        request.close();
        time.settle();

        assertThat(other.get(30, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    // ---------------------------------------------------------------- log

    @Test
    void theLogTellsEveryChangeOnceWithItsNumbers() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "5s");
            Ticket request = drain.enterRequest();
            drain.start("upgrade");
            time.advance(Duration.ofMillis(5200));
            drain.enterRequest();
            request.close();
            time.settle();
            drain.resume();

            assertThat(log.lines())
                    .containsExactly(
                            "drain[test] SERVING -> LAME_DUCK, reason=upgrade, in flight: uploads=0, requests=1, holds=0",
                            "drain[test] LAME_DUCK -> DRAINING, after 5.0 s of lame duck, in flight: uploads=0,"
                                    + " requests=1, holds=0",
                            "drain[test] DRAINING -> DRAINED, after 5.2 s: finished=1, failed=0, refused=1",
                            "drain[test] DRAINED -> SERVING, resumed");
        }
    }

    @Test
    void theLogNamesWhoWasCut() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            drain.enterUpload(
                    TestUpload.ofLength(1000).from("/stalled\nx", "192.0.2.1").receives(10));
            drain.enterUpload(
                    TestUpload.ofLength(2000).from("/late", "192.0.2.2").receives(2000));
            drain.enterUpload(TestUpload.ofLength(5).from(null, null).receives(5));
            drain.enterRequest();
            drain.hold("import 42");
            drain.start("upgrade");
            time.advance(Duration.ofMinutes(10));

            assertThat(log.warnings())
                    .containsExactly(
                            "drain[test] giving up 1 request after requestTimeout [30s]",
                            "drain[test] giving up 1 upload, they stalled for [1m]: [#1 POST /stalled?x from 192.0.2.1,"
                                    + " 10 of 1000 bytes in 60000 ms]",
                            "drain[test] giving up 2 uploads, the limit is reached: [#2 POST /late from 192.0.2.2,"
                                    + " 2000 of 2000 bytes in 600000 ms; #3 POST ? from ?, 5 of 5 bytes in 600000 ms]",
                            "drain[test] giving up the holds [import 42]",
                            "drain[test] DRAINING -> EXPIRED, after 600.0 s: finished=0, failed=0, refused=0, still in flight:"
                                    + " uploads=3, requests=1, holds=1; uploads given up: [#1 POST /stalled?x from"
                                    + " 192.0.2.1, 10 of 1000 bytes in 60000 ms; #2 POST /late from 192.0.2.2, 2000 of"
                                    + " 2000 bytes in 600000 ms; #3 POST ? from ?, 5 of 5 bytes in 600000 ms]");
        }
    }

    @Test
    void aCrowdThatWasCutIsNamedInPart() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            for (int i = 0; i < 25; i++) {
                drain.enterUpload(TestUpload.unseen());
            }
            drain.start("upgrade", timeout(Duration.ZERO));

            assertThat(log.warnings()).last().asString().endsWith("; and 5 more]");
            assertThat(drain.status().report().abandoned()).hasSize(25);
        }
    }
}
