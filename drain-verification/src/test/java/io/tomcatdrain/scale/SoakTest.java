package io.tomcatdrain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Drains come and go under load for a minute, half of it with either kind of servlet, and nothing is left behind; the program itself is for hours. */
class SoakTest {
    @ParameterizedTest
    @EnumSource
    void leavesNothingBehind(Mode mode) throws Exception {
        assertThat(Soak.run(mode, Duration.ofSeconds(30), Duration.ofSeconds(5)))
                .isTrue();
    }
}
