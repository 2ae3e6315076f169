package io.tomcatdrain;

import static io.tomcatdrain.Commands.result;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The phases of a drain that nothing disturbs: from SERVING to DRAINED. */
class DrainPhasesTest {
    private final FakeTicker time = new FakeTicker();

    @Test
    void servesUntilSomebodyDrains() {
        NodeDrain drain = time.drain();
        time.advanceSeconds(3600);

        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.isReady()).isTrue();
        assertThat(drain.enterRequest()).isNotNull();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNotNull();
    }

    @Test
    void walksThroughAllPhasesAndIsDrainedWithTheLastHolder() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "5s");
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
        NodeDrain drain = time.drain();
        Changes changes = Changes.of(drain);

        DrainReport report = result(drain.start("upgrade"));

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(report)
                .isEqualTo(
                        new DrainReport(DrainReport.Outcome.DRAINED, "upgrade", 0, 0, 0, 0, 0, List.of(), List.of()));
        assertThat(changes.all())
                .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> DRAINED");
    }

    @Test
    void staysDrainedForEverWithoutBeingTouched() {
        NodeDrain drain = time.drain();
        drain.start("upgrade");
        time.advance(Duration.ofDays(30));

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.step()).as("nothing is waited for").isEqualTo(-1);
    }

    @Test
    void refusedTrafficDuringAndAfterTheDrainChangesNothing() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
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
}
