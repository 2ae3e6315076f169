package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

/** Prometheus finds the sample's metrics in every state, and during a stop. */
@Timeout(120)
@Isolated("what it looks at takes its time, which fleets beside it would stretch")
class MetricsIT {
    @Test
    void isScrapedInEveryState() throws Exception {
        try (var sample = SampleProcess.start("--port", "0", "--token", NodeClient.TOKEN, "--lame-duck", "3s")) {
            var node = new NodeClient(sample);
            assertThat(node.get("/page?ms=1")).isEqualTo(200);
            assertScraped(node, "serving");
            assertThat(node.scrape().headers().firstValue("Content-Type").orElse(""))
                    .startsWith("text/plain")
                    .contains("version=0.0.4");

            try (var upload = new DripUpload(node.root().getPort())) {
                upload.sendUpTo(100_000);
                await().until(() -> node.status().at("/totals/uploadBytes").asLong() >= 100_000);
                node.control("POST", "/drain");
                assertScraped(node, "lame_duck");

                await().until(() -> node.state().equals("DRAINING"));
                assertThat(node.get("/page")).isEqualTo(503);
                assertScraped(node, "draining");

                sample.terminate();
                sample.line("Stopping as soon as");
                assertScraped(node, "draining");

                assertThat(upload.finish()).startsWith("HTTP/1.1 200");
            }
            assertThat(sample.exitStatus()).isEqualTo(128 + 15);
        }
    }

    @Test
    void isScrapedWhenDrained() throws Exception {
        try (var sample = SampleProcess.start("--port", "0", "--token", NodeClient.TOKEN)) {
            var node = new NodeClient(sample);
            assertThat(node.control("POST", "/drain?wait=10s").get("state").asText())
                    .isEqualTo("DRAINED");
            assertThat(node.get("/page")).isEqualTo(503);
            assertScraped(node, "drained");
        }
    }

    private static void assertScraped(NodeClient node, String state) {
        await().atMost(Duration.ofSeconds(2)).untilAsserted(() -> {
            var status = NodeClient.numbers(node.status());
            assertThat(node.scraped()).isEqualTo(status).containsEntry("state", state);
        });
    }
}
