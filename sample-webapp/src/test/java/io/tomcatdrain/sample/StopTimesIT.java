package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.tomcatdrain.DrainSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Compares what the examples tell systemd and Kubernetes with the valve's own limits. */
final class StopTimesIT {
    private static final Pattern KILL_AFTER = Pattern.compile("-Ddrain\\.killAfter=(\\w+)");

    @Test
    void systemdKillsWhenTheValveIsToldSoAndTheLimitsFit() throws IOException {
        var unit = Files.readString(example("systemd/tomcat.service"));
        var settings = settings(killAfter(unit));

        assertThat(settings.warnings()).isEmpty();
        assertThat(unit)
                .contains("\nTimeoutStopSec=" + settings.killAfter().toMinutes() + "min\n")
                .contains("\nKillSignal=SIGTERM\n")
                .contains("\nSuccessExitStatus=143\n");
    }

    @Test
    void kubernetesKillsWhenTheValveIsToldSoAndTheLimitsFit() throws IOException {
        var pod = resource("Deployment").at("/spec/template/spec");
        var settings = settings(killAfter(pod.at("/containers/0/env/0/value").asText()));

        assertThat(settings.warnings()).isEmpty();
        assertThat(pod.path("terminationGracePeriodSeconds").asLong())
                .isEqualTo(settings.killAfter().toSeconds());
    }

    @Test
    void kubernetesAsksForReadinessAsTheValveExpects() throws IOException {
        var settings = settings("660s");
        var container = resource("Deployment").at("/spec/template/spec/containers/0");
        var readiness = container.path("readinessProbe");

        assertThat(readiness.at("/httpGet/path").asText()).startsWith(settings.path() + "/ready?prober=");
        assertThat(container.at("/livenessProbe/httpGet/path").asText()).isEqualTo(settings.path() + "/live");
        assertThat(readiness.path("failureThreshold").asInt()).isEqualTo(settings.probeFailures());
        assertThat(Duration.ofSeconds(readiness.path("periodSeconds").asLong()).multipliedBy(settings.probeFailures()))
                .as("a slower prober would not be waited for")
                .isLessThan(settings.lameDuckTimeout());
    }

    @Test
    void kubernetesAsksAtTheControlPortAndSendsUsersElsewhere() throws IOException {
        var text = Files.readString(example("kubernetes/tomcat.yaml"));
        var container = resource("Deployment").at("/spec/template/spec/containers/0");
        var port = portNamed(container, "drain");

        for (var probe : List.of("readinessProbe", "livenessProbe", "startupProbe")) {
            assertThat(container.path(probe).at("/httpGet/port").asText())
                    .as(probe)
                    .isEqualTo("drain");
        }
        assertThat(text)
                .contains("controlPort=\"" + port + "\"")
                .contains("<Connector protocol=\"HTTP/1.1\" port=\"" + port);
        assertThat(resource("Service").at("/spec/ports"))
                .extracting(published -> published.path("targetPort").asText())
                .containsExactly("http");
    }

    private static String portNamed(JsonNode container, String name) {
        for (var port : container.path("ports")) {
            if (port.path("name").asText().equals(name)) {
                return port.path("containerPort").asText();
            }
        }
        throw new AssertionError("no port [" + name + "] in " + container.path("ports"));
    }

    @Test
    void kubernetesSelectsThePodsOfTheDeployment() throws IOException {
        var labels = resource("Deployment").at("/spec/template/metadata/labels");

        assertThat(resource("Deployment").at("/spec/selector/matchLabels")).isEqualTo(labels);
        assertThat(resource("Service").at("/spec/selector")).isEqualTo(labels);
        assertThat(resource("PodDisruptionBudget").at("/spec/selector/matchLabels"))
                .isEqualTo(labels);
    }

    @Test
    void theImageRunsTheJvmAsProcessOneAsTheDeploymentDoes() throws IOException {
        var command = resource("Deployment").at("/spec/template/spec/containers/0/command");
        assertThat(Files.readString(example("kubernetes/Dockerfile")))
                .contains(
                        "\nCMD [" + command.get(0) + ", " + command.get(1) + "]\n", "-all.jar /usr/local/tomcat/lib/");
    }

    @Test
    void theRouteLeadsToTheServicesPort() throws IOException {
        var backend = only("kubernetes/gateway.yaml").at("/spec/rules/0/backendRefs/0");
        assertThat(backend.path("name")).isEqualTo(resource("Service").at("/metadata/name"));
        assertThat(backend.path("port")).isEqualTo(resource("Service").at("/spec/ports/0/port"));
    }

    @Test
    void theTokenIsMountedReadableForItsOwnerAlone() throws IOException {
        var text = Files.readString(example("kubernetes/token.yaml"));
        var pod = only("kubernetes/token.yaml").at("/spec/template/spec");
        var mount = pod.at("/containers/0/volumeMounts/0");
        assertThat(pod.at("/containers/0/name"))
                .isEqualTo(resource("Deployment").at("/spec/template/spec/containers/0/name"));
        assertThat(mount.path("name")).isEqualTo(pod.at("/volumes/0/name"));
        assertThat(text)
                .contains("tokenFile=\"" + mount.path("mountPath").asText() + "/token\"", "defaultMode: 0400")
                .contains("secret generic "
                        + pod.at("/volumes/0/secret/secretName").asText() + " ");
    }

    private static JsonNode only(String example) throws IOException {
        return new ObjectMapper(new YAMLFactory()).readTree(example(example).toFile());
    }

    private static DrainSettings settings(String killAfter) {
        return DrainSettings.of(Map.of("killAfter", killAfter));
    }

    private static String killAfter(String text) {
        var matcher = KILL_AFTER.matcher(text);
        assertThat(matcher.find()).as("[%s] in [%s]", KILL_AFTER, text).isTrue();
        return matcher.group(1);
    }

    private static JsonNode resource(String kind) throws IOException {
        List<JsonNode> found = new ArrayList<>();
        try (var documents = new ObjectMapper(new YAMLFactory())
                .readerFor(JsonNode.class)
                .<JsonNode>readValues(example("kubernetes/tomcat.yaml").toFile())) {
            documents.forEachRemaining(document -> {
                if (document.path("kind").asText().equals(kind)) {
                    found.add(document);
                }
            });
        }
        assertThat(found).as(kind).hasSize(1);
        return found.get(0);
    }

    private static Path example(String path) {
        return Path.of(System.getProperty("examples.dir"), path);
    }
}
