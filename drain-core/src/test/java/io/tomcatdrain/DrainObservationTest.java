package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What others see of a drain: listeners, status, report and log. */
class DrainObservationTest {
    private final FakeTicker time = new FakeTicker();

    // ---------------------------------------------------------------- listeners

    @Test
    void aFailingListenerChangesNothing() throws Exception {
        Drain drain = time.drain();
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
        Drain drain = time.drain();
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
        assertThat(drain.awaitDrained(0)).isTrue();
        assertThat(drain.awaitListeners(1, TimeUnit.MILLISECONDS)).isFalse();
        release.countDown();
        assertThat(behind.all()).hasSize(3).isEqualTo(hanging.all());
    }

    @Test
    void aListenerIsToldInOrderThroughManyCycles() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain();
        drain.onStateChange((before, after) -> {
            if (after == DRAINED) {
                drain.resume();
            }
        });
        Changes changes = Changes.of(drain);
        drain.start("upgrade");

        assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(changes.all()).endsWith("DRAINED -> SERVING");
    }

    @Test
    void whatHangsOnTheOutcomeRunsOnAThreadOfItsOwn() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
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

        assertThat(drain.awaitDrained(0)).as("nobody who waits is delayed").isTrue();
        release.countDown();
        assertThat(ranOn.get(30, TimeUnit.SECONDS)).isNotSameAs(Thread.currentThread());
    }

    @Test
    void whoCancelsHisOutcomeCancelsNobodyElses() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        drain.start("upgrade").cancel(true);
        CompletableFuture<DrainReport> other = drain.start("upgrade");
        request.close();
        time.settle();

        assertThat(other.get(30, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    // ---------------------------------------------------------------- status and report

    @Test
    void theStatusOfAServingNodeWaitsForNothing() {
        Drain drain = time.drain();
        Instant start = time.instant();
        Ticket request = drain.enterRequest();
        drain.hold("import");
        drain.enterUpload(TestUpload.ofLength(10).receives(4));
        time.advanceSeconds(10);

        DrainStatus status = drain.status();
        assertThat(status.name()).isEqualTo("test");
        assertThat(status.state()).isEqualTo(SERVING);
        assertThat(status.ready()).isTrue();
        assertThat(status.since()).isEqualTo(start);
        assertThat(status.reason()).isNull();
        assertThat(status.deadline()).isNull();
        assertThat(status.remainingMillis()).isEqualTo(-1);
        assertThat(status.drainingMillis()).isZero();
        assertThat(status.inFlight()).isEqualTo(new DrainStatus.InFlight(1, 1, 1));
        assertThat(status.totals()).isEqualTo(new DrainStatus.Totals(0, 0, 0, 0, 4));
        assertThat(status.uploads()).hasSize(1);
        assertThat(status.report()).isNull();
        request.close();
    }

    @Test
    void theStatusOfALameDuckAddsTheWaitAfterIt() {
        Drain drain = time.drain("lameDuck", "20s");
        drain.start("upgrade");
        time.advanceSeconds(5);

        DrainStatus status = drain.status();
        assertThat(status.state()).isEqualTo(LAME_DUCK);
        assertThat(status.ready()).isFalse();
        assertThat(status.since()).isEqualTo(time.instant().minusSeconds(5));
        assertThat(status.reason()).isEqualTo("upgrade");
        assertThat(status.remainingMillis()).isEqualTo(615_000);
        assertThat(status.deadline()).isEqualTo(time.instant().plusSeconds(615));
        assertThat(status.drainingMillis()).isEqualTo(5000);
    }

    @Test
    void theStatusOfADrainingNodeTellsWhatIsLeft() {
        Drain drain = time.drain("lameDuck", "20s");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(30);

        DrainStatus status = drain.status();
        assertThat(status.state()).isEqualTo(DRAINING);
        assertThat(status.since()).isEqualTo(time.instant().minusSeconds(10));
        assertThat(status.remainingMillis()).isEqualTo(590_000);
        assertThat(status.drainingMillis()).isEqualTo(30_000);

        drain.start("hurry", new DrainLimits(Duration.ofSeconds(60), null));
        assertThat(drain.status().remainingMillis()).isEqualTo(60_000);
        assertThat(drain.status().reason()).isEqualTo("upgrade");
    }

    @Test
    void theStatusOfAnEndedDrainStandsStill() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade", new DrainLimits(Duration.ofSeconds(20), null));
        time.advanceSeconds(500);

        DrainStatus status = drain.status();
        assertThat(status.state()).isEqualTo(EXPIRED);
        assertThat(status.ready()).isFalse();
        assertThat(status.since()).isEqualTo(time.instant().minusSeconds(480));
        assertThat(status.deadline()).isNull();
        assertThat(status.remainingMillis()).isEqualTo(-1);
        assertThat(status.drainingMillis()).isEqualTo(20_000);
        assertThat(status.inFlight().uploads()).as("it still runs").isOne();
        assertThat(status.report().abandoned()).hasSize(1);

        drain.resume();
        assertThat(drain.status().reason()).isNull();
        assertThat(drain.status().drainingMillis()).isZero();
    }

    @Test
    void theReportCountsWhatEndedAndWhatWasRefusedInThisDrainOnly() throws Exception {
        Drain drain = time.drain("lameDuck", "10s");
        drain.enterRequest().close();
        drain.enterUpload(TestUpload.ofLength(1)).close();
        drain.start("one");
        drain.enterRequest().close();
        time.advanceSeconds(10);
        drain.enterRequest();
        drain.resume();
        Ticket request = drain.enterRequest();
        Ticket good = drain.enterUpload(TestUpload.ofLength(1));
        Ticket bad = drain.enterUpload(TestUpload.ofLength(1));

        CompletableFuture<DrainReport> outcome = drain.start("two");
        drain.enterRequest().close();
        time.advanceSeconds(12);
        drain.enterRequest();
        drain.enterUpload(TestUpload.ofLength(1));
        request.close();
        good.close();
        bad.close(true);
        time.settle();

        assertThat(outcome.get(30, TimeUnit.SECONDS))
                .isEqualTo(new DrainReport(DrainReport.Outcome.DRAINED, "two", 10_000, 2000, 3, 2, List.of()));
        assertThat(drain.status().totals()).isEqualTo(new DrainStatus.Totals(2, 1, 4, 3, 0));
    }

    @Test
    void theBytesOfAllUploadsNeverShrink() {
        Drain drain = time.drain();
        TestUpload ended = TestUpload.ofLength(100).receives(100);
        TestUpload running = TestUpload.ofLength(100).receives(30);
        Ticket ticket = drain.enterUpload(ended);
        drain.enterUpload(running);
        drain.enterUpload(TestUpload.unseen());
        assertThat(drain.status().totals().uploadBytes()).isEqualTo(130);
        ticket.close();
        running.receives(5);
        assertThat(drain.status().totals().uploadBytes()).isEqualTo(135);
        running.failsWith(new IllegalStateException("recycled"));

        assertThat(drain.status().totals().uploadBytes()).isEqualTo(135);
    }

    @Test
    void theSummaryIsTheStatusWithoutTheList() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.ofLength(100).receives(30));
        drain.enterUpload(TestUpload.unseen());
        drain.enterRequest();
        drain.start("upgrade");
        time.advanceSeconds(3);

        DrainStatus status = drain.status();
        DrainStatus summary = drain.summary();
        assertThat(status.uploads()).hasSize(2);
        assertThat(summary.uploads()).isEmpty();
        assertThat(summary).usingRecursiveComparison().ignoringFields("uploads").isEqualTo(status);
    }

    @Test
    void theLameDuckIsTheFirstPartOfADrain() {
        Drain drain = time.drain("lameDuck", "5s");
        drain.enterUpload(TestUpload.unseen());
        assertThat(drain.status().lameDuckMillis()).isZero();
        drain.start("upgrade");
        time.advanceSeconds(3);
        assertThat(drain.status().lameDuckMillis()).isEqualTo(3000);
        time.advanceSeconds(20);
        assertThat(drain.status().lameDuckMillis()).isEqualTo(5000);
        drain.start("now", new DrainLimits(Duration.ZERO, null));
        assertThat(drain.status().lameDuckMillis()).isEqualTo(5000);
        drain.resume();
        assertThat(drain.status().lameDuckMillis()).isZero();
    }

    @Test
    void uploadsAreListedOldestFirst() {
        Drain drain = time.drain();
        for (int i = 0; i < 100; i++) {
            drain.enterUpload(TestUpload.ofLength(1));
        }

        assertThat(drain.status().uploads())
                .extracting(ActiveUpload::id)
                .isSorted()
                .hasSize(100);
    }

    @Test
    void aDrainedNodeNeverShowsAnUploadThatHasEnded() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
        Ticket[] ticket = new Ticket[1];
        CompletableFuture<Void> ended = new CompletableFuture<>();
        AtomicBoolean asked = new AtomicBoolean();
        // Ends on another thread at the very moment when the status looks at it; its end looks, too.
        ticket[0] = drain.enterUpload(new EndingUpload(() -> {
            if (drain.state() == DRAINING && asked.compareAndSet(false, true)) {
                ended.completeAsync(() -> {
                    ticket[0].close();
                    time.settle();
                    return null;
                });
                try {
                    ended.get(200, TimeUnit.MILLISECONDS);
                } catch (Exception stillBlocked) {
                    // a status that locks the drain out is as good
                }
            }
        }));
        drain.start("upgrade");

        DrainStatus status = drain.status();
        if (status.state() == DRAINED) {
            assertThat(status.inFlight().uploads()).isZero();
        }
        ended.get(30, TimeUnit.SECONDS);
        assertThat(drain.status().state()).isEqualTo(DRAINED);
        assertThat(drain.status().inFlight().uploads()).isZero();
    }

    /** An upload that does something when its bytes are asked for. */
    private record EndingUpload(Runnable whenAsked) implements UploadSource {
        @Override
        public String method() {
            return "POST";
        }

        @Override
        public String path() {
            return "/";
        }

        @Override
        public String remote() {
            return "192.0.2.1";
        }

        @Override
        public long contentLength() {
            return 10;
        }

        @Override
        public long bytesReceived() {
            whenAsked.run();
            return 5;
        }

        @Override
        public boolean isBodyComplete() {
            return false;
        }

        @Override
        public boolean isGone() {
            return false;
        }
    }

    @Test
    void probersAreShownWithWhatTheyHaveSeenOfThisDrain() {
        Drain drain = time.drain("lameDuck", "30s");
        for (int i = 0; i < 3; i++) {
            drain.pollReadiness("10.0.0.1", "balancer");
            time.advanceSeconds(1);
        }
        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("10.0.0.1", 0));
        drain.start("upgrade");
        drain.pollReadiness("10.0.0.1", "balancer");
        drain.pollReadiness("10.0.0.1", "balancer");
        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("10.0.0.1", 2));
        drain.resume();

        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("10.0.0.1", 0));
    }

    // ---------------------------------------------------------------- log

    @Test
    void theLogTellsEveryChangeOnceWithItsNumbers() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            Drain drain = time.drain("lameDuck", "5s");
            Ticket request = drain.enterRequest();
            drain.start("upgrade");
            time.advance(Duration.ofMillis(5200));
            drain.enterRequest();
            request.close();
            time.settle();
            drain.resume();
            assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();

            assertThat(log.lines())
                    .containsExactly(
                            "drain[test] SERVING -> LAME_DUCK, reason=upgrade, in flight: uploads=0, requests=1, holds=0",
                            "drain[test] LAME_DUCK -> DRAINING, after 5.0 s of lame duck, in flight: uploads=0,"
                                    + " requests=1, holds=0",
                            "drain[test] DRAINING -> DRAINED, after 5.2 s: finished=1, refused=1",
                            "drain[test] DRAINED -> SERVING, resumed");
        }
    }

    @Test
    void theLogNamesWhoWasCut() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            Drain drain = time.drain("lameDuck", "off");
            drain.enterUpload(
                    TestUpload.ofLength(1000).from("/stalled\nx", "192.0.2.1").receives(10));
            drain.enterUpload(
                    TestUpload.ofLength(2000).from("/late", "192.0.2.2").receives(2000));
            drain.enterUpload(TestUpload.ofLength(5).from(null, null).receives(5));
            drain.enterRequest();
            drain.hold("import 42");
            drain.start("upgrade");
            time.advance(Duration.ofMinutes(10));
            assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();

            assertThat(log.warnings())
                    .containsExactly(
                            "drain[test] giving up 1 requests after requestTimeout [30s]",
                            "drain[test] giving up 1 uploads, they stalled for [1m]: [#1 POST /stalled?x from 192.0.2.1,"
                                    + " 10 of 1000 bytes in 60000 ms]",
                            "drain[test] giving up 2 uploads, the limit is reached: [#2 POST /late from 192.0.2.2,"
                                    + " 2000 of 2000 bytes in 600000 ms; #3 POST ? from ?, 5 of 5 bytes in 600000 ms]",
                            "drain[test] giving up the holds [import 42]",
                            "drain[test] DRAINING -> EXPIRED, after 600.0 s: finished=0, refused=0, still in flight:"
                                    + " uploads=3, requests=1, holds=1; uploads given up: [#1 POST /stalled?x from"
                                    + " 192.0.2.1, 10 of 1000 bytes in 60000 ms; #2 POST /late from 192.0.2.2, 2000 of"
                                    + " 2000 bytes in 600000 ms; #3 POST ? from ?, 5 of 5 bytes in 600000 ms]");
        }
    }

    @Test
    void aCrowdThatWasCutIsNamedInPart() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            Drain drain = time.drain("lameDuck", "off");
            for (int i = 0; i < 25; i++) {
                drain.enterUpload(TestUpload.unseen());
            }
            drain.start("upgrade", new DrainLimits(Duration.ZERO, null));
            assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();

            assertThat(log.warnings()).last().asString().endsWith("; and 5 more]");
            assertThat(drain.status().report().abandoned()).hasSize(25);
        }
    }
}
