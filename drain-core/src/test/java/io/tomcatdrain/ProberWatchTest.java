package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProberWatchTest {
    private final FakeTicker time = new FakeTicker();
    private final ProberWatch watch = new ProberWatch(3, Duration.ofSeconds(30));

    private void polls(String remote, String agent, boolean ready, int times, Duration interval) {
        for (int i = 0; i < times; i++) {
            watch.polled(remote, agent, ready, time.nanos());
            if (i < times - 1) {
                time.advance(interval);
            }
        }
    }

    private void seesReady(String remote, int times, Duration interval) {
        polls(remote, "probe/1", true, times, interval);
    }

    private void seesDown(String remote, int times, Duration interval) {
        for (int i = 0; i < times; i++) {
            time.advance(interval);
            watch.polled(remote, "probe/1", false, time.nanos());
        }
    }

    private boolean isWaitedFor() {
        return watch.anybodyWaitedFor(time.nanos());
    }

    private Duration untilSeen() {
        return Duration.ofNanos(watch.nanosUntilSeen(time.nanos()));
    }

    @Test
    void nobodyIsWaitedForWhereNobodyAsked() {
        assertThat(isWaitedFor()).isFalse();
        assertThat(untilSeen()).isZero();
        assertThat(watch.snapshot(time.nanos())).isEmpty();
    }

    @Test
    void whoeverAskedOnlyOnceIsNoProber() {
        seesReady("10.0.0.1", 1, Duration.ZERO);

        assertThat(isWaitedFor()).isFalse();
        assertThat(watch.snapshot(time.nanos())).isEmpty();
    }

    @Test
    void whoeverAskedTwiceIsAProberAndWaitedFor() {
        seesReady("10.0.0.1", 2, Duration.ofSeconds(5));

        assertThat(isWaitedFor()).isTrue();
        assertThat(untilSeen()).isPositive();
        assertThat(watch.snapshot(time.nanos())).containsExactly(new DrainStatus.Prober("10.0.0.1", 0));
    }

    @Test
    void addressAndUserAgentTogetherMakeAProberAndNoneIsAValueToo() {
        polls("10.0.0.1", "a", true, 1, Duration.ZERO);
        time.advanceSeconds(1);
        polls("10.0.0.1", null, true, 1, Duration.ZERO);
        time.advanceSeconds(1);
        polls("10.0.0.2", "a", true, 1, Duration.ZERO);
        assertThat(isWaitedFor()).isFalse();

        time.advanceSeconds(1);
        polls("10.0.0.1", null, true, 1, Duration.ZERO);
        assertThat(isWaitedFor()).isTrue();
        assertThat(watch.snapshot(time.nanos())).containsExactly(new DrainStatus.Prober("10.0.0.1", 0));
    }

    @Test
    void aProberIsActiveForThreeOfItsIntervals() {
        seesReady("10.0.0.1", 3, Duration.ofSeconds(5));

        time.advance(Duration.ofSeconds(15).minusNanos(1));
        assertThat(isWaitedFor()).isTrue();
        time.advance(Duration.ofNanos(2));
        assertThat(isWaitedFor()).isFalse();
        assertThat(watch.snapshot(time.nanos())).isEmpty();
    }

    @Test
    void aFastProberIsActiveForTwoSeconds() {
        seesReady("10.0.0.1", 3, Duration.ofMillis(100));

        time.advance(Duration.ofSeconds(2).minusNanos(1));
        assertThat(isWaitedFor()).isTrue();
        time.advance(Duration.ofNanos(2));
        assertThat(isWaitedFor()).isFalse();
    }

    @Test
    void oneOutageDoesNotMakeTheIntervalLong() {
        seesReady("10.0.0.1", 3, Duration.ofSeconds(2));
        time.advanceSeconds(25);
        seesReady("10.0.0.1", 1, Duration.ZERO);

        time.advanceSeconds(7);
        assertThat(isWaitedFor()).as("after more than three times 2 s").isFalse();
    }

    @Test
    void isConvincedByProbeFailuresAndOneMoreIntervalOfAtMostASecond() {
        seesReady("10.0.0.1", 3, Duration.ofSeconds(5));
        watch.forgetDrain();
        seesDown("10.0.0.1", 2, Duration.ofSeconds(5));
        assertThat(untilSeen()).isEqualTo(Duration.ofSeconds(15));

        seesDown("10.0.0.1", 1, Duration.ofSeconds(5));
        assertThat(untilSeen()).isEqualTo(Duration.ofSeconds(1));
        time.advance(Duration.ofSeconds(1).minusNanos(1));
        assertThat(untilSeen()).isEqualTo(Duration.ofNanos(1));
        time.advance(Duration.ofNanos(1));
        assertThat(untilSeen()).isZero();
        assertThat(watch.snapshot(time.nanos())).containsExactly(new DrainStatus.Prober("10.0.0.1", 3));
    }

    @Test
    void theExtraIntervalOfAFastProberIsItsOwn() {
        seesReady("10.0.0.1", 3, Duration.ofMillis(200));
        watch.forgetDrain();
        seesDown("10.0.0.1", 3, Duration.ofMillis(200));

        assertThat(untilSeen()).isEqualTo(Duration.ofMillis(200));
    }

    @Test
    void goingOnToAskAfterBeingConvincedDoesNotProlongTheWait() {
        seesReady("10.0.0.1", 3, Duration.ofMillis(400));
        watch.forgetDrain();
        seesDown("10.0.0.1", 4, Duration.ofMillis(400));

        assertThat(untilSeen()).isZero();
    }

    @Test
    void theSlowestOfSeveralIsWaitedFor() {
        seesReady("10.0.0.1", 3, Duration.ofSeconds(1));
        seesReady("10.0.0.2", 3, Duration.ofMillis(500));
        watch.forgetDrain();
        seesDown("10.0.0.1", 3, Duration.ofMillis(400));
        time.advance(Duration.ofMillis(400));

        assertThat(untilSeen()).as("10.0.0.2 has seen nothing yet").isPositive();
        seesDown("10.0.0.2", 3, Duration.ofMillis(100));
        time.advanceSeconds(1);
        assertThat(untilSeen()).isZero();
    }

    @Test
    void oneThatDiesIsNoLongerWaitedFor() {
        seesReady("10.0.0.1", 3, Duration.ofSeconds(1));
        watch.forgetDrain();
        seesDown("10.0.0.1", 1, Duration.ofSeconds(1));

        Duration wait = untilSeen();
        assertThat(wait).isEqualTo(Duration.ofSeconds(3));
        time.advance(wait);
        assertThat(untilSeen()).isZero();
    }

    @Test
    void oneThatIsTooSlowForTheLameDuckIsNeverWaitedForAndIsNamed() {
        seesReady("10.0.0.9", 3, Duration.ofMillis(10_001));

        assertThat(isWaitedFor()).isFalse();
        assertThat(untilSeen()).isZero();
        assertThat(watch.tooSlow(time.nanos())).singleElement().asString().contains("10.0.0.9", "probe/1", "10001 ms");
    }

    @Test
    void oneThatJustFitsIntoTheLameDuckIsWaitedFor() {
        seesReady("10.0.0.9", 3, Duration.ofSeconds(10));

        assertThat(isWaitedFor()).isTrue();
        assertThat(watch.tooSlow(time.nanos())).isEmpty();
    }

    @Test
    void aNameFromOutsideCannotForgeALogLine() {
        polls("10.0.0.9", "x\r\nINFO forged", true, 3, Duration.ofSeconds(20));

        assertThat(watch.tooSlow(time.nanos()))
                .singleElement()
                .asString()
                .doesNotContain("\n", "\r")
                .contains("x??INFO forged");
    }

    @Test
    void aSlowProberWithoutUserAgentIsNamedWithoutTheWordNull() {
        polls("10.0.0.9", null, true, 3, Duration.ofSeconds(20));

        assertThat(watch.tooSlow(time.nanos())).singleElement().asString().doesNotContain("null");
    }

    @Test
    void oneThatNeverSawTheNodeUpNeedsNoConvincing() {
        seesDown("10.0.0.1", 2, Duration.ofSeconds(1));

        assertThat(isWaitedFor()).isFalse();
        assertThat(untilSeen()).isZero();
    }

    @Test
    void whatWasSeenInAnEarlierDrainDoesNotCount() {
        seesReady("10.0.0.1", 3, Duration.ofSeconds(1));
        watch.forgetDrain();
        seesDown("10.0.0.1", 3, Duration.ofSeconds(1));
        time.advanceSeconds(1);
        assertThat(untilSeen()).isZero();

        watch.forgetDrain();
        assertThat(untilSeen()).isPositive();
        assertThat(watch.snapshot(time.nanos())).containsExactly(new DrainStatus.Prober("10.0.0.1", 0));
    }

    @Test
    void aCrowdThatAsksOnceDoesNotDisplaceProbers() {
        seesReady("10.0.0.1", 3, Duration.ofMillis(500));
        for (int i = 0; i < 1000; i++) {
            seesReady("203.0.113." + i, 1, Duration.ZERO);
        }

        assertThat(watch.snapshot(time.nanos())).containsExactly(new DrainStatus.Prober("10.0.0.1", 0));
        assertThat(isWaitedFor()).isTrue();
    }

    @Test
    void remembersABoundedNumberAndForgetsWhoeverWasSilentForLongest() {
        for (int i = 0; i < 65; i++) {
            seesReady("10.0.1." + i, 2, Duration.ofMillis(1));
        }

        assertThat(watch.snapshot(time.nanos())).hasSize(64).doesNotContain(new DrainStatus.Prober("10.0.1.0", 0));
    }

    @Test
    void veryLongUserAgentsAreCut() {
        polls("10.0.0.9", "x".repeat(10_000), true, 3, Duration.ofSeconds(20));

        assertThat(watch.tooSlow(time.nanos()).get(0)).hasSizeLessThan(300);
    }
}
