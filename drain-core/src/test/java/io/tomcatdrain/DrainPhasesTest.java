package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** From SERVING to DRAINED or EXPIRED. */
class DrainPhasesTest {
    private static final Duration ZERO = Duration.ZERO;

    private final FakeTicker time = new FakeTicker();

    private static DrainLimits timeout(Duration timeout) {
        return new DrainLimits(timeout, null);
    }

    private static DrainReport result(CompletableFuture<DrainReport> outcome) throws Exception {
        return outcome.get(30, TimeUnit.SECONDS);
    }

    private void poll(Drain drain, int times, Duration interval) {
        for (int i = 0; i < times; i++) {
            time.advance(interval);
            drain.pollReadiness("10.0.0.1", "balancer");
        }
    }

    // ---------------------------------------------------------------- the plain way

    @Test
    void servesUntilSomebodyDrains() {
        Drain drain = time.drain();
        time.advanceSeconds(3600);

        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.isReady()).isTrue();
        assertThat(drain.enterRequest()).isNotNull();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNotNull();
    }

    @Test
    void walksThroughAllPhasesAndIsDrainedWithTheLastHolder() throws Exception {
        Drain drain = time.drain("lameDuck", "5s");
        Changes changes = Changes.of(drain);
        Ticket request = drain.enterRequest();
        Ticket upload = drain.enterUpload(TestUpload.ofLength(10));

        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        assertThat(drain.isReady()).isFalse();
        Ticket late = drain.enterRequest();
        assertThat(late).as("a lame duck serves").isNotNull();

        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.enterRequest()).isNull();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNull();

        request.close();
        late.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.enterRequest()).isNull();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNull();

        assertThat(result(outcome).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(changes.all())
                .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> DRAINED");
    }

    @Test
    void anEmptyNodeThatNobodyProbesIsDrainedAtOnce() throws Exception {
        Drain drain = time.drain();
        Changes changes = Changes.of(drain);

        DrainReport report = result(drain.start("upgrade"));

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(report).isEqualTo(new DrainReport(DrainReport.Outcome.DRAINED, "upgrade", 0, 0, 0, 0, List.of()));
        assertThat(changes.all())
                .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> DRAINED");
    }

    @Test
    void staysDrainedForEverWithoutBeingTouched() {
        Drain drain = time.drain();
        drain.start("upgrade");
        time.advance(Duration.ofDays(30));

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.step()).as("nothing is waited for").isEqualTo(-1);
    }

    @Test
    void refusedTrafficDuringAndAfterTheDrainChangesNothing() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
        Changes changes = Changes.of(drain);
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        for (int i = 0; i < 1000; i++) {
            assertThat(drain.enterRequest()).isNull();
            assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNull();
        }
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 1, 0));

        request.close();
        time.settle();
        for (int i = 0; i < 1000; i++) {
            assertThat(drain.enterRequest()).isNull();
        }
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().totals().refused()).isEqualTo(3000);
        assertThat(changes.all()).endsWith("DRAINING -> DRAINED").hasSize(3);
    }

    // ---------------------------------------------------------------- lame duck

    @Test
    void withoutALameDuckRefusesAtOnce() {
        Drain drain = time.drain("lameDuck", "off");
        poll(drain, 3, Duration.ofSeconds(1));
        drain.enterRequest();

        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aFixedLameDuckLastsAsLongAsItSaysWhateverProbersSee() {
        Drain drain = time.drain("lameDuck", "20s");
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(1));
        drain.start("upgrade");
        poll(drain, 10, Duration.ofSeconds(1));

        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckEndsOnceTheProberHasSeenItAndOneMoreSecondHasPassed() {
        Drain drain = time.drain();
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(2));
        drain.start("upgrade");

        poll(drain, 3, Duration.ofSeconds(2));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofSeconds(1).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckNoLongerWaitsForAProberThatDies() {
        Drain drain = time.drain();
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(2));
        drain.start("upgrade");
        poll(drain, 1, Duration.ofSeconds(2));

        time.advance(Duration.ofSeconds(6).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckEndsAtItsLimit() {
        Drain drain = time.drain("lameDuckTimeout", "10s", "probeFailures", "5");
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(2));
        time.advanceSeconds(1); // five polls from here need 9 seconds and one more
        drain.start("upgrade");
        poll(drain, 1, Duration.ofSeconds(1));
        poll(drain, 3, Duration.ofSeconds(2));
        time.advance(Duration.ofSeconds(3).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckIsSkippedWithAWarningWhereNobodyProbes() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            Drain drain = time.drain();
            Ticket request = drain.enterRequest();
            drain.start("upgrade");

            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();
            assertThat(log.warnings())
                    .singleElement()
                    .asString()
                    .startsWith("drain[test] nobody has asked for readiness")
                    .contains("[/drain/ready]", "lameDuck");
            request.close();
        }
    }

    @Test
    void doesNotWarnWhereTheFrontEndReplaysWhatIsRefused() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            Drain drain = time.drain();
            drain.noteReplayingFrontEnd();

            drain.start("upgrade");
            assertThat(drain.awaitListeners(10, TimeUnit.SECONDS)).isTrue();

            assertThat(log.warnings()).isEmpty();
        }
    }

    @Test
    void aProberThatIsTooSlowIsNamedAndNotWaitedFor() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            Drain drain = time.drain();
            drain.enterRequest();
            poll(drain, 3, Duration.ofSeconds(60));
            drain.start("upgrade");

            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();
            assertThat(log.warnings())
                    .anySatisfy(line -> assertThat(line)
                            .contains("lameDuckTimeout [30s]", "probeFailures [3]", "10.0.0.1", "60000 ms"));
        }
    }

    @Test
    void readinessPollsAreAnsweredWithTheState() {
        Drain drain = time.drain("lameDuck", "5s");
        assertThat(drain.pollReadiness("10.0.0.1", null)).isTrue();
        drain.start("upgrade");
        assertThat(drain.pollReadiness("10.0.0.1", null)).isFalse();
        time.advanceSeconds(5);
        assertThat(drain.pollReadiness("10.0.0.1", null)).isFalse();
        drain.resume();
        assertThat(drain.pollReadiness("10.0.0.1", null)).isTrue();
    }

    // ---------------------------------------------------------------- limits

    @Test
    void requestsHoldForRequestTimeoutAndUploadsLonger() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade");

        time.advance(Duration.ofSeconds(30).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void requestsThatEndInTimeExpireNothing() {
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off", "uploadTimeout", "10s", "requestTimeout", "60s");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
            Drain drain = time.drain("lameDuck", "off");
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
            assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();
            assertThat(log.warnings()).last().asString().startsWith("drain[test] [too?late] asked to hold");
        }
    }

    @Test
    void aStalledUploadIsGivenUpWhileTheOthersAreWaitedFor() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
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

    @Test
    void aByteInBetweenBeginsTheStallAnew() {
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain("lameDuck", "off");
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
        Drain drain = time.drain(
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
        CompletableFuture<DrainReport> outcome = drain.start("now", timeout(ZERO));
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
        Drain drain = time.drain(
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

    // ---------------------------------------------------------------- joining

    @Test
    void aSecondCommandJoinsTheDrainThatRuns() throws Exception {
        Drain drain = time.drain("lameDuck", "5s");
        Changes changes = Changes.of(drain);
        Ticket request = drain.enterRequest();
        CompletableFuture<DrainReport> first = drain.start("first");
        time.advanceSeconds(2);
        CompletableFuture<DrainReport> second = drain.start("second");
        time.advanceSeconds(3);
        CompletableFuture<DrainReport> third = drain.start("third");
        assertThat(drain.state()).isEqualTo(DRAINING);
        request.close();
        time.settle();
        CompletableFuture<DrainReport> fourth = drain.start("fourth");

        assertThat(result(first).reason()).isEqualTo("first");
        assertThat(List.of(result(second), result(third), result(fourth)))
                .allMatch(report -> report.equals(drain.status().report()));
        assertThat(changes.all()).hasSize(3);
    }

    @Test
    void aCommandMayShortenTheWait() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(100);
        drain.start("hurry", timeout(Duration.ofSeconds(20)));
        time.advance(Duration.ofSeconds(20).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aCommandMayLengthenTheWaitForUploads() {
        Drain drain = time.drain("lameDuck", "off");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advance(Duration.ofMinutes(9));
        drain.start("take your time", timeout(Duration.ofHours(2)));
        time.advance(Duration.ofMinutes(119));
        assertThat(drain.state()).isEqualTo(DRAINING);
        drain.start("still in no hurry", timeout(Duration.ofHours(1)));
        time.advance(Duration.ofMinutes(59));
        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aLongerDeadlineDoesNotLengthenTheWaitForOtherRequests() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade", timeout(Duration.ofHours(1)));
        time.advanceSeconds(30);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aJoiningCommandWithoutADeadlineKeepsTheOneThatWasSet() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade", timeout(Duration.ofSeconds(20)));
        time.advanceSeconds(10);
        drain.start("me too");
        time.advanceSeconds(10);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void theDeadlineOfOneDrainIsNotTheNextOnes() {
        Drain drain = time.drain("lameDuck", "off");
        drain.start("upgrade", timeout(ZERO));
        drain.resume();
        drain.enterUpload(TestUpload.unseen());
        drain.start("again");
        time.advanceSeconds(60);

        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void theDeadlineEndsTheLameDuckToo() {
        Drain drain = time.drain("lameDuck", "1h");
        drain.enterRequest();
        drain.start("upgrade", timeout(Duration.ofSeconds(10)));
        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aTimeoutOfZeroEndsALameDuckWithHoldersAsExpired() throws Exception {
        Drain drain = time.drain("lameDuck", "1h");
        Changes changes = Changes.of(drain);
        drain.enterRequest();
        drain.enterUpload(TestUpload.unseen());
        drain.hold("import");
        drain.start("upgrade");
        drain.start("now", timeout(ZERO));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().report().abandoned()).hasSize(1);
        assertThat(changes.all())
                .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> EXPIRED");
    }

    @Test
    void aTimeoutOfZeroEndsAnEmptyLameDuckAsDrained() {
        Drain drain = time.drain("lameDuck", "1h");
        drain.start("upgrade");
        drain.start("now", timeout(ZERO));

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aTimeoutOfZeroEndsTheWaitingAtOnce() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(5);
        drain.start("now", timeout(ZERO));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aTimeoutOfZeroOnAServingNodeGivesUpWhoeverIsInside() {
        Drain drain = time.drain("lameDuck", "1h");
        drain.enterUpload(TestUpload.unseen());
        drain.start("now", timeout(ZERO));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void theReasonIsBoundedAndCannotForgeALogLine() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("line\nforged" + "x".repeat(300));

        assertThat(drain.status().reason()).hasSize(200).startsWith("line?forged");
    }

    // ---------------------------------------------------------------- stopping

    @Test
    void aStopIsFittedIntoKillAfter() {
        Drain drain = time.drain("lameDuck", "20s", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("SIGTERM", true);

        time.advance(Duration.ofMillis(13_500).minusNanos(1));
        assertThat(drain.state()).as("half of 27 s for the lame duck").isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofMillis(13_500).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aCommandIsNotFittedIntoKillAfterUntilTheStopComes() {
        Drain drain = time.drain("lameDuck", "off", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(120);
        assertThat(drain.state()).isEqualTo(DRAINING);
        drain.startForStop("SIGTERM", true);
        time.advance(Duration.ofSeconds(27).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aCommandsLongerDeadlineDoesNotOutliveKillAfter() {
        Drain drain = time.drain("lameDuck", "off", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("SIGTERM", true);
        drain.start("take your time", timeout(Duration.ofHours(1)));
        time.advanceSeconds(27);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aSecondStopDoesNotPostponeTheKillThatTheFirstAnnounced() {
        Drain drain = time.drain("lameDuck", "off", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("shutdown port", true);
        time.advanceSeconds(20);
        drain.startForStop("SIGTERM", true);
        time.advanceSeconds(7);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aStopThatNothingNewCanReachNeedsNoLameDuck() {
        Drain drain = time.drain("lameDuck", "20s", "uploadTimeout", "30s");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.startForStop("undeploy", false);
        time.advanceSeconds(1);
        assertThat(drain.state()).isEqualTo(LAME_DUCK);

        drain.endLameDuck();

        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().report().lameDuckMillis()).isEqualTo(1000);
    }

    @Test
    void theEndOfALameDuckIsForThatOneDrainOnly() {
        Drain drain = time.drain("lameDuck", "20s");
        drain.endLameDuck();
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        drain.endLameDuck();
        drain.resume();
        drain.start("again");
        time.advanceSeconds(19);

        assertThat(drain.state()).isEqualTo(LAME_DUCK);
    }

    @Test
    void aStopOfADrainedNodeIsOverAtOnce() {
        Drain drain = time.drain("killAfter", "30s");
        drain.start("upgrade");

        drain.startForStop("SIGTERM", true);

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().report().reason()).isEqualTo("upgrade");
    }

    @Test
    void closingADrainGivesUpWhateverItWaitsFor() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.enterRequest();
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        drain.close();

        assertThat(result(outcome).outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        assertThat(drain.step()).isEqualTo(-1);
    }

    @Test
    void closingTheDrainOfAServingNodeChangesNothing() {
        Drain drain = time.drain();
        drain.close();

        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.enterRequest()).isNotNull();
    }

    // ---------------------------------------------------------------- dropped by the container

    @Test
    void requestsThatTheContainerDroppedWithoutAWordAreSweptWhileDraining() {
        Drain drain = time.drain("lameDuck", "off");
        boolean[] gone = {false};
        Ticket tracked = drain.track(drain.enterRequest(), () -> gone[0]);
        TestUpload upload = TestUpload.ofLength(100);
        Ticket ticket = drain.enterUpload(upload);
        drain.start("upgrade");
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINING);
        gone[0] = true;
        upload.isDroppedByTheContainer();
        time.advanceSeconds(1);

        assertThat(drain.state()).isEqualTo(DRAINED);
        tracked.close();
        ticket.close();
        assertThat(drain.status().totals()).isEqualTo(new DrainStatus.Totals(0, 1, 1, 0, 0));
    }

    @Test
    void requestsThatTheContainerDroppedAreSweptWheneverSomebodyLooks() {
        Drain drain = time.drain();
        boolean[] gone = {false};
        drain.track(drain.enterRequest(), () -> gone[0]);
        assertThat(drain.status().inFlight().requests()).isOne();
        gone[0] = true;

        assertThat(drain.status().inFlight().requests()).isZero();
    }

    @Test
    void aTrackedTicketCountsOnceAndUploadsNeedNoTracking() {
        Drain drain = time.drain();
        Ticket tracked = drain.track(drain.enterRequest(), () -> false);
        Ticket upload = drain.enterUpload(TestUpload.ofLength(1));
        assertThat(drain.track(tracked, () -> true)).isSameAs(tracked);
        assertThat(drain.track(upload, () -> true)).isSameAs(upload);
        drain.enterRequest();
        tracked.close();
        tracked.close();

        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(1, 1, 0));
    }

    // ---------------------------------------------------------------- waiting

    @Test
    void nobodyIsAwaitedWhileServing() throws Exception {
        Drain drain = time.drain();

        assertThat(drain.awaitDrained(Long.MAX_VALUE)).isFalse();
        assertThat(drain.awaitOver(Long.MAX_VALUE)).isFalse();
    }

    @Test
    void waitingEndsWithTheOutcome() throws Exception {
        Drain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        assertThat(drain.awaitDrained(0)).isFalse();
        assertThat(drain.awaitDrained(-1)).isFalse();
        assertThat(drain.awaitOver(1)).isFalse();
        request.close();
        time.settle();
        assertThat(drain.awaitDrained(0)).isTrue();
        assertThat(drain.awaitOver(Long.MAX_VALUE)).isTrue();
        drain.resume();
        drain.enterRequest();
        drain.start("again", timeout(ZERO));

        assertThat(drain.awaitDrained(Long.MAX_VALUE)).as("expired").isFalse();
        assertThat(drain.awaitOver(Long.MAX_VALUE)).isTrue();
    }

    @Test
    void anInterruptEndsTheWaitAsInterrupted() {
        Drain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade");
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> drain.awaitDrained(Long.MAX_VALUE)).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aStepTellsHowLongNothingIsDue() {
        Drain drain = time.drain("lameDuck", "5s");
        List<Long> waits = new ArrayList<>();
        waits.add(drain.step());
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        waits.add(drain.step());
        time.advanceSeconds(5);
        waits.add(drain.step());
        time.advance(Duration.ofSeconds(600).minusMillis(1));
        waits.add(drain.step());
        upload.close();
        drain.step();
        waits.add(drain.step());

        assertThat(waits).containsExactly(-1L, 5_000_000_000L, 1_000_000_000L, 1_000_000L, -1L);
    }
}
