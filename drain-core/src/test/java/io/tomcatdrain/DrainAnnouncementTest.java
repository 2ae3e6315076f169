package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Listeners that tell callers that the node leaves: the lame duck waits for them and their callers. */
class DrainAnnouncementTest {
    private static final Duration CALLERS_GO_ON = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final FakeTicker time = new FakeTicker();
    private final List<String> registry = new CopyOnWriteArrayList<>();
    private final DrainListener leaving =
            DrainListener.announcing(CALLERS_GO_ON, () -> registry.add("left"), () -> registry.add("came back"));

    @Test
    void theLameDuckLastsUntilTheCallersKnow() throws Exception {
        NodeDrain drain = time.drain();
        drain.onStateChange(leaving);
        drain.start("upgrade");
        assertThat(drain.awaitListeners(PATIENCE)).isTrue();
        assertThat(registry).containsExactly("left");

        time.advance(CALLERS_GO_ON.minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        assertThat(drain.enterRequest()).as("served").isNotNull();
        time.advance(Duration.ofNanos(1));
        assertThat(drain.enterRequest()).as("refused").isNull();
    }

    @Test
    void theTimeCountsFromTheMomentAtWhichTheListenerHasDoneIt() throws Exception {
        NodeDrain drain = time.drain();
        CountDownLatch mayLeave = new CountDownLatch(1);
        drain.onStateChange(DrainListener.announcing(CALLERS_GO_ON, () -> await(mayLeave), () -> {}));
        drain.start("upgrade");
        time.advance(Duration.ofSeconds(12));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);

        mayLeave.countDown();
        assertThat(drain.awaitListeners(PATIENCE)).isTrue();
        time.advance(Duration.ofSeconds(9));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofSeconds(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aListenerThatHangsOrAsksForMoreKeepsItNoLongerThanItsTimeout() throws Exception {
        NodeDrain drain = time.drain("lameDuckTimeout", "20s");
        CountDownLatch never = new CountDownLatch(1);
        drain.onStateChange(DrainListener.announcing(CALLERS_GO_ON, () -> await(never), () -> {}));
        drain.onStateChange(DrainListener.announcing(Duration.ofDays(400_000), () -> {}, () -> {}));
        drain.start("upgrade");
        time.advance(Duration.ofSeconds(20).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
        never.countDown();
    }

    @Test
    void aListenerThatFailsIsWaitedForLikeAnyOther() throws Exception {
        NodeDrain drain = time.drain();
        drain.onStateChange(DrainListener.announcing(
                CALLERS_GO_ON,
                () -> {
                    throw new IllegalStateException("no registry");
                },
                () -> {}));
        drain.start("upgrade");
        assertThat(drain.awaitListeners(PATIENCE)).isTrue();
        time.advance(CALLERS_GO_ON.minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void eachDrainIsAnnouncedAndUndone() throws Exception {
        NodeDrain drain = time.drain();
        drain.onStateChange(leaving);
        for (int i = 0; i < 3; i++) {
            drain.start("so far not told of it");
            drain.resume();
        }
        drain.start("upgrade");
        assertThat(drain.awaitListeners(PATIENCE)).isTrue();
        assertThat(registry).containsExactly("left", "came back", "left", "came back", "left", "came back", "left");
        time.advance(CALLERS_GO_ON.minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void itSaysWhyItWaitsAndDoesNotSayThatNobodyAsks() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            drain.onStateChange(leaving);
            drain.start("upgrade");
            assertThat(log.lines())
                    .anyMatch(line -> line.contains("until a listener has told its callers of the drain and [10s]"))
                    .noneMatch(line -> line.contains("nobody has asked for readiness"));
        }
    }

    @Test
    void aLameDuckThatIsSetIsWhatWasSet() throws Exception {
        NodeDrain fixed = time.drain("lameDuck", "3s");
        fixed.onStateChange(leaving);
        fixed.start("upgrade");
        time.advance(Duration.ofSeconds(3));
        assertThat(fixed.state()).isEqualTo(DRAINED);

        NodeDrain off = time.drain("lameDuck", "off");
        off.onStateChange(leaving);
        off.start("upgrade");
        assertThat(off.state()).isEqualTo(DRAINED);
    }

    @Test
    void aListenerThatHasGoneIsNotWaitedFor() {
        NodeDrain drain = time.drain();
        drain.onStateChange(leaving).close();
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void oneThatComesInTheLameDuckIsNotWaitedFor() throws Exception {
        NodeDrain drain = time.drain("lameDuckTimeout", "20s");
        DrainListener.Registration first = drain.onStateChange(leaving);
        drain.start("upgrade");
        drain.onStateChange(DrainListener.announcing(Duration.ofSeconds(15), () -> {}, () -> {}));
        first.close();
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
        drain.resume();
        assertThat(drain.state()).isEqualTo(SERVING);
        drain.start("the next");
        assertThat(drain.awaitListeners(PATIENCE)).isTrue();
        time.advance(Duration.ofSeconds(15).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
