package io.tomcatdrain;

import static io.tomcatdrain.Commands.timeout;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What others see of a drain when they look: status, report and summary. */
class DrainObservationTest {
    private final FakeTicker time = new FakeTicker();

    // ---------------------------------------------------------------- status and report

    @Test
    void theStatusOfAServingNodeWaitsForNothing() {
        NodeDrain drain = time.drain();
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
        NodeDrain drain = time.drain("lameDuck", "20s");
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
        NodeDrain drain = time.drain("lameDuck", "20s");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(30);

        DrainStatus status = drain.status();
        assertThat(status.state()).isEqualTo(DRAINING);
        assertThat(status.since()).isEqualTo(time.instant().minusSeconds(10));
        assertThat(status.remainingMillis()).isEqualTo(590_000);
        assertThat(status.drainingMillis()).isEqualTo(30_000);

        drain.start("hurry", timeout(Duration.ofSeconds(60)));
        assertThat(drain.status().remainingMillis()).isEqualTo(60_000);
        assertThat(drain.status().reason()).isEqualTo("upgrade");
    }

    @Test
    void theStatusOfAnEndedDrainStandsStill() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade", timeout(Duration.ofSeconds(20)));
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
        NodeDrain drain = time.drain("lameDuck", "10s");
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
                .isEqualTo(new DrainReport(
                        DrainReport.Outcome.DRAINED, "two", 10_000, 2000, 3, 1, 2, List.of(), List.of()));
        assertThat(drain.status().totals()).isEqualTo(new DrainStatus.Totals(2, 1, 4, 3, 0));
    }

    @Test
    void theBytesOfAllUploadsNeverShrink() {
        NodeDrain drain = time.drain();
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
    void theLameDuckIsTheFirstPartOfADrain() {
        NodeDrain drain = time.drain("lameDuck", "5s");
        drain.enterUpload(TestUpload.unseen());
        assertThat(drain.status().lameDuckMillis()).isZero();
        drain.start("upgrade");
        time.advanceSeconds(3);
        assertThat(drain.status().lameDuckMillis()).isEqualTo(3000);
        time.advanceSeconds(20);
        assertThat(drain.status().lameDuckMillis()).isEqualTo(5000);
        drain.start("now", timeout(Duration.ZERO));
        assertThat(drain.status().lameDuckMillis()).isEqualTo(5000);
        drain.resume();
        assertThat(drain.status().lameDuckMillis()).isZero();
    }

    @Test
    void uploadsAreListedOldestFirst() {
        NodeDrain drain = time.drain();
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
        NodeDrain drain = time.drain("lameDuck", "off");
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
        NodeDrain drain = time.drain("lameDuck", "30s");
        for (int i = 0; i < 3; i++) {
            drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
            time.advanceSeconds(1);
        }
        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("10.0.0.1", null, "balancer", 0));
        drain.start("upgrade");
        drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("10.0.0.1", null, "balancer", 2));
        drain.resume();

        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("10.0.0.1", null, "balancer", 0));
    }

    @Test
    void uploadsThatFailWhileTheNodeLeavesAreInTheReport() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "5s");
            drain.enterUpload(TestUpload.ofLength(10)).close(true);
            Ticket inLameDuck = drain.enterUpload(TestUpload.ofLength(10));
            Ticket whileDraining = drain.enterUpload(TestUpload.ofLength(10));
            var outcome = drain.start("upgrade");
            inLameDuck.close(true);
            time.advanceSeconds(6);
            whileDraining.close(true);
            time.settle();

            assertThat(Commands.result(outcome).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            assertThat(Commands.result(outcome).failed()).isEqualTo(2);
            assertThat(log.lines()).last().asString().contains("finished=1, failed=2, refused=0");
        }
    }

    @Test
    void thereIsNoReportOfAnEarlierDrainWhileOneRuns() {
        NodeDrain drain = time.drain("lameDuck", "5s");
        drain.enterUpload(TestUpload.unseen());
        drain.start("one", timeout(Duration.ZERO));
        assertThat(drain.status().report().outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        drain.resume();
        assertThat(drain.status().report()).isNotNull();
        drain.start("two");
        assertThat(drain.status().report()).isNull();
        time.advanceSeconds(6);
        assertThat(drain.status().state()).isEqualTo(DRAINING);
        assertThat(drain.status().report()).isNull();
    }

    /** The limit of requests that are not there and cannot come counts for nothing. */
    @Test
    void theTimeThatIsLeftIsThatOfWhatIsInFlight() {
        NodeDrain drain = time.drain("lameDuck", "off", "uploadTimeout", "8s", "requestTimeout", "30s");
        Ticket request = drain.enterRequest();
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(2);
        assertThat(drain.status().remainingMillis()).isEqualTo(28_000);

        request.close();
        assertThat(drain.status().remainingMillis()).isEqualTo(6_000);
        assertThat(drain.summary().remainingMillis()).isEqualTo(6_000);
    }

    @Test
    void aResumeThatIsPendingIsShown() {
        NodeDrain drain = time.drain("lameDuck", "off");
        assertThat(drain.status().resumeMillis()).isEqualTo(-1);
        drain.start("upgrade", new DrainLimits(null, Duration.ofMinutes(30)));
        assertThat(drain.status().resumeMillis()).isEqualTo(1_800_000);
        time.advanceSeconds(60);
        assertThat(drain.status().state()).isEqualTo(DRAINED);
        assertThat(drain.summary().resumeMillis()).isEqualTo(1_740_000);
        drain.resume();
        assertThat(drain.status().resumeMillis()).isEqualTo(-1);
    }

    /** A scrape asks for a dozen numbers. */
    @Test
    void manySummariesInAMomentLookAtEachUploadOnce() {
        AtomicInteger asked = new AtomicInteger();
        NodeDrain drain = time.drain();
        Ticket upload = drain.enterUpload(new EndingUpload(asked::incrementAndGet));
        drain.summary();
        int once = asked.getAndSet(0);
        for (int i = 0; i < 12; i++) {
            time.advance(Duration.ofMillis(1));
            assertThat(drain.summary().totals().uploadBytes()).isEqualTo(5);
        }
        assertThat(asked.get()).isZero();
        assertThat(drain.summary().inFlight().uploads()).isOne();
        time.advance(Duration.ofMillis(100));
        drain.summary();
        assertThat(asked.get()).isEqualTo(once);
        time.advance(Duration.ofMillis(1));
        upload.close();
        assertThat(drain.summary().totals().uploadBytes()).isEqualTo(5);
        assertThat(drain.summary().inFlight().uploads()).isZero();
    }

    // ---------------------------------------------------------------- summary

    private static DrainStatus withoutUploads(DrainStatus status) {
        return new DrainStatus(
                status.name(),
                status.state(),
                status.ready(),
                status.since(),
                status.reason(),
                status.deadline(),
                status.remainingMillis(),
                status.lameDuckRemainingMillis(),
                status.drainingMillis(),
                status.lameDuckMillis(),
                status.resumeMillis(),
                status.resumable(),
                status.inFlight(),
                status.totals(),
                status.probers(),
                List.of(),
                List.of(),
                status.report());
    }

    @Test
    void theSummaryIsTheStatusWithoutTheList() {
        NodeDrain drain = time.drain("lameDuck", "off");
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
    void theSummaryIsTheStatusWithoutItsUploads() {
        NodeDrain drain = time.drain("lameDuck", "10s");
        drain.enterUpload(TestUpload.ofLength(1000).receives(300));
        drain.enterUpload(TestUpload.unseen());
        drain.enterUpload(TestUpload.ofLength(50).receives(50)).close();
        TestUpload dropped = TestUpload.ofLength(70).receives(7);
        drain.enterUpload(dropped);
        dropped.isDroppedByTheContainer();
        drain.enterRequest();
        Hold hold = drain.hold("import");

        for (int i = 0; i < 4; i++) {
            assertThat(drain.summary()).isEqualTo(withoutUploads(drain.status()));
            assertThat(drain.summary().totals().uploadBytes()).isEqualTo(357);
            assertThat(drain.summary().inFlight()).isEqualTo(new DrainStatus.InFlight(2, 1, 1));
            drain.start("upgrade");
            time.advanceSeconds(6);
        }
        hold.close();
    }

    @Test
    void theLameDuckIsTimedApart() {
        NodeDrain drain = time.drain("lameDuck", "10s");
        assertThat(drain.summary().lameDuckMillis()).isZero();
        assertThat(drain.summary().lameDuckRemainingMillis()).isEqualTo(-1);
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        time.advanceSeconds(4);
        assertThat(drain.summary().lameDuckMillis()).isEqualTo(4_000);
        assertThat(drain.summary().lameDuckRemainingMillis()).isEqualTo(6_000);
        assertThat(drain.summary().remainingMillis()).isEqualTo(606_000);
        time.advanceSeconds(10);
        assertThat(drain.summary().lameDuckRemainingMillis()).isEqualTo(-1);
        assertThat(drain.summary().lameDuckMillis()).isEqualTo(10_000);
        assertThat(drain.summary().drainingMillis()).isEqualTo(14_000);
        request.close();
        time.settle();
        time.advanceSeconds(100);
        assertThat(drain.summary().lameDuckMillis()).isEqualTo(10_000);
        assertThat(drain.summary().drainingMillis()).isEqualTo(14_000);
        drain.resume();
        assertThat(drain.summary().lameDuckMillis()).isZero();
    }

    @Test
    void theEstimateIsThatOfTheSlowestUpload() {
        NodeDrain drain = time.drain();
        assertThat(drain.status().etaMillis()).isZero();
        TestUpload fast = TestUpload.ofLength(1000);
        TestUpload slow = TestUpload.ofLength(1000);
        drain.enterUpload(fast);
        Ticket slowTicket = drain.enterUpload(slow);
        time.advanceSeconds(1);
        fast.receives(500);
        slow.receives(200);

        assertThat(drain.status().etaMillis()).isEqualTo(4_000);
        slowTicket.close(true);
        assertThat(drain.status().etaMillis()).isEqualTo(1_000);
        fast.receives(500);
        assertThat(drain.status().etaMillis()).isZero();
    }

    @Test
    void thereIsNoEstimateWhereOneUploadAllowsNone() {
        NodeDrain drain = time.drain();
        drain.enterUpload(TestUpload.ofLength(1000).receives(500));
        drain.enterUpload(TestUpload.ofUnknownLength().receives(500));
        time.advanceSeconds(1);

        assertThat(drain.status().etaMillis()).isEqualTo(-1);
    }
}
