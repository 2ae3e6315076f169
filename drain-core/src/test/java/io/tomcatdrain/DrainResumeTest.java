package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The way back to SERVING, and what the next drain inherits. */
class DrainResumeTest {
    private final FakeTicker time = new FakeTicker();

    private static DrainLimits resumeAfter(long seconds) {
        return new DrainLimits(null, Duration.ofSeconds(seconds));
    }

    private void assertServes(NodeDrain drain) {
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.isReady()).isTrue();
        Ticket request = drain.enterRequest();
        Ticket upload = drain.enterUpload(TestUpload.ofLength(1));
        assertThat(request).isNotNull();
        assertThat(upload).isNotNull();
        request.close();
        upload.close();
    }

    @Test
    void resumingAServingNodeDoesNothing() throws Exception {
        NodeDrain drain = time.drain();
        Changes changes = Changes.of(drain);
        drain.resume();

        assertServes(drain);
        assertThat(changes.all()).isEmpty();
    }

    @Test
    void aLameDuckCanBeResumed() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "20s");
        Changes changes = Changes.of(drain);
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(7);
        drain.resume();

        assertServes(drain);
        assertThat(outcome.get(30, TimeUnit.SECONDS))
                .isEqualTo(new DrainReport(
                        DrainReport.Outcome.RESUMED, "upgrade", 7000, 0, 0, 0, 0, List.of(), List.of()));
        time.advanceSeconds(100);
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(changes.all()).containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> SERVING");
    }

    @Test
    void aDrainWithHoldersCanBeResumed() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Changes changes = Changes.of(drain);
        Ticket request = drain.enterRequest();
        drain.enterUpload(TestUpload.unseen());
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(3);
        request.close();
        assertThat(drain.enterRequest()).isNull();
        drain.resume();

        assertServes(drain);
        assertThat(outcome.get(30, TimeUnit.SECONDS))
                .isEqualTo(new DrainReport(
                        DrainReport.Outcome.RESUMED, "upgrade", 0, 3000, 1, 0, 1, List.of(), List.of()));
        assertThat(changes.all())
                .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> SERVING");
    }

    @Test
    void aDrainedNodeCanBeResumedAndKeepsItsReport() throws Exception {
        NodeDrain drain = time.drain();
        Changes changes = Changes.of(drain);
        drain.start("upgrade");
        drain.resume();

        assertServes(drain);
        assertThat(drain.status().report().outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(drain.awaitDrained(Duration.ofMillis(0))).isFalse();
        assertThat(changes.all()).endsWith("DRAINED -> SERVING").hasSize(4);
    }

    @Test
    void aHoldThatCameTooLateHoldsOnceTheNodeServesAgain() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.start("one");
        Hold hold = drain.hold("import");
        Hold ended = drain.hold("export");
        ended.close();
        assertThat(hold.isEffective()).isFalse();
        assertThat(drain.status().inFlight().holds()).isZero();
        drain.resume();
        assertThat(hold.isEffective()).isTrue();
        assertThat(drain.status().inFlight().holds()).isOne();
        drain.start("two");
        assertThat(drain.state()).isEqualTo(DRAINING);
        hold.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void anExpiredNodeCanBeResumed() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Changes changes = Changes.of(drain);
        drain.enterRequest();
        drain.start("upgrade");
        time.advanceSeconds(30);
        assertThat(drain.state()).isEqualTo(EXPIRED);
        drain.resume();

        assertServes(drain);
        assertThat(changes.all()).endsWith("EXPIRED -> SERVING").hasSize(4);
    }

    @Test
    void theNextDrainWaitsForHoldersOfEveryEarlierOne() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket firstRequest = drain.enterRequest();
        Ticket firstUpload = drain.enterUpload(TestUpload.unseen());
        drain.start("one");
        drain.resume();
        Ticket secondRequest = drain.enterRequest();
        Ticket secondUpload = drain.enterUpload(TestUpload.unseen());
        drain.start("two");
        drain.resume();
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(2, 2, 0));
        drain.start("three");

        for (Ticket ticket : List.of(secondUpload, secondRequest, firstRequest, firstUpload)) {
            time.settle();
            assertThat(drain.state()).isEqualTo(DRAINING);
            ticket.close();
        }
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void requestsThatWereGivenUpHoldTheNextDrainAgain() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        drain.start("one");
        time.advanceSeconds(30);
        assertThat(drain.state()).isEqualTo(EXPIRED);
        drain.resume();
        drain.start("two");
        assertThat(drain.state()).isEqualTo(DRAINING);
        request.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void anUploadThatWasGivenUpAndStillRunsHoldsTheNextDrainAgain() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        TestUpload source = TestUpload.ofLength(1000);
        Ticket upload = drain.enterUpload(source);
        drain.start("one");
        time.advanceSeconds(62);
        assertThat(drain.state()).isEqualTo(EXPIRED);
        drain.resume();
        time.advanceSeconds(1000);
        CompletableFuture<DrainReport> second = drain.start("two");
        time.advanceSeconds(59);
        assertThat(drain.state()).as("the stall begins anew").isEqualTo(DRAINING);
        source.receives(1000);
        time.advanceSeconds(100);
        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(second.get(30, TimeUnit.SECONDS).abandoned()).isEmpty();
    }

    @Test
    void anUploadThatWasGivenUpAndHasEndedHoldsNothing() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket upload = drain.enterUpload(TestUpload.ofLength(1000));
        drain.start("one");
        time.advanceSeconds(62);
        upload.close();
        drain.resume();
        drain.start("two");

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aHoldOutlivesAResumeAndHoldsTheNextDrainEvenIfItWasGivenUp() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Hold hold = drain.hold("import");
        drain.start("one", new DrainLimits(Duration.ZERO, null));
        assertThat(drain.state()).isEqualTo(EXPIRED);
        drain.resume();
        drain.start("two");
        assertThat(drain.state()).isEqualTo(DRAINING);
        hold.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void manyCyclesUnderOneLongHolderLoseNothing() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket longOne = drain.enterUpload(TestUpload.unseen());
        for (int i = 0; i < 100; i++) {
            Ticket request = drain.enterRequest();
            drain.start("cycle " + i);
            request.close();
            time.advanceSeconds(1);
            assertThat(drain.state()).isEqualTo(DRAINING);
            drain.resume();
        }
        longOne.close();
        drain.start("last");

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
    }

    // ---------------------------------------------------------------- by itself

    @Test
    void aForgottenDrainResumesByItself() throws Exception {
        NodeDrain drain = time.drain();
        Changes changes = Changes.of(drain);
        drain.start("upgrade", resumeAfter(1800));
        assertThat(drain.state()).isEqualTo(DRAINED);
        time.advance(Duration.ofSeconds(1800).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
        time.advance(Duration.ofNanos(1));

        assertServes(drain);
        assertThat(drain.step()).isEqualTo(-1);
        assertThat(changes.all()).endsWith("DRAINED -> SERVING");
    }

    @Test
    void aDrainThatRunsResumesByItselfInEveryPhase() throws Exception {
        for (String lameDuck : List.of("1h", "off")) {
            NodeDrain drain = time.drain("lameDuck", lameDuck);
            drain.enterUpload(TestUpload.unseen());
            CompletableFuture<DrainReport> outcome = drain.start("upgrade", resumeAfter(100));
            time.advanceSeconds(99);
            assertThat(drain.state()).isIn(LAME_DUCK, DRAINING);
            time.advanceSeconds(1);
            assertServes(drain);
            assertThat(outcome.get(30, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.RESUMED);
        }
    }

    @Test
    void aLaterCommandMovesTheMomentAndOneWithoutItKeepsIt() {
        NodeDrain drain = time.drain();
        drain.start("one", resumeAfter(100));
        time.advanceSeconds(50);
        drain.start("two", resumeAfter(100));
        time.advanceSeconds(60);
        assertThat(drain.state()).isEqualTo(DRAINED);
        drain.start("three");
        time.advanceSeconds(40);

        assertThat(drain.state()).isEqualTo(SERVING);
    }

    @Test
    void resumingByHandForgetsTheMoment() {
        NodeDrain drain = time.drain();
        drain.start("one", resumeAfter(100));
        drain.resume();
        drain.start("two");
        time.advanceSeconds(1000);

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aStopIsNeverUndone() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade", resumeAfter(100));
        drain.startForStop("SIGTERM", true);
        drain.start("upgrade", resumeAfter(10));
        time.advanceSeconds(200);
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.status().resumable()).isFalse();

        assertThatIllegalStateException()
                .isThrownBy(drain::resume)
                .withMessage("drain[test] cannot resume: the server is stopping");
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aStopForgetsThatADrainWasToResumeByItself() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            drain.start("before", resumeAfter(100));
            drain.startForStop("SIGTERM", true);
            drain.start("after", resumeAfter(100));
            assertThat(drain.step()).as("nothing is waited for").isEqualTo(-1);
            time.advanceSeconds(100);
            assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();

            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(log.lines()).noneMatch(line -> line.contains("resumeAfter"));
        }
    }

    @Test
    void listenersThatTheServerOpensAgainAreClosedByTheNextDrainToo() throws Exception {
        NodeDrain drain = time.drain("closeListener", "true", "lameDuck", "off");
        AtomicInteger closed = new AtomicInteger();
        drain.onListenersToClose(() -> closed.incrementAndGet() > 0);
        for (int times = 1; times <= 3; times++) {
            drain.start("upgrade");
            assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();
            time.settle();
            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(closed).hasValue(times);
            assertThatIllegalStateException().isThrownBy(drain::resume);

            drain.noteListenersReopened();
            drain.resume();
            assertServes(drain);
        }
        drain.startForStop("stop", true);
        drain.noteListenersReopened();
        assertThatIllegalStateException().as("a stop is for good").isThrownBy(drain::resume);
    }

    @Test
    void closedListenersAreNeverUndone() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("closeListener", "true", "controlPort", "8081", "lameDuck", "10s");
            drain.start("upgrade", resumeAfter(100));
            time.advanceSeconds(5);
            assertThat(drain.status().resumable()).isTrue();
            drain.resume();
            assertThat(drain.state()).as("the listeners were still open").isEqualTo(SERVING);
            drain.start("upgrade", resumeAfter(100));
            time.advanceSeconds(10);
            assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();
            time.settle();
            assertThat(drain.status().resumable()).isFalse();
            assertThatIllegalStateException()
                    .isThrownBy(drain::resume)
                    .withMessageStartingWith(
                            "drain[test] cannot resume: closeListener has closed the listening sockets");
            time.advanceSeconds(90);

            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(drain.step()).isEqualTo(-1);
            assertThat(log.warnings())
                    .last()
                    .asString()
                    .contains("resumeAfter has passed, but cannot resume: closeListener");
        }
    }
}
