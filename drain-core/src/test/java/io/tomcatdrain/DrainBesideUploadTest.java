package io.tomcatdrain;

import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drains of a node that serves what comes beside an upload, since nobody can send it elsewhere before that has ended. */
class DrainBesideUploadTest {
    private final FakeTicker time = new FakeTicker();
    private NodeDrain drain;

    private Ticket beginDrainWithUpload(String... settings) {
        drain = time.drain(settings);
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        var unused = drain.start("upgrade");
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        return upload;
    }

    private Ticket besideUpload() {
        return drain.enterRequest(null, () -> true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "off"})
    void isServedAndWaitedForAndCountedOnce(String openUploads) {
        Ticket upload = beginDrainWithUpload("lameDuck", "off", "openUploads", openUploads);
        Ticket beside = besideUpload();
        assertThat(drain.enterRequest(null, () -> false)).isNull();
        assertThat(drain.status().inFlight().requests()).isEqualTo(1);

        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        beside.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().inFlight().requests()).isZero();
        assertThat(drain.status().totals().requestsCompleted()).isEqualTo(1);
        assertThat(drain.status().report().finished()).isEqualTo(2);
        assertThat(drain.status().report().refused()).isEqualTo(1);

        assertThat(besideUpload()).as("once it is over").isNull();
        assertThat(drain.status().totals().refused()).isEqualTo(2);
    }

    @Test
    void isNotServedIfItBeginsAnUpload() {
        Ticket upload = beginDrainWithUpload("lameDuck", "off");
        assertThat(drain.enterRequest(drain.part(Parts.creation("s", 100)), () -> true))
                .isNull();
        assertThat(drain.enterRequest(drain.part(Parts.page("s")), () -> true)).isNotNull();
        assertThat(drain.status().totals().refused()).isEqualTo(1);
        upload.close();
    }

    @Test
    void hasRequestTimeoutOnceNothingElseIsLeft() {
        Ticket upload = beginDrainWithUpload("lameDuck", "off", "requestTimeout", "30s");
        besideUpload();
        time.advance(Duration.ofMinutes(2));
        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.advance(Duration.ofSeconds(30).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void isGivenUpWhenUploadsAre() {
        beginDrainWithUpload("lameDuck", "off", "uploadTimeout", "10m");
        time.advance(Duration.ofMinutes(10).minusNanos(1));
        besideUpload();
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void isGivenUpByACommandThatEndsTheWaiting() {
        beginDrainWithUpload("lameDuck", "off");
        besideUpload();
        time.advanceSeconds(1);
        var unused = drain.start("at once", timeout(Duration.ZERO));
        time.settle();
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void endsWellOnANodeThatServesAgain() {
        Ticket upload = beginDrainWithUpload("lameDuck", "off");
        Ticket beside = besideUpload();
        drain.resume();
        Ticket later = besideUpload();
        beside.close();
        later.close();
        upload.close();
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.status().inFlight().requests()).isZero();
        assertThat(drain.status().totals().requestsCompleted()).isEqualTo(2);
        var unused = drain.start("again");
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void anUploadThatIsGivenUpHoldsNothing() {
        drain = time.drain("lameDuck", "off", "stallTimeout", "60s");
        TestUpload moving = TestUpload.ofLength(1000);
        Ticket other = drain.enterUpload(TestUpload.unseen());
        Ticket upload = drain.enterUpload(moving);
        var unused = drain.start("upgrade");
        time.settle();
        assertThat(drain.holdsUpload(source -> source == moving)).isTrue();
        assertThat(drain.holdsUpload(source -> false)).isFalse();
        time.advanceSeconds(61);
        assertThat(drain.holdsUpload(source -> source == moving)).isFalse();
        moving.receives(10);
        time.advanceSeconds(2);
        assertThat(drain.holdsUpload(source -> source == moving)).isTrue();
        upload.close();
        assertThat(drain.holdsUpload(source -> source == moving)).isFalse();
        other.close();
    }

    // ---------------------------------------------------------------- looks

    @Test
    void theAdapterLooksAboutOnceASecondWhileTheNodeLeavesAndWhenTheDrainIsOver() {
        drain = time.drain("lameDuck", "10m");
        AtomicInteger looks = new AtomicInteger();
        drain.onLook(looks::incrementAndGet);
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        time.advanceSeconds(5);
        assertThat(looks).hasValue(0);

        var unused = drain.start("upgrade");
        awaitLookAfterASecond(looks);
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofMinutes(10));
        awaitLookAfterASecond(looks);
        assertThat(drain.state()).isEqualTo(DRAINING);
        int before = looks.get();
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        await().until(() -> looks.get() > before);
    }

    /** One that falls into the end of the look before is left out, and comes a second later. */
    private void awaitLookAfterASecond(AtomicInteger looks) {
        await().until(() -> looks.get() > 0);
        int before = looks.get();
        await().until(() -> {
            time.advanceSeconds(1);
            return looks.get() > before;
        });
    }
}
