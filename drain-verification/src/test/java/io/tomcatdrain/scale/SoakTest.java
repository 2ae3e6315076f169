package io.tomcatdrain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Drains come and go under load for a moment, and nothing is left behind; the program itself is for hours. */
class SoakTest {
    @Test
    void leavesNothingBehind() throws Exception {
        assertThat(Soak.run(Mode.BLOCKING, Duration.ofMillis(300), Duration.ofMillis(300)))
                .isTrue();
    }
}
