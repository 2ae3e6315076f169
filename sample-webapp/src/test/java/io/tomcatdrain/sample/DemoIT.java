package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs the demo as a user does, and sees that it can fail. */
@Tag("after-fleets")
class DemoIT {
    @Test
    void losesNothing() throws Exception {
        try (var demo = SampleProcess.start("demo")) {
            assertThat(demo.exitStatus()).as(demo.output()).isZero();
            assertThat(demo.output())
                    .contains("failure 3 of 3")
                    .containsPattern("DRAINING, uploads in flight: [1-4]")
                    .containsPattern("Retry-After: [56], X-Drain: refused")
                    .containsPattern("told to stop, with [1-4] uploads under way")
                    .contains("video.mp4: 200, size, fields and SHA-256 are right")
                    .contains("backup.tar: 200, size, fields and SHA-256 are right")
                    .contains("The report: DRAINED")
                    .endsWith("Nothing was lost.");
        }
    }

    @Test
    void failsWithoutTheValve() throws Exception {
        try (var demo = SampleProcess.start("demo", "--without-valve")) {
            assertThat(demo.exitStatus()).as(demo.output()).isEqualTo(1);
            assertThat(demo.output())
                    .contains("FAILED:")
                    .containsPattern("(?m)^  lost \\S+: ")
                    .doesNotContain("Nothing was lost");
        }
    }

    @Test
    void handsASocketOverAndLosesNothing() throws Exception {
        try (var handover = SampleProcess.start("handover")) {
            assertThat(handover.exitStatus()).as(handover.output()).isZero();
            assertThat(handover.output())
                    .contains("green is ready, so blue is told to stop")
                    .contains("blue has ended")
                    .endsWith("Nothing was lost.");
        }
    }

    @Test
    void refusesTooShortAPlay() throws Exception {
        try (var demo = SampleProcess.start("demo", "--seconds", "2")) {
            assertThat(demo.exitStatus()).isEqualTo(2);
            assertThat(demo.output()).contains("--seconds [2] is less than 6");
        }
    }
}
