package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class DrainPropertiesTest {
    private final StandardEnvironment environment = new StandardEnvironment();

    @Test
    void nothingSetIsNothingRead() {
        assertThat(DrainProperties.read(environment)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"drain.upload-timeout", "drain.uploadTimeout", "drain.upload_timeout", "drain.uploadtimeout"})
    void namesAreRelaxed(String name) {
        set(Map.of(name, "7m"));
        assertThat(DrainProperties.read(environment)).containsExactly(Map.entry("uploadTimeout", "7m"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"DRAIN_UPLOADTIMEOUT", "DRAIN_UPLOAD_TIMEOUT"})
    void environmentVariablesAreRead(String name) {
        setVariables(Map.of(name, "7m", "DRAIN_SERVICE_HOST", "10.0.0.1"));
        assertThat(DrainProperties.read(environment)).containsExactly(Map.entry("uploadTimeout", "7m"));
    }

    @Test
    void variablesThatAreNoSettingsAreNamedAndChangeNothing() {
        setVariables(Map.of(
                "DRAIN_UPLAOD_TIMEOUT", "7m",
                "DRAIN_SERVICE_HOST", "10.0.0.1",
                "drain_probe_failures", "2",
                "DRAIN_LAMEDUCK", "off",
                "DRAIN_ENABLED", "true",
                "DRAINAGE", "none"));
        assertThat(DrainProperties.unknownVariables(environment))
                .get()
                .asString()
                .contains("environment variables [DRAIN_SERVICE_HOST, DRAIN_UPLAOD_TIMEOUT] are no settings")
                .contains("drain.upload-timeout");
        assertThat(DrainProperties.read(environment)).containsOnlyKeys("lameDuck", "probeFailures");
    }

    @Test
    void variablesThatAreSettingsNeedNoWord() {
        setVariables(Map.of("DRAIN_UPLOADTIMEOUT", "7m", "DRAIN_TOKEN_FILE", "/run/secrets/token"));
        assertThat(DrainProperties.unknownVariables(environment)).isEmpty();
    }

    @Test
    void valuesMayReferToOtherProperties() {
        set(Map.of("drain.token", "${secret}", "secret", "0123456789abcdef"));
        assertThat(DrainProperties.read(environment)).containsExactly(Map.entry("token", "0123456789abcdef"));
    }

    @Test
    void yamlBooleansAreTakenAsTheyWereWritten() {
        set(Map.of(
                "drain.lame-duck",
                false,
                "drain.upload-size",
                false,
                "drain.open-uploads",
                false,
                "drain.close-listener",
                true,
                "drain.probe-failures",
                4));
        assertThat(DrainProperties.read(environment))
                .containsOnly(
                        Map.entry("lameDuck", "off"),
                        Map.entry("uploadSize", "off"),
                        Map.entry("openUploads", "off"),
                        Map.entry("closeListener", "true"),
                        Map.entry("probeFailures", "4"));
    }

    @ParameterizedTest
    @CsvSource({
        "drain.upload-timeout, 10 minutes, 'drain.upload-timeout [10 minutes]: '",
        "drain.token, short, 'drain.token [***]: '",
        "drain.token, ${nowhere}, 'drain.token [${nowhere}] holds a placeholder'",
        "drain.retry-after, '', 'drain.retry-after [] is empty: '",
        "drain.uplaod-timeout, 10m, 'drain.uplaod-timeout: unknown attribute [uplaodTimeout]; did you mean [uploadTimeout]?'",
        "drain.upload.timeout, 10m, 'drain.upload.timeout: unknown attribute [upload.timeout]; did you mean [uploadTimeout]?'",
        "drain.enabled, yes, 'drain.enabled [yes]: use [true] or [false]'",
    })
    void mistakesAreNamed(String name, String value, String message) {
        set(Map.of(name, value));
        assertThatExceptionOfType(InvalidDrainPropertyException.class)
                .isThrownBy(() -> DrainProperties.read(environment))
                .withMessageStartingWith(message);
    }

    @Test
    void contradictionsAreNamed() {
        set(Map.of("drain.close-listener", "true", "drain.refuse", "uploads"));
        assertThatExceptionOfType(InvalidDrainPropertyException.class)
                .isThrownBy(() -> DrainProperties.read(environment))
                .withMessageStartingWith("drain.close-listener [true] contradicts refuse [uploads]");
    }

    private void set(Map<String, Object> properties) {
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
    }

    private void setVariables(Map<String, Object> variables) {
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
    }
}
