package io.tomcatdrain;

import static io.tomcatdrain.Commands.result;
import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A drain for a node that stops: fitted into {@code killAfter}, its lame duck cut short, closed at the end. */
class DrainStoppingTest {
    private static final Duration TEN_YEARS = Duration.ofDays(3650);

    private final FakeTicker time = new FakeTicker();

    @Test
    void aStopIsFittedIntoKillAfter() {
        NodeDrain drain = time.drain("lameDuck", "20s", "killAfter", "30s");
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
        NodeDrain drain = time.drain("lameDuck", "off", "killAfter", "30s");
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
        NodeDrain drain = time.drain("lameDuck", "off", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("SIGTERM", true);
        drain.start("take your time", timeout(Duration.ofHours(1)));
        time.advanceSeconds(27);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aSecondStopDoesNotPostponeTheKillThatTheFirstAnnounced() {
        NodeDrain drain = time.drain("lameDuck", "off", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("shutdown port", true);
        time.advanceSeconds(20);
        drain.startForStop("SIGTERM", true);
        time.advanceSeconds(7);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCommandOfTenYearsIsCutToTheLimitsOfAStop(boolean beforeTheStop) {
        NodeDrain drain = time.drain("lameDuck", "20s", "uploadTimeout", "2m");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.enterRequest();
        drain.hold("import");
        if (beforeTheStop) {
            drain.start("take your time", timeout(TEN_YEARS));
            time.advance(Duration.ofHours(1));
            drain.startForStop("SIGTERM", true);
        } else {
            drain.startForStop("SIGTERM", true);
            drain.start("take your time", timeout(TEN_YEARS));
            time.advanceSeconds(20); // the lame duck, from whose end on the limit counts
        }
        time.advance(Duration.ofMinutes(2).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        upload.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCommandOfTenYearsIsCutToKillAfter(boolean beforeTheStop) {
        NodeDrain drain = time.drain("lameDuck", "off", "killAfter", "30s");
        drain.enterUpload(TestUpload.unseen());
        drain.hold("import");
        if (beforeTheStop) {
            drain.start("take your time", timeout(TEN_YEARS));
            time.advance(Duration.ofHours(1));
        }
        drain.startForStop("SIGTERM", true);
        drain.start("take your time", timeout(TEN_YEARS));
        time.advance(Duration.ofSeconds(27).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aShorterCommandStillEndsAStopSooner() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.startForStop("SIGTERM", true);
        drain.start("hurry", timeout(Duration.ofSeconds(5)));
        time.advanceSeconds(5);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aStopThatNothingNewCanReachNeedsNoLameDuck() {
        NodeDrain drain = time.drain("lameDuck", "20s");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.startForLateStop("undeploy");
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.isStopping()).isTrue();

        upload.close();
        time.settle();
        assertThat(drain.status().report().lameDuckMillis()).isZero();
    }

    @Test
    void aStopThatNothingNewCanReachEndsTheLameDuckThatRuns() {
        NodeDrain drain = time.drain("lameDuck", "20s", "uploadTimeout", "30s");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(1);
        assertThat(drain.state()).isEqualTo(LAME_DUCK);

        drain.startForLateStop("undeploy");

        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().report().lameDuckMillis()).isEqualTo(1000);
    }

    @Test
    void aStopOfADrainedNodeIsOverAtOnce() {
        NodeDrain drain = time.drain("killAfter", "30s");
        drain.start("upgrade");

        drain.startForStop("SIGTERM", true);

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().report().reason()).isEqualTo("upgrade");
    }

    @Test
    void closingADrainGivesUpWhateverItWaitsFor() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.enterRequest();
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        drain.close();

        assertThat(result(outcome).outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        assertThat(drain.step()).isEqualTo(-1);
    }

    @Test
    void closingTheDrainOfAServingNodeChangesNothing() {
        NodeDrain drain = time.drain();
        drain.close();

        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.enterRequest()).isNotNull();
    }
}
