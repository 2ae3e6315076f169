package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.DrainSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RefusalTest {
    @Test
    void saysWhatTheFrontEndMustKnow() throws IOException {
        Exchange exchange = refused(Exchange.of("POST"), Map.of(), true);

        assertThat(exchange.status).isEqualTo(503);
        assertThat(exchange.headers)
                .containsEntry("Retry-After", "5")
                .containsEntry("X-Drain", "refused")
                .containsEntry("Cache-Control", "no-store")
                .containsEntry("Connection", "close")
                .containsEntry("Content-Type", "text/plain;charset=UTF-8")
                .containsEntry("Content-Length", String.valueOf(exchange.body().length()));
        assertThat(exchange.body()).contains("Send it again in 5 seconds.");
    }

    @Test
    void leavesTheConnectionAloneIfNotTold() throws IOException {
        assertThat(refused(Exchange.of("POST"), Map.of(), false).headers).doesNotContainKey("Connection");
    }

    @Test
    void hasTheStatusOfTheSettings() throws IOException {
        Exchange exchange =
                refused(Exchange.of("GET").with("Accept", "application/json"), Map.of("refusalStatus", "429"), true);

        assertThat(exchange.status).isEqualTo(429);
        assertThat(new ObjectMapper().readTree(exchange.body()).get("title").asText())
                .isEqualTo("Too Many Requests");
    }

    @Test
    void writesAProblemForPrograms() throws IOException {
        Exchange exchange =
                refused(Exchange.of("PUT").with("Accept", "application/json"), Map.of("retryAfter", "90s"), true);

        assertThat(exchange.header("Content-Type")).isEqualTo("application/problem+json");
        JsonNode problem = new ObjectMapper().readTree(exchange.body());
        assertThat(problem.get("type").asText()).isEqualTo("about:blank");
        assertThat(problem.get("title").asText()).isEqualTo("Service Unavailable");
        assertThat(problem.get("status").intValue()).isEqualTo(503);
        assertThat(problem.get("detail").asText()).isNotBlank();
        assertThat(problem.get("retryAfterSeconds").intValue()).isEqualTo(90);
    }

    @Test
    void writesAPageForPeople() throws IOException {
        Exchange exchange = refused(Exchange.of("GET").with("Accept", "text/html,*/*;q=0.8"), Map.of(), true);

        assertThat(exchange.header("Content-Type")).isEqualTo("text/html;charset=UTF-8");
        assertThat(exchange.body())
                .startsWith("<!DOCTYPE html>")
                .contains("<html lang=\"en\">", "<title>Please try again in a moment</title>", "<h1>", "in 5 seconds")
                .doesNotContain("src=", "href=", "http:", "https:", "{when}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html", "application/json", "*/*"})
    void hasHeadersOnlyForHead(String accept) throws IOException {
        Exchange head = refused(Exchange.of("HEAD").with("Accept", accept), Map.of(), true);
        Exchange get = refused(Exchange.of("GET").with("Accept", accept), Map.of(), true);

        assertThat(head.body()).isEmpty();
        assertThat(head.headers).isEqualTo(get.headers);
        assertThat(head.header("Content-Length"))
                .isEqualTo(String.valueOf(get.body().getBytes(StandardCharsets.UTF_8).length));
    }

    @ParameterizedTest
    @CsvSource({"PT0S,0", "PT0.000000001S,1", "PT0.5S,1", "PT1S,1", "PT1.001S,2", "PT10M,600"})
    void roundsSecondsUp(Duration duration, String seconds) {
        assertThat(Refusal.wholeSeconds(duration)).isEqualTo(seconds);
    }

    @ParameterizedTest
    @CsvSource({"0s,in a moment.", "1s,in 1 second.", "1500ms,in 2 seconds."})
    void tellsPeopleWhen(String retryAfter, String told) throws IOException {
        assertThat(refused(Exchange.of("GET"), Map.of("retryAfter", retryAfter), true)
                        .body())
                .contains(told);
    }

    private static Exchange refused(Exchange exchange, Map<String, String> settings, boolean close) throws IOException {
        new Refusal(DrainSettings.of(settings)).write(exchange.request(), exchange.response(), close);
        return exchange;
    }
}
