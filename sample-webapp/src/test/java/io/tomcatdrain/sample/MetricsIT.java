package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Prometheus finds the sample's metrics in every state, and during a stop. */
@Timeout(600)
@Tag("after-fleets")
class MetricsIT {
    @Test
    void isScrapedWhileItServesAndAsLameDuck() throws Exception {
        try (var sample = SampleProcess.start("--port", "0", "--token", NodeClient.TOKEN, "--lame-duck", "10m")) {
            var node = new NodeClient(sample);
            assertThat(node.get("/page?ms=1")).isEqualTo(200);
            assertScraped(node, "serving");
            assertThat(node.scrape().headers().firstValue("Content-Type").orElse(""))
                    .startsWith("text/plain")
                    .contains("version=0.0.4");

            node.control("POST", "/drain");
            assertThat(node.get("/page")).isEqualTo(200);
            assertScraped(node, "lame_duck");
        }
    }

    @Test
    void isScrapedWhileItDrainsAndDuringAStop() throws Exception {
        try (var sample = SampleProcess.start("--port", "0", "--token", NodeClient.TOKEN, "--lame-duck", "off")) {
            var node = new NodeClient(sample);
            try (var upload = new DripUpload(node.root().getPort())) {
                upload.sendUpTo(100_000);
                await().until(() -> node.status().at("/totals/uploadBytes").asLong() >= 100_000);
                assertScraped(node, "serving");
                node.control("POST", "/drain");
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
            assertThat(node.control("POST", "/drain?wait=1m").get("state").asText())
                    .isEqualTo("DRAINED");
            assertThat(node.get("/page")).isEqualTo(503);
            assertScraped(node, "drained");
        }
    }

    private static void assertScraped(NodeClient node, String state) {
        await().untilAsserted(() -> {
            var status = NodeClient.numbers(node.status());
            assertThat(node.scraped()).isEqualTo(status).containsEntry("state", state);
        });
    }
}
