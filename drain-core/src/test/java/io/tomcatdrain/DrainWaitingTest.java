package io.tomcatdrain;

import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a caller that waits for a drain is told, and how long the drain says that nothing is due. */
class DrainWaitingTest {
    private final FakeTicker time = new FakeTicker();

    @Test
    void nobodyIsAwaitedWhileServing() throws Exception {
        NodeDrain drain = time.drain();

        assertThat(drain.awaitDrained(Duration.ofMillis(Long.MAX_VALUE))).isFalse();
        assertThat(drain.awaitOver(Duration.ofMillis(Long.MAX_VALUE))).isFalse();
    }

    @Test
    void waitingEndsWithTheOutcome() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        assertThat(drain.awaitDrained(Duration.ofMillis(0))).isFalse();
        assertThat(drain.awaitDrained(Duration.ofMillis(-1))).isFalse();
        assertThat(drain.awaitOver(Duration.ofMillis(1))).isFalse();
        request.close();
        time.settle();
        assertThat(drain.awaitDrained(Duration.ofMillis(0))).isTrue();
        assertThat(drain.awaitOver(Duration.ofMillis(Long.MAX_VALUE))).isTrue();
        drain.resume();
        drain.enterRequest();
        drain.start("again", timeout(Duration.ZERO));

        assertThat(drain.awaitDrained(Duration.ofMillis(Long.MAX_VALUE)))
                .as("expired")
                .isFalse();
        assertThat(drain.awaitOver(Duration.ofMillis(Long.MAX_VALUE))).isTrue();
    }

    @Test
    void anInterruptEndsTheWaitAsInterrupted() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade");
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> drain.awaitDrained(Duration.ofMillis(Long.MAX_VALUE)))
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aStepTellsHowLongNothingIsDue() {
        NodeDrain drain = time.drain("lameDuck", "5s");
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

        assertThat(waits).containsExactly(-1L, 1_000_000_000L, 1_000_000_000L, 1_000_000L, -1L);
    }
}
