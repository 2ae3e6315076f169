package io.tomcatdrain.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the examples for Prometheus and Grafana ask for must be there, under the names that Micrometer makes of ours. */
class MonitoringExamplesTest {
    private static final Path EXAMPLES = Path.of("..", "examples", "monitoring");

    private static String scrape() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        new DrainMetrics(new NodeDrain("node", DrainSettings.defaults())).bindTo(registry);
        return registry.scrape();
    }

    private static Set<String> find(String pattern, String text) {
        Set<String> found = new TreeSet<>();
        Matcher matcher = Pattern.compile(pattern, Pattern.MULTILINE).matcher(text);
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }

    @Test
    void prometheusSeesTheseSeries() {
        assertThat(find("^(drain_[^ ]+) ", scrape()))
                .containsExactlyInAnyOrder(
                        "drain_state{name=\"node\",state=\"serving\"}",
                        "drain_state{name=\"node\",state=\"lame_duck\"}",
                        "drain_state{name=\"node\",state=\"draining\"}",
                        "drain_state{name=\"node\",state=\"drained\"}",
                        "drain_state{name=\"node\",state=\"expired\"}",
                        "drain_inflight{kind=\"upload\",name=\"node\"}",
                        "drain_inflight{kind=\"request\",name=\"node\"}",
                        "drain_inflight{kind=\"hold\",name=\"node\"}",
                        "drain_inflight{kind=\"stream\",name=\"node\"}",
                        "drain_completed_total{kind=\"upload\",name=\"node\"}",
                        "drain_completed_total{kind=\"request\",name=\"node\"}",
                        "drain_failed_total{kind=\"upload\",name=\"node\"}",
                        "drain_refused_total{name=\"node\"}",
                        "drain_uploads_open{name=\"node\"}",
                        "drain_upload_bytes_total{name=\"node\"}",
                        "drain_duration_seconds{name=\"node\",phase=\"lame_duck\"}",
                        "drain_duration_seconds{name=\"node\",phase=\"draining\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"alerts.yml", "alerts_test.yml", "grafana-dashboard.json"})
    void examplesAskForNothingElse(String file) throws IOException {
        String example = Files.readString(EXAMPLES.resolve(file)).replace("\\\"", "\"");
        String scrape = scrape();

        assertThat(find("\\b(drain_[a-z_]+)", example)).isNotEmpty().isSubsetOf(find("^(drain_[a-z_]+)", scrape));
        for (String label : new String[] {"state", "kind", "phase"}) {
            Set<String> asked = new TreeSet<>();
            find("\\b" + label + "!?=~?\"([a-z_|]+)\"", example)
                    .forEach(values -> asked.addAll(Set.of(values.split("\\|"))));
            assertThat(asked).isSubsetOf(find(label + "=\"([a-z_]+)\"", scrape));
        }
    }

    @Test
    void theDashboardIsJson() throws IOException {
        var dashboard = new ObjectMapper()
                .readTree(EXAMPLES.resolve("grafana-dashboard.json").toFile());

        assertThat(dashboard.get("panels")).hasSizeGreaterThan(5);
    }
}
