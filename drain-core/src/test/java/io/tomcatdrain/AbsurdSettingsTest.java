package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values that are legal and mean next to nothing: no thread spins for them. The fake time limits the steps of each advance. */
class AbsurdSettingsTest {
    private static final String NEXT_TO_NOTHING = "PT0.000000001S";

    private final FakeTicker time = new FakeTicker();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "stallTimeout",
                "uploadTimeout",
                "requestTimeout",
                "lameDuck",
                "lameDuckTimeout",
                "retryAfter",
                "killAfter"
            })
    void noStepIsTakenAgainAtOnce(String setting) {
        NodeDrain drain = time.drain(setting, NEXT_TO_NOTHING);
        drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        time.advanceSeconds(1);
        drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        TestUpload moving = TestUpload.ofLength(Long.MAX_VALUE);
        drain.enterUpload(moving);
        drain.enterUpload(TestUpload.ofLength(1000).receives(1000).endsItsBody());
        drain.enterRequest();
        drain.hold("import");
        drain.startForStop("SIGTERM", true);
        for (int i = 0; i < 60; i++) {
            moving.receives(1);
            time.advanceSeconds(1);
        }
        time.advance(Duration.ofMinutes(1));

        assertThat(drain.state()).isNotEqualTo(DrainState.SERVING);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 1_000, 1_000_000, 10_000_000, 60_000_000_000L})
    void noLookAtStallsComesSoonerThanAfterTenMilliseconds(long stalledForNanos) {
        assertThat(UploadRegistry.lookNanos(stalledForNanos))
                .isBetween(
                        Duration.ofMillis(10).toNanos(), Duration.ofSeconds(1).toNanos());
    }
}
