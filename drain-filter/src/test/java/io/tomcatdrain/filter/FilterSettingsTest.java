package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FilterSettingsTest {
    private static final Map<String, String> NONE = Map.of();

    private static Duration uploadTimeout(FilterSettings settings) {
        return settings.values().uploadTimeout();
    }

    @Test
    void nothingSetMeansTheDefaults() {
        FilterSettings settings = FilterSettings.read(NONE, NONE, NONE, NONE);

        assertThat(uploadTimeout(settings)).isEqualTo(Duration.ofMinutes(10));
        assertThat(settings.warnings()).isEmpty();
    }

    @Test
    void whoRunsTheApplicationHasTheLastWord() {
        Map<String, String> property = Map.of("drain.uploadTimeout", "1m");
        Map<String, String> variable = Map.of("DRAIN_UPLOAD_TIMEOUT", "2m");
        Map<String, String> init = Map.of("uploadTimeout", "3m");
        Map<String, String> context = Map.of("drain.uploadTimeout", "4m", "drain.refuse", "uploads", "other", "x");

        assertThat(uploadTimeout(FilterSettings.read(property, variable, init, context)))
                .hasMinutes(1);
        assertThat(uploadTimeout(FilterSettings.read(NONE, variable, init, context)))
                .hasMinutes(2);
        assertThat(uploadTimeout(FilterSettings.read(NONE, NONE, init, context)))
                .hasMinutes(3);
        FilterSettings own = FilterSettings.read(NONE, NONE, NONE, context);
        assertThat(uploadTimeout(own)).hasMinutes(4);
        assertThat(own.values().refuse()).hasToString("UPLOADS");
    }

    @Test
    void messageTellsWhereTheMistakeIs() {
        assertThatThrownBy(() -> FilterSettings.read(Map.of("drain.retryAfter", "soon"), NONE, NONE, NONE))
                .hasMessageStartingWith("retryAfter [soon]: ")
                .hasMessageEndingWith(" (system property [drain.retryAfter])");
        assertThatThrownBy(() -> FilterSettings.read(NONE, Map.of("DRAIN_TOKEN", "short"), NONE, NONE))
                .hasMessageStartingWith("token [***]: ")
                .hasMessageEndingWith(" (environment variable [DRAIN_TOKEN])");
        assertThatThrownBy(() -> FilterSettings.read(NONE, NONE, Map.of("pathh", "/x"), NONE))
                .hasMessage("unknown attribute [pathh]; did you mean [path]? (init parameter [pathh])");
        assertThatThrownBy(() -> FilterSettings.read(NONE, NONE, NONE, Map.of("drain.", "/x")))
                .hasMessageEndingWith("(context parameter [drain.])");
    }

    @Test
    void whatAFilterCannotDoIsAnError() {
        Map<String, String> closes = Map.of("drain.closeListener", "true");

        assertThatThrownBy(() -> FilterSettings.read(closes, NONE, NONE, NONE))
                .hasMessage(
                        "closeListener [true]: a filter cannot close the server's listeners; leave it out, or use the"
                                + " valve (system property [drain.closeListener])");
        assertThat(FilterSettings.read(Map.of("drain.closeListener", "false"), NONE, NONE, closes)
                        .values()
                        .closeListener())
                .isFalse();
    }

    /** Others may use the same prefix there. */
    @Test
    void unknownNamesOutsideTheApplicationAreWarnedOf() {
        FilterSettings settings = FilterSettings.read(
                Map.of("drain.uploadTimout", "1m", "drain.path", "/d"),
                Map.of("DRAIN_SERVICE_HOST", "10.0.0.1", "DRAIN_REFUSE", "all"),
                NONE,
                NONE);

        assertThat(settings.values().path()).isEqualTo("/d");
        assertThat(settings.warnings())
                .singleElement()
                .asString()
                .contains("[drain.uploadTimout, DRAIN_SERVICE_HOST] are no settings", "known are [path, token,");
    }

    @Test
    void limitsThatDoNotFitAreWarnedOf() {
        assertThat(FilterSettings.read(NONE, NONE, NONE, Map.of("drain.killAfter", "90s"))
                        .warnings())
                .singleElement()
                .asString()
                .startsWith("killAfter [90s] is shorter");
    }
}
