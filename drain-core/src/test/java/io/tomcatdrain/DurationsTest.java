package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
    @ParameterizedTest
    @CsvSource({
        "500ms, PT0.5S",
        "30s, PT30S",
        "10m, PT10M",
        "2h, PT2H",
        "1500, PT1.5S",
        "0, PT0S",
        "0s, PT0S",
        "007s, PT7S",
        "PT30S, PT30S",
        "pt1m, PT1M",
        "P1D, PT24H",
        "PT0.25S, PT0.25S",
        "87600h, PT87600H"
    })
    void readsAWholeNumberWithUnitIsoOrMilliseconds(String text, Duration expected) {
        assertThat(Durations.parse(text)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", " ", "abc", "5 s", " 5s", "5s ", "5S", "5d", "1.5s", "+5s", "s", "PT", "P", "5m30s", "٣s", "1_000"
            })
    void saysTheRuleForWhatIsNoDuration(String text) {
        assertThatThrownBy(() -> Durations.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(Durations.RULE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "-30s", "-1ms", "PT-30S", "-PT30S", "-P1D", "-99999999999999999999s"})
    void refusesNegativeTimes(String text) {
        assertThatThrownBy(() -> Durations.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a duration must not be negative");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "87601h",
                "9223372036854775807",
                "9223372036854775807h",
                "9223372036854775808",
                "99999999999999999999999s",
                "P3651D",
                "PT87600H0.001S"
            })
    void refusesWhatWouldOverflowADeadline(String text) {
        assertThatThrownBy(() -> Durations.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 3650 days");
    }

    @ParameterizedTest
    @CsvSource({
        "PT0S, 0s",
        "PT0.5S, 500ms",
        "PT1.5S, 1500ms",
        "PT30S, 30s",
        "PT90S, 90s",
        "PT10M, 10m",
        "PT90M, 90m",
        "PT2H, 2h",
        "P1D, 24h",
        "PT0.0000005S, PT0.0000005S"
    })
    void writesWhatItReads(Duration duration, String text) {
        assertThat(Durations.format(duration)).isEqualTo(text);
        assertThat(Durations.parse(text)).isEqualTo(duration);
    }
}
