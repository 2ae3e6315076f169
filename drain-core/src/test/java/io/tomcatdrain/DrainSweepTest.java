package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Requests that the container dropped without telling: the drain finds and uncounts them itself. */
class DrainSweepTest {
    private final FakeTicker time = new FakeTicker();

    @Test
    void requestsThatTheContainerDroppedWithoutAWordAreSweptWhileDraining() {
        NodeDrain drain = time.drain("lameDuck", "off");
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
        NodeDrain drain = time.drain();
        boolean[] gone = {false};
        drain.track(drain.enterRequest(), () -> gone[0]);
        assertThat(drain.status().inFlight().requests()).isOne();
        gone[0] = true;

        assertThat(drain.status().inFlight().requests()).isZero();
    }

    @Test
    void aTrackedTicketCountsOnceAndUploadsNeedNoTracking() {
        NodeDrain drain = time.drain();
        Ticket tracked = drain.track(drain.enterRequest(), () -> false);
        Ticket upload = drain.enterUpload(TestUpload.ofLength(1));
        assertThat(drain.track(tracked, () -> true)).isSameAs(tracked);
        assertThat(drain.track(upload, () -> true)).isSameAs(upload);
        drain.enterRequest();
        tracked.close();
        tracked.close();

        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(1, 1, 0));
    }
}
