package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What consoles and metrics ask a drain for. */
class DrainSummaryTest {
    private final FakeTicker time = new FakeTicker();

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
                status.inFlight(),
                status.totals(),
                status.probers(),
                List.of(),
                status.report());
    }

    @Test
    void theSummaryIsTheStatusWithoutItsUploads() {
        Drain drain = time.drain("lameDuck", "10s");
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
        Drain drain = time.drain("lameDuck", "10s");
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
        Drain drain = time.drain();
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
        Drain drain = time.drain();
        drain.enterUpload(TestUpload.ofLength(1000).receives(500));
        drain.enterUpload(TestUpload.ofUnknownLength().receives(500));
        time.advanceSeconds(1);

        assertThat(drain.status().etaMillis()).isEqualTo(-1);
    }
}
