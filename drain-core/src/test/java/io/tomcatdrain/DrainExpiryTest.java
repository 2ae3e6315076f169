package io.tomcatdrain;

import static io.tomcatdrain.Commands.result;
import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How long requests, uploads and holds keep a drain waiting, and what becomes of those that it gives up. */
class DrainExpiryTest {
    private final FakeTicker time = new FakeTicker();

    @Test
    void requestsHoldForRequestTimeoutAndUploadsLonger() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        Ticket upload = drain.enterUpload(TestUpload.ofLength(10).receives(10));
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");

        time.advance(Duration.ofMinutes(10).minusNanos(1));
        assertThat(drain.state()).as("the upload holds").isEqualTo(DRAINING);
        upload.close();
        time.settle();

        assertThat(drain.state()).as("the request was given up").isEqualTo(EXPIRED);
        assertThat(result(outcome).abandoned()).as("uploads").isEmpty();
        assertThat(result(outcome).outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        request.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aLastRequestEndsTheDrainAtRequestTimeout() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade");

        time.advance(Duration.ofSeconds(30).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void requestsThatEndInTimeExpireNothing() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        Ticket upload = drain.enterUpload(TestUpload.ofLength(10).receives(10));
        drain.start("upgrade");
        time.advanceSeconds(29);
        request.close();
        time.advanceSeconds(300);
        upload.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aRequestTimeoutLongerThanUploadTimeoutIsWaitedOut() {
        NodeDrain drain = time.drain("lameDuck", "off", "uploadTimeout", "10s", "requestTimeout", "60s");
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        time.advanceSeconds(59);
        assertThat(drain.state()).isEqualTo(DRAINING);
        request.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void uploadsHoldForUploadTimeoutAndAreNamedInTheReport() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.ofLength(500).from("/a", "192.0.2.1").receives(500));
        Ticket inTime = drain.enterUpload(TestUpload.ofLength(10).receives(10));
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advance(Duration.ofMinutes(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        inTime.close();
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        DrainReport report = result(outcome);
        assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        assertThat(report.drainMillis()).isEqualTo(600_000);
        assertThat(report.finished()).isOne();
        assertThat(report.abandoned()).singleElement().satisfies(upload -> {
            assertThat(upload.id()).isOne();
            assertThat(upload.path()).isEqualTo("/a");
            assertThat(upload.remote()).isEqualTo("192.0.2.1");
            assertThat(upload.bytesReceived()).isEqualTo(500);
            assertThat(upload.elapsedMillis()).isEqualTo(600_000);
        });
        assertThat(drain.status().report()).isEqualTo(report);
    }

    @Test
    void holdsHoldForUploadTimeout() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Hold kept = drain.hold("import 42");
        Hold another = drain.hold("export");
        drain.start("upgrade");
        another.close();
        time.advance(Duration.ofMinutes(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        kept.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void theLastHoldEndsTheDrainHoweverOftenItIsClosed() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Hold first = drain.hold("import 42");
        Hold second = drain.hold("import 42");
        drain.start("upgrade");
        first.close();
        first.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        second.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aHoldThatComesWhileDrainingHoldsAndOneThatComesTooLateKnowsIt() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            Ticket request = drain.enterRequest();
            drain.start("upgrade");
            Hold hold = drain.hold("one more thing");
            assertThat(hold.isEffective()).isTrue();
            request.close();
            time.settle();
            assertThat(drain.state()).isEqualTo(DRAINING);
            hold.close();
            time.settle();
            assertThat(drain.state()).isEqualTo(DRAINED);

            try (Hold late = drain.hold("too\nlate")) {
                assertThat(late.isEffective()).isFalse();
            }
            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(log.warnings()).last().asString().startsWith("drain[test] [too?late] asked to hold");
        }
    }

    @Test
    void aStalledUploadIsGivenUpWhileTheOthersAreWaitedFor() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        TestUpload moving = TestUpload.ofLength(100_000).from("/moving", "192.0.2.1");
        Ticket ticket = drain.enterUpload(moving);
        drain.enterUpload(
                TestUpload.ofLength(1000).from("/stalled", "192.0.2.2").receives(10));
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        for (int i = 0; i < 120; i++) {
            moving.receives(1);
            time.advanceSeconds(1);
        }
        assertThat(drain.state()).isEqualTo(DRAINING);
        ticket.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(result(outcome).abandoned()).singleElement().satisfies(upload -> {
            assertThat(upload.path()).isEqualTo("/stalled");
            assertThat(upload.stalledMillis()).isEqualTo(60_000);
        });
        assertThat(result(outcome).finished()).isOne();
    }

    /** Stopped by a signal or in a snapshot of its machine, it reads no bytes: what has not come by then has not stalled. */
    @Test
    void noUploadHasStalledWhileTheProcessStoodStill() {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            drain.enterUpload(TestUpload.ofLength(1000).receives(10));
            drain.start("upgrade");
            time.advanceSeconds(30);

            time.standStill(Duration.ofSeconds(70));
            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(log.lines()).anyMatch(line -> line.contains("nothing ran here for 69.0 s"));
            time.advanceSeconds(60);
            assertThat(drain.state()).as("and has stalled now").isEqualTo(EXPIRED);
        }
    }

    /** As {@link #aStalledUploadIsGivenUpWhileTheOthersAreWaitedFor}, until bytes arrive again. */
    @Test
    void aStalledUploadThatMovesAgainIsHeldAgain() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Hold hold = drain.hold("import");
        TestUpload upload = TestUpload.ofLength(1000).receives(10);
        Ticket ticket = drain.enterUpload(upload);
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        for (int i = 0; i < 2; i++) {
            time.advanceSeconds(90);
            upload.receives(1);
            time.advanceSeconds(1);
        }
        hold.close();
        time.settle();
        assertThat(drain.state()).as("it moves").isEqualTo(DRAINING);
        ticket.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(result(outcome).abandoned()).isEmpty();
    }

    @Test
    void oneThatStallsOnceMoreIsGivenUpOnceMore() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        TestUpload moving = TestUpload.ofLength(1000);
        Ticket other = drain.enterUpload(TestUpload.unseen());
        drain.enterUpload(moving.receives(10));
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(90);
        moving.receives(1);
        time.advanceSeconds(1);
        other.close();
        time.advanceSeconds(58);
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advanceSeconds(3);

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(result(outcome).abandoned())
                .extracting(ActiveUpload::bytesReceived)
                .containsExactly(11L);
    }

    /** Between two looks. */
    @Test
    void oneThatMovesAgainAndEndsWellAtOnceIsNotLost() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Hold hold = drain.hold("import");
        TestUpload well = TestUpload.ofLength(1000);
        TestUpload badly = TestUpload.ofLength(1000).from("/badly", "192.0.2.1");
        Ticket endsWell = drain.enterUpload(well);
        Ticket endsBadly = drain.enterUpload(badly);
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(90);
        well.receives(1000);
        endsWell.close();
        badly.receives(10);
        endsBadly.close(true);
        hold.close();
        time.settle();

        assertThat(result(outcome).abandoned()).extracting(ActiveUpload::path).containsExactly("/badly");
        assertThat(result(outcome).failed()).isOne();
    }

    @Test
    void whatIsGivenUpAtTheLimitStaysGivenUp() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off", "uploadTimeout", "90s", "requestTimeout", "2m");
        Ticket request = drain.enterRequest();
        TestUpload stalled = TestUpload.ofLength(1000).receives(10);
        drain.enterUpload(stalled);
        TestUpload slow = TestUpload.ofLength(1000);
        drain.enterUpload(slow);
        drain.start("upgrade");
        for (int i = 0; i < 95; i++) {
            slow.receives(1);
            time.advanceSeconds(1);
        }
        stalled.receives(1);
        time.advanceSeconds(2);
        request.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().report().abandoned()).hasSize(2);
    }

    @Test
    void oneThatIsHeldAgainHoldsTheNextDrainToo() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Hold hold = drain.hold("import");
        TestUpload upload = TestUpload.ofLength(1000).receives(10);
        Ticket ticket = drain.enterUpload(upload);
        drain.start("upgrade");
        time.advanceSeconds(90);
        upload.receives(1);
        time.advanceSeconds(1);
        drain.resume();
        hold.close();
        drain.start("again");
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        ticket.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** What an application does that has all that it wants of a body whose length nobody announced. */
    @Test
    void aBodyThatNobodyReadsOnHasNotStalledUntilItIsReadOn() {
        NodeDrain drain = time.drain("lameDuck", "off");
        TestUpload upload = TestUpload.ofUnknownLength().receives(10).endsItsBody();
        drain.enterUpload(upload);
        drain.start("upgrade");
        time.advanceSeconds(300);
        upload.goesOnWithItsBody();
        time.advanceSeconds(59);
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advanceSeconds(3);
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    // ---------------------------------------------------------------- who was given up

    /** What an adapter tells of a plain request. */
    private record Plain(String method, String path, String contentType, long elapsedMillis) implements Ticket.Subject {
        @Override
        public boolean isGone() {
            return false;
        }
    }

    @Test
    void requestsThatAreGivenUpAreNamedTheOldestFirst() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            drain.onRequestsGivenUp(() -> List.of(
                    new Plain("GET", "/page\n", null, 31_000),
                    new Plain("POST", "/export", "text/html", 41_200),
                    new Plain("GET", "/events", "text/event-stream", 99_000),
                    new Plain(null, null, null, -1)));
            for (int i = 0; i < 3; i++) {
                drain.enterRequest();
            }
            CompletableFuture<DrainReport> outcome = drain.start("upgrade");
            time.advanceSeconds(31);

            assertThat(result(outcome).abandonedRequests())
                    .containsExactly(
                            new DrainReport.AbandonedRequest("POST", "/export", 41_200),
                            new DrainReport.AbandonedRequest("GET", "/page?", 31_000),
                            new DrainReport.AbandonedRequest(null, null, -1));
            assertThat(log.warnings())
                    .last()
                    .asString()
                    .endsWith("requests given up: [POST /export since 41200 ms; GET /page? since 31000 ms; ? ?]");
        }
    }

    /** The container still sends it when its request is over. */
    @Test
    void aFileThatIsGivenUpIsNamed() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            drain.onAnswers(() -> false, () -> true);
            drain.onRequestsGivenUp(() -> List.of(new Plain(null, "all.iso", null, -1)));
            CompletableFuture<DrainReport> outcome = drain.start("upgrade");
            time.advanceSeconds(31);

            assertThat(result(outcome).abandonedRequests())
                    .containsExactly(new DrainReport.AbandonedRequest(null, "all.iso", -1));
            assertThat(log.warnings())
                    .anyMatch(line -> line.contains("giving up 1 request after requestTimeout [30s]: [? all.iso]"));
        }
    }

    @Test
    void withoutAnAdapterThatNamesThemThoseAreNamedThatWentAsync() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.track(drain.enterRequest(), new Plain("GET", "/async", null, 5));
        drain.enterRequest();
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(31);

        assertThat(result(outcome).abandonedRequests())
                .containsExactly(new DrainReport.AbandonedRequest("GET", "/async", 5));
    }

    @Test
    void anAdapterThatCannotNameThemDelaysNothing() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.onRequestsGivenUp(() -> {
            throw new IllegalStateException("recycled");
        });
        drain.enterRequest();
        drain.start("upgrade");
        time.advanceSeconds(31);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void thirtyUploadsAreAllInTheReportAndTwentyInTheLog() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off", "uploadTimeout", "1s");
            for (int i = 0; i < 30; i++) {
                drain.enterUpload(TestUpload.unseen());
            }
            CompletableFuture<DrainReport> outcome = drain.start("upgrade");
            time.advanceSeconds(2);

            assertThat(result(outcome).abandoned()).hasSize(30);
            assertThat(log.warnings()).last().asString().endsWith("; and 10 more]");
        }
    }

    @Test
    void aByteInBetweenBeginsTheStallAnew() {
        NodeDrain drain = time.drain("lameDuck", "off");
        TestUpload upload = TestUpload.ofLength(1000);
        drain.enterUpload(upload);
        drain.start("upgrade");
        time.advanceSeconds(59);
        upload.receives(1);
        time.advanceSeconds(59);
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advanceSeconds(3);
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aCompleteBodyMayTakeItsTimeWithTheApplication() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket announced = drain.enterUpload(TestUpload.ofLength(1000).receives(1000));
        Ticket chunked =
                drain.enterUpload(TestUpload.ofUnknownLength().receives(7).endsItsBody());
        drain.start("upgrade");
        time.advance(Duration.ofMinutes(9));
        assertThat(drain.state()).isEqualTo(DRAINING);
        announced.close();
        chunked.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void anUploadWhoseBytesCannotBeSeenNeverStalls() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket unseen = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advance(Duration.ofMinutes(9));
        assertThat(drain.state()).isEqualTo(DRAINING);
        unseen.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void closingAGivenUpUploadLaterChangesNothing() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket stalled = drain.enterUpload(TestUpload.ofLength(1000));
        Ticket other = drain.enterUpload(TestUpload.unseen());
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(62);
        stalled.close();
        time.settle();
        assertThat(drain.state()).as("the other upload still holds").isEqualTo(DRAINING);
        other.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(result(outcome).abandoned()).hasSize(1);
        other.close(true);
        stalled.close(true);
        time.settle();
        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().totals())
                .extracting(DrainStatus.Totals::uploadsCompleted, DrainStatus.Totals::uploadsFailed)
                .containsExactly(2L, 0L);
    }

    @Test
    void aFaultyAdapterDoesNotMakeADrainEndless() {
        NodeDrain drain = time.drain("lameDuck", "off");
        TestUpload faulty = TestUpload.ofLength(1000);
        drain.enterUpload(faulty);
        faulty.failsWith(new IllegalStateException("recycled"));
        drain.track(drain.enterRequest(), () -> {
            throw new IllegalStateException("recycled");
        });
        drain.start("upgrade");
        time.advance(Duration.ofMinutes(10));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().report().abandoned()).hasSize(1);
        assertThat(drain.status().inFlight().uploads()).isOne();
    }

    @Test
    void anUploadThatIsJustBeingAdmittedWhenAllAreGivenUpIsGivenUpTooAndNamed() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch mayRegister = new CountDownLatch(1);
        Thread test = Thread.currentThread();
        NodeDrain drain = time.drain(
                () -> {
                    if (Thread.currentThread() != test) {
                        entered.countDown(); // inside the gate, and not registered yet
                        awaitUninterrupted(mayRegister);
                    }
                    return time.nanos();
                },
                "lameDuck",
                "off");
        CompletableFuture<Ticket> admission =
                CompletableFuture.supplyAsync(() -> drain.enterUpload(TestUpload.ofLength(10)));
        awaitUninterrupted(entered);
        CompletableFuture<DrainReport> outcome = drain.start("now", timeout(Duration.ZERO));
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(Duration.ofNanos(drain.step())).as("looks again soon").isLessThan(Duration.ofMillis(100));

        mayRegister.countDown();
        Ticket ticket = admission.get(30, TimeUnit.SECONDS);
        drain.step();
        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(result(outcome).abandoned()).hasSize(1);
        ticket.close();
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void anAdmissionThatFailsHalfwayHoldsNothing() {
        boolean[] broken = {false};
        NodeDrain drain = time.drain(
                () -> {
                    if (broken[0]) {
                        throw new OutOfMemoryError("for this test");
                    }
                    return time.nanos();
                },
                "lameDuck",
                "off");
        broken[0] = true;
        assertThatThrownBy(() -> drain.enterUpload(TestUpload.ofLength(1))).isInstanceOf(OutOfMemoryError.class);
        broken[0] = false;

        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINED);
    }
}
