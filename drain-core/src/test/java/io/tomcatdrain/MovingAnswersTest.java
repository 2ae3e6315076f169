package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** While an answer moves, no request is given up before uploads are. */
class MovingAnswersTest {
    private final FakeTicker time = new FakeTicker();
    private final AtomicBoolean moves = new AtomicBoolean(true);
    private final AtomicBoolean leaves = new AtomicBoolean();

    private NodeDrain drain() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.onAnswers(moves::get, leaves::get);
        return drain;
    }

    @Test
    void anAnswerThatMovesIsWaitedFor() {
        NodeDrain drain = drain();
        Ticket download = drain.enterRequest();
        var unused = drain.start("upgrade");
        time.advance(Duration.ofMinutes(8));
        assertThat(drain.state()).isEqualTo(DRAINING);
        download.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void oneThatNoLongerMovesIsGivenUpAtTheNextLook() {
        NodeDrain drain = drain();
        drain.enterRequest();
        var unused = drain.start("upgrade");
        time.advance(Duration.ofMinutes(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        moves.set(false);
        time.advanceSeconds(1);
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void noneIsWaitedForLongerThanUploadsAre() {
        NodeDrain drain = drain();
        drain.enterRequest();
        var unused = drain.start("upgrade");
        time.advance(Duration.ofMinutes(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    /** The container sends it although its request is over; nothing tells its end. */
    @Test
    void aFileThatLeavesByItselfIsWaitedFor() {
        NodeDrain drain = drain();
        leaves.set(true);
        var unused = drain.start("upgrade");
        time.advance(Duration.ofMinutes(2));
        assertThat(drain.state()).isEqualTo(DRAINING);
        leaves.set(false);
        time.advance(Duration.ofMillis(100));
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aFileThatStandsStillIsGivenUp() {
        NodeDrain drain = drain();
        leaves.set(true);
        moves.set(false);
        var unused = drain.start("upgrade");
        time.advance(Duration.ofSeconds(30));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aFaultInTheAdapterHoldsNothing() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.onAnswers(
                () -> {
                    throw new IllegalStateException("on purpose");
                },
                () -> {
                    throw new LinkageError("on purpose");
                });
        drain.enterRequest();
        var unused = drain.start("upgrade");
        time.advance(Duration.ofSeconds(30));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }
}
