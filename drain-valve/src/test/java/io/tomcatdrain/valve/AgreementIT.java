package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.DrainStatus.Totals;
import io.tomcatdrain.metrics.DrainMetrics;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every window shows the same: JSON, JMX, and metrics from either side of a class loader. */
class AgreementIT {
    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    Path directory;

    @Test
    void jsonJmxAndMetricsAgreeInAQuietMoment() throws Exception {
        try (SmallServer server = new SmallServer(directory)) {
            server.start();
            for (int i = 0; i < 5; i++) {
                assertThat(server.get("/app/page")).isEqualTo("0");
            }
            server.send(server.upload("/app/upload", 1000));
            server.send(server.upload("/app/upload", 2000));
            server.send(server.upload("/app/fail", 400));
            CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> {
                try {
                    return server.get("/app/wait");
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            try (Socket first = server.beginUpload("/app/first", 5000, 3000);
                    Socket second = server.beginUpload("/app/second", 700, 50);
                    var hold = server.valve.drain().hold("import")) {
                assertThat(hold.isEffective()).isTrue();
                await().until(() -> server.valve.drain().summary().inFlight().equals(new InFlight(2, 1, 1)));
                await().until(() -> server.valve.drain().summary().totals().equals(new Totals(2, 1, 5, 0, 6450)));
                server.valve.drain().start("upgrade");
                assertThat(server.send(server.request("/app/page")).statusCode())
                        .isEqualTo(503);
                assertThat(server.send(server.upload("/app/upload", 10)).statusCode())
                        .isEqualTo(503);

                JsonNode status = json.readTree(server.status());
                Map<String, Object> expected = new TreeMap<>(Map.ofEntries(
                        Map.entry("state", "DRAINING"),
                        Map.entry("uploads", 2L),
                        Map.entry("requests", 1L),
                        Map.entry("holds", 1L),
                        Map.entry("streams", 0L),
                        Map.entry("uploadsCompleted", 2L),
                        Map.entry("uploadsFailed", 1L),
                        Map.entry("requestsCompleted", 5L),
                        Map.entry("refused", 2L),
                        Map.entry("uploadBytes", 6450L)));

                assertThat(ofJson(status)).isEqualTo(expected);
                assertThat(ofJmx()).isEqualTo(expected);
                assertThat(ofMetrics(new DrainMetrics(server.valve.drain()))).isEqualTo(expected);
                assertThat(ofMetrics(DrainMetrics.ofNode())).isEqualTo(expected);
                assertThat(uploadsOfJmx()).isEqualTo(uploadsOfJson(status)).hasSize(2);
                first.getOutputStream().write(new byte[2000]);
                second.getOutputStream().write(new byte[650]);
            }
            server.mayAnswer.countDown();
            assertThat(waiting.get()).isEqualTo("0");
            assertThat(server.valve.drain().awaitDrained(Duration.ofMillis(30_000)))
                    .isTrue();
            JsonNode after = json.readTree(server.status());
            assertThat(ofJmx()).isEqualTo(ofJson(after));
            assertThat(ofMetrics(DrainMetrics.ofNode())).isEqualTo(ofJson(after));
            assertThat(after.at("/totals/uploadBytes").asLong()).isEqualTo(9100);
            assertThat(after.at("/report/finished").asLong()).isEqualTo(3);
        }
    }

    private static Map<String, Object> ofJson(JsonNode status) {
        Map<String, Object> numbers = new TreeMap<>();
        numbers.put("state", status.get("state").asText());
        for (String group : List.of("inFlight", "totals")) {
            status.get(group)
                    .properties()
                    .forEach(one -> numbers.put(one.getKey(), one.getValue().asLong()));
        }
        return numbers;
    }

    private static Object jmx(String attribute) throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        return server.getAttribute(new ObjectName("io.tomcatdrain:type=Drain,name=Tomcat"), attribute);
    }

    private static Map<String, Object> ofJmx() throws Exception {
        return new TreeMap<>(Map.ofEntries(
                Map.entry("state", jmx("State")),
                Map.entry("uploads", jmx("InFlightUploads")),
                Map.entry("requests", jmx("InFlightRequests")),
                Map.entry("holds", jmx("Holds")),
                Map.entry("streams", jmx("InFlightStreams")),
                Map.entry("uploadsCompleted", jmx("UploadsCompleted")),
                Map.entry("uploadsFailed", jmx("UploadsFailed")),
                Map.entry("requestsCompleted", jmx("RequestsCompleted")),
                Map.entry("refused", jmx("Refused")),
                Map.entry("uploadBytes", jmx("UploadBytes"))));
    }

    private static Map<String, Object> ofMetrics(DrainMetrics metrics) {
        MeterRegistry registry = new SimpleMeterRegistry();
        try (metrics) {
            metrics.bindTo(registry);
            String state = registry.find("drain.state").gauges().stream()
                    .filter(gauge -> gauge.value() == 1)
                    .map(gauge -> gauge.getId().getTag("state").toUpperCase(Locale.ROOT))
                    .reduce("", String::concat);
            return new TreeMap<>(Map.ofEntries(
                    Map.entry("state", state),
                    Map.entry("uploads", gauge(registry, "upload")),
                    Map.entry("requests", gauge(registry, "request")),
                    Map.entry("holds", gauge(registry, "hold")),
                    Map.entry("streams", gauge(registry, "stream")),
                    Map.entry("uploadsCompleted", counter(registry, "drain.completed", "upload")),
                    Map.entry("uploadsFailed", counter(registry, "drain.failed", "upload")),
                    Map.entry("requestsCompleted", counter(registry, "drain.completed", "request")),
                    Map.entry("refused", counter(registry, "drain.refused")),
                    Map.entry("uploadBytes", counter(registry, "drain.upload.bytes"))));
        }
    }

    private static long gauge(MeterRegistry registry, String kind) {
        Gauge gauge = registry.get("drain.inflight").tag("kind", kind).gauge();
        return (long) gauge.value();
    }

    private static long counter(MeterRegistry registry, String name, String... kind) {
        FunctionCounter counter = kind.length == 0
                ? registry.get(name).functionCounter()
                : registry.get(name).tag("kind", kind[0]).functionCounter();
        return (long) counter.count();
    }

    private static Map<String, Long> uploadsOfJson(JsonNode status) {
        Map<String, Long> bytes = new TreeMap<>();
        status.get("uploads")
                .forEach(upload -> bytes.put(
                        upload.get("path").asText(), upload.get("bytesReceived").asLong()));
        return bytes;
    }

    private static Map<String, Long> uploadsOfJmx() throws Exception {
        Map<String, Long> bytes = new TreeMap<>();
        for (Object row : ((TabularData) jmx("ActiveUploads")).values()) {
            CompositeData upload = (CompositeData) ((CompositeData) row).get("value");
            bytes.put((String) upload.get("path"), (Long) upload.get("bytesReceived"));
        }
        return bytes;
    }
}
