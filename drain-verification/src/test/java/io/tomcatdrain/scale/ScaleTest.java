package io.tomcatdrain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A node takes hundreds of uploads at once, shows all, and is drained and stopped under them: none is lost. */
class ScaleTest {
    private static final int UPLOADS = 500;

    @ParameterizedTest
    @EnumSource(Mode.class)
    void noneOfManyIsLost(Mode mode) throws Exception {
        Scenario.Seen seen = Scenario.run(mode, UPLOADS, 4 * 1024, Duration.ofSeconds(1));

        assertThat(seen.listed()).as("listed by the status").isEqualTo(UPLOADS);
        assertThat(seen.inJmx()).as("listed by JMX").isEqualTo(UPLOADS);
        assertThat(seen.refused()).as("answer to a late upload").isEqualTo(503);
        assertThat(seen.others()).as("lost or wrong").isEmpty();
        assertThat(seen.right()).isEqualTo(UPLOADS);
        assertThat(seen.outcome()).isEqualTo("DRAINED");
        assertThat(seen.exit()).isZero();
    }
}
