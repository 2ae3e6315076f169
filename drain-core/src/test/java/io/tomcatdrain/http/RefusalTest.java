package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.DrainSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RefusalTest {
    @Test
    void saysWhatTheFrontEndMustKnow() throws IOException {
        Exchange exchange = refused(Exchange.of("POST"), Map.of(), true);

        assertThat(exchange.status).isEqualTo(503);
        assertThat(exchange.headers)
                .containsKey("Retry-After")
                .containsEntry("X-Drain", "refused")
                .containsEntry("Cache-Control", "no-store")
                .containsEntry("Connection", "close")
                .containsEntry("Content-Type", "text/plain;charset=UTF-8")
                .containsEntry("Content-Length", String.valueOf(exchange.body().length()));
        assertThat(exchange.headers.keySet()).noneMatch(name -> name.startsWith("Access-Control-"));
        assertThat(exchange.body()).contains("Send it again in " + exchange.header("Retry-After") + " seconds.");
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
        assertThat(problem.get("retryAfterSeconds").asText()).isEqualTo(exchange.header("Retry-After"));
        assertThat(problem.get("retryAfterSeconds").intValue()).isBetween(90, 108);
    }

    @Test
    void writesAPageForPeople() throws IOException {
        Exchange exchange = refused(Exchange.of("GET").with("Accept", "text/html,*/*;q=0.8"), Map.of(), true);

        assertThat(exchange.header("Content-Type")).isEqualTo("text/html;charset=UTF-8");
        assertThat(exchange.body())
                .startsWith("<!DOCTYPE html>")
                .contains(
                        "<html lang=\"en\">",
                        "<title>Please try again in a moment</title>",
                        "<h1>",
                        "in " + exchange.header("Retry-After") + " seconds")
                .doesNotContain("src=", "href=", "http:", "https:", "{when}");
    }

    /** Each type that has a file is answered in its words, the others in the built-in ones. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            text/html        | text/html;charset=UTF-8  | refusal.html | <p>Über %s s noch einmal (503)</p>
            application/json | application/problem+json | refusal.json | {"status":503,"wait":%s}
            text/plain       | text/plain;charset=UTF-8 | refusal.txt  | Noch %s Sekunden
            """)
    void usesTheSitesOwnWords(String accept, String type, String file, String words, @TempDir Path directory)
            throws IOException {
        Files.writeString(
                directory.resolve(file), words.replace("%s", "{seconds}").replace("503", "{status}"));
        Map<String, String> settings = Map.of("refusalPages", directory.toString(), "retryAfter", "4s");

        Exchange own = refused(Exchange.of("POST").with("Accept", accept), settings, true);
        assertThat(own.body()).isEqualTo(words.replace("%s", "4"));
        assertThat(own.headers).containsEntry("Content-Type", type).containsEntry("X-Drain", "refused");
        assertThat(own.header("Content-Length"))
                .isEqualTo(String.valueOf(own.body().getBytes(StandardCharsets.UTF_8).length));
        String other = accept.equals("text/html") ? "text/plain" : "text/html";
        assertThat(refused(Exchange.of("POST").with("Accept", other), settings, true)
                        .body())
                .contains("going down for maintenance");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html", "application/json", "*/*"})
    void hasHeadersOnlyForHead(String accept) throws IOException {
        Map<String, String> always = Map.of("retryAfter", "4s");
        Exchange head = refused(Exchange.of("HEAD").with("Accept", accept), always, true);
        Exchange get = refused(Exchange.of("GET").with("Accept", accept), always, true);

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
    @CsvSource({"0s,0,0,1", "4s,4,4,1", "5s,5,6,2", "10s,10,12,3", "60s,60,72,13", "1h,3600,4320,16", "3650d,,,16"})
    void asksUpToAFifthLaterAtRandom(String retryAfter, Long least, Long most, int different) throws IOException {
        String setting = retryAfter.equals("3650d") ? "P3650D" : retryAfter;
        Refusal refusal = new Refusal(DrainSettings.of(Map.of("retryAfter", setting)));
        long seconds = Duration.ofDays(3650).toSeconds();
        Set<Long> seen = new TreeSet<>();
        for (int i = 0; i < 1_000; i++) {
            Exchange exchange = Exchange.of("GET");
            refusal.write(exchange.request(), exchange.response(), true);
            seen.add(Long.valueOf(exchange.header("Retry-After")));
        }
        assertThat(seen).hasSize(different).contains(least == null ? seconds : least);
        assertThat(seen).contains(most == null ? seconds + seconds / 5 : most);
        assertThat(seen)
                .allSatisfy(each -> assertThat(each)
                        .isBetween(least == null ? seconds : least, most == null ? seconds + seconds / 5 : most));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://app.example", "http://localhost:8080", "null"})
    void letsTheScriptOfAnotherOriginReadIt(String origin) throws IOException {
        Exchange exchange = refused(Exchange.of("POST").with("Origin", origin), Map.of(), true);

        assertThat(exchange.headers)
                .containsEntry("Access-Control-Allow-Origin", origin)
                .containsEntry("Access-Control-Allow-Credentials", "true")
                .containsEntry("Access-Control-Expose-Headers", "Retry-After, X-Drain")
                .containsEntry("Vary", "Origin");
    }

    @ParameterizedTest
    @CsvSource({
        "OPTIONS, POST, https://app.example, true",
        "OPTIONS, , https://app.example, false",
        "OPTIONS, POST, , false",
        "POST, POST, https://app.example, false"
    })
    void knowsPreflights(String method, String requested, String origin, boolean preflight) {
        Exchange exchange = Exchange.of(method);
        if (requested != null) {
            exchange.with("Access-Control-Request-Method", requested);
        }
        if (origin != null) {
            exchange.with("Origin", origin);
        }
        assertThat(CrossOrigin.isPreflight(exchange.request())).isEqualTo(preflight);
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
