package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.Hold;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.ReadinessPoll;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that do not wait; every request here fails the test if anything asks it for its body or parameters. */
class DrainEndpointsTest {
    private static final ObjectMapper JACKSON = new ObjectMapper();

    private final NodeDrain drain = Drains.make();
    private final DrainEndpoints endpoints = new DrainEndpoints(drain);

    @AfterEach
    void end() {
        endpoints.close();
        drain.close();
    }

    // ---------------------------------------------------------------- readiness and liveness

    @Test
    void readinessFollowsTheDrain() throws IOException {
        Exchange up = handle(Exchange.of("GET"), "/ready");
        assertThat(up.status).isEqualTo(200);
        assertThat(up.body()).isEqualTo("{\"status\":\"UP\"}");

        begin();

        Exchange down = handle(Exchange.of("GET"), "/ready");
        assertThat(down.status).isEqualTo(503);
        assertThat(down.body()).isEqualTo("{\"status\":\"DRAINING\"}");
        assertThat(down.headers)
                .containsOnlyKeys("Cache-Control", "Content-Type", "Content-Length")
                .containsEntry("Cache-Control", "no-store")
                .containsEntry("Content-Type", "application/json")
                .containsEntry("Content-Length", "21");
    }

    @Test
    void readinessIsTheApplicationsToo() throws IOException {
        drain.onlyReadyIf(() -> false);
        Exchange down = handle(Exchange.of("GET"), "/ready");
        assertThat(down.status).isEqualTo(503);
        assertThat(down.body()).isEqualTo("{\"status\":\"OUT_OF_SERVICE\"}");
        begin();
        assertThat(handle(Exchange.of("GET"), "/ready").body()).isEqualTo("{\"status\":\"DRAINING\"}");
    }

    @Test
    void livenessIsUpInEveryState() throws IOException {
        begin();

        Exchange live = handle(Exchange.of("GET"), "/live");

        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        assertThat(live.status).isEqualTo(200);
        assertThat(live.body()).isEqualTo("{\"status\":\"UP\"}");
        assertThat(live.header("Cache-Control")).isEqualTo("no-store");
    }

    @ParameterizedTest
    @CsvSource({"/ready, prober=web", "/ready, ''", "/ready,", "/live, cache=%buster&&x"})
    void probesNeedNoTokenAndNoControlPort(String below, String query) throws IOException {
        DrainEndpoints withoutToken = new DrainEndpoints(new NodeDrain("endpoints", DrainSettings.defaults()));
        Exchange exchange = Exchange.of("GET", query);

        withoutToken.handle(exchange.request(), exchange.response(), below, false);

        assertThat(exchange.status).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/ready", "/live"})
    void optionsIsAnsweredAsGetIs(String below) throws IOException {
        assertThat(handle(Exchange.of("OPTIONS"), below).body()).isEqualTo("{\"status\":\"UP\"}");
        begin();
        Exchange options = handle(Exchange.of("OPTIONS"), below);
        Exchange get = handle(Exchange.of("GET"), below);

        assertThat(options.status).isEqualTo(get.status);
        assertThat(options.body()).isEqualTo(get.body()).isNotEmpty();
        assertThat(options.headers).isEqualTo(get.headers);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "HEAD", "OPTIONS"})
    void everyPollIsNotedOnce(String method) throws IOException {
        handle(Exchange.of(method).with("User-Agent", "haproxy"), "/ready");
        handle(Exchange.of(method).with("User-Agent", "haproxy"), "/live");
        handle(Exchange.of(method).with("User-Agent", "haproxy"), "/ready");
        begin();
        handle(Exchange.of(method).with("User-Agent", "haproxy"), "/live");
        handle(Exchange.of(method).with("User-Agent", "haproxy"), "/ready");

        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober("192.0.2.7", null, "haproxy", 1));
    }

    @Test
    void aProberMayHaveNoUserAgentAndNoAddress() throws IOException {
        Exchange nobody = Exchange.of("GET");
        nobody.remote = null;
        handle(nobody, "/ready");

        assertThat(nobody.status).isEqualTo(200);
        assertThat(drain.status().probers()).containsExactly(new DrainStatus.Prober(null, null, null, 0));
    }

    @Test
    void aProberMayNameItself() throws IOException {
        handle(Exchange.of("GET", "prober=web"), "/ready");
        handle(Exchange.of("GET", "prober=Web_2.x-%61"), "/ready");
        handle(Exchange.of("GET", "prober=" + "n".repeat(64)), "/ready");

        assertThat(drain.status().probers())
                .extracting(DrainStatus.Prober::name)
                .containsExactlyInAnyOrder("web", "Web_2.x-a", "n".repeat(64));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            prober=             | prober [] is empty
            prober              | prober [] is empty
            prober=a&prober=b   | duplicate parameter [prober]
            prober=a&prober=a   | duplicate parameter [prober]
            name=web            | unknown parameter [name]
            prober=a&x=1        | unknown parameter [x]
            prober=a&           | empty parameter []
            prober=a%20b        | prober [a b]
            prober=a/b          | prober [a/b]
            prober=%C3%BC       | prober [ü]
            prober=%            | prober [%]
            prober=a%0d%0ab     | prober [
            prober=nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn | up to 64
            """)
    void aNameThatMayNotBeIsABadRequestAndNoPoll(String query, String message) throws IOException {
        assertError(handle(Exchange.of("GET", query), "/ready"), 400, message);

        assertThat(drain.status().probers()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"X-Forwarded-For, 192.0.2.99", "Forwarded, for=192.0.2.99", "Via, 1.1 front", "via, ''"})
    void whatCameThroughAFrontEndIsAnsweredAndNotNoted(String header, String value) throws IOException {
        for (int i = 0; i < 3; i++) {
            assertThat(handle(Exchange.of("GET").with(header, value), "/ready").status)
                    .isEqualTo(200);
        }

        assertThat(drain.status().probers()).isEmpty();
    }

    @Test
    void whatRemoteIpValveHasReadWasThere() throws IOException {
        Exchange exchange = Exchange.of("GET");
        exchange.attributes.put("org.apache.tomcat.request.forwarded", true);

        handle(exchange, "/ready");

        assertThat(drain.status().probers()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            -                | -
            ''               | -
            prober=web       | web
            x=1&prober=web   | web
            prober=web&x=%%% | web
            prober=          | -
            prober=a%20b     | -
            theprober=web    | -
            x=prober=web     | -
            prober           | -
            """)
    void atAnotherUrlTheRestOfTheQueryIsItsOwn(String query, String name) {
        ReadinessPoll poll = DrainEndpoints.poll(Exchange.of("GET", query).request());

        assertThat(poll).isEqualTo(new ReadinessPoll("192.0.2.7", null, name, false));
    }

    // ---------------------------------------------------------------- who may

    @ParameterizedTest(name = "{0} {1}: {2}")
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            GET     | /ready   | -
            HEAD    | /ready   | -
            OPTIONS | /ready   | -
            POST    | /ready   | GET, HEAD, OPTIONS
            PUT     | /ready   | GET, HEAD, OPTIONS
            DELETE  | /live    | GET, HEAD, OPTIONS
            OPTIONS | /live    | -
            get     | /live    | GET, HEAD, OPTIONS
            GET     | ''       | -
            HEAD    | ''       | -
            POST    | ''       | -
            DELETE  | ''       | -
            PUT     | ''       | GET, HEAD, POST, DELETE
            PATCH   | ''       | GET, HEAD, POST, DELETE
            OPTIONS | ''       | GET, HEAD, POST, DELETE
            TRACE   | ''       | GET, HEAD, POST, DELETE
            HEAD    | /events  | GET
            POST    | /events  | GET
            """)
    void aWrongMethodIsToldWhichAreRight(String method, String below, String allowed) throws IOException {
        Exchange exchange = handle(Exchange.of(method).withToken(), below);

        if (allowed == null) {
            assertThat(exchange.status).isBetween(200, 202);
        } else {
            assertThat(exchange.header("Allow")).isEqualTo(allowed);
            // Methods are told to anybody: what is wrong with the request comes before who sent it.
            assertThat(handle(Exchange.of(method), below).status).isEqualTo(405);
            if (method.equals("HEAD")) {
                assertThat(exchange.status).isEqualTo(405);
                assertThat(exchange.body()).isEmpty();
            } else {
                assertError(exchange, 405, "[" + method + "]", allowed);
            }
            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/readyz", "/ready/", "/READY", "/events/1", "ready", "/live;x", "/../ready"})
    void anUnknownPathIsNotFoundForAnybody(String below) throws IOException {
        assertError(handle(Exchange.of("GET"), below), 404, "[/drain/ready]");
        assertError(handle(Exchange.of("BREW").withToken(), below), 404, "nothing is here");
    }

    @ParameterizedTest
    @CsvSource({"GET,''", "POST,''", "DELETE,''", "GET,/events"})
    void controlIsOffWithoutAConfiguredToken(String method, String below) throws IOException {
        NodeDrain uncontrolled = new NodeDrain("endpoints", DrainSettings.of(Map.of("lameDuck", "off")));
        Exchange exchange = Exchange.of(method, "bad").withToken();

        new DrainEndpoints(uncontrolled).handle(exchange.request(), exchange.response(), below, true);

        assertError(exchange, 403, "token");
        assertThat(exchange.headers).doesNotContainKey("WWW-Authenticate");
        assertThat(uncontrolled.state()).isEqualTo(DrainState.SERVING);
    }

    @ParameterizedTest
    @CsvSource({"GET,''", "POST,''", "DELETE,''", "GET,/events"})
    void controlIsAnsweredOnTheControlPortOnly(String method, String below) throws IOException {
        Exchange exchange = Exchange.of(method, "bad").withToken();

        endpoints.handle(exchange.request(), exchange.response(), below, false);

        assertError(exchange, 403, "port");
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
    }

    @ParameterizedTest
    @CsvSource({"GET,''", "POST,''", "DELETE,''", "GET,/events"})
    void controlNeedsTheToken(String method, String below) throws IOException {
        for (Exchange exchange : List.of(
                Exchange.of(method, "bad"),
                Exchange.of(method, "bad").with("Authorization", "Bearer " + Drains.TOKEN + "x"),
                Exchange.of(method, "token=" + Drains.TOKEN),
                Exchange.of(method)
                        .with("Authorization", "Basic " + Drains.TOKEN)
                        .withBodyOf(9))) {
            handle(exchange, below);

            assertError(exchange, 401, "[Authorization: Bearer TOKEN]");
            assertThat(exchange.header("WWW-Authenticate")).isEqualTo("Bearer");
            assertThat(exchange.body()).doesNotContain(Drains.TOKEN);
        }
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
    }

    @Test
    void aWrongTokenIsToldFromNone() throws IOException {
        assertError(handle(Exchange.of("GET"), ""), 401, "a token is needed");
        assertError(handle(Exchange.of("GET").with("Authorization", "Bearer wrong"), ""), 401, "not this node's token");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "POST", "DELETE"})
    void statusIsTextForAClientThatNamesIt(String method) throws IOException {
        Exchange exchange = handle(Exchange.of(method).withToken().with("Accept", "text/plain"), "");

        assertThat(exchange.header("Content-Type")).isEqualTo("text/plain;charset=UTF-8");
        assertThat(exchange.body()).startsWith("endpoints: ").endsWith("\n");
    }

    @Test
    void errorsHaveHeadersOnlyForHead() throws IOException {
        Exchange head = handle(Exchange.of("HEAD"), "");
        Exchange get = handle(Exchange.of("GET"), "");

        assertThat(head.status).isEqualTo(401);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers).isEqualTo(get.headers);
    }

    // ---------------------------------------------------------------- status

    @Test
    void statusIsTheWholePictureInUtf8() throws IOException {
        begin("Größe \uD83D\uDEBF");

        Exchange exchange = handle(Exchange.of("GET").withToken(), "");

        assertThat(exchange.status).isEqualTo(200);
        assertThat(exchange.header("Content-Type")).isEqualTo("application/json");
        assertThat(exchange.header("Cache-Control")).isEqualTo("no-store");
        assertThat(exchange.header("Content-Length"))
                .isEqualTo(String.valueOf(exchange.body().getBytes(StandardCharsets.UTF_8).length));
        JsonNode status = JACKSON.readTree(exchange.body());
        assertThat(fields(status))
                .containsExactly(
                        "name",
                        "state",
                        "ready",
                        "since",
                        "reason",
                        "deadline",
                        "remainingMillis",
                        "lameDuckRemainingMillis",
                        "drainingMillis",
                        "lameDuckMillis",
                        "resumeMillis",
                        "resumable",
                        "etaMillis",
                        "inFlight",
                        "totals",
                        "probers",
                        "uploads",
                        "openUploads",
                        "report");
        assertThat(status.get("reason").asText()).isEqualTo("Größe \uD83D\uDEBF");
        assertThat(status.get("report").get("outcome").asText()).isEqualTo("DRAINED");
    }

    @Test
    void statusHasNoReportBeforeADrain() throws IOException {
        JsonNode status =
                JACKSON.readTree(handle(Exchange.of("GET").withToken(), "").body());

        assertThat(status.has("report")).isFalse();
        assertThat(status.get("reason").isNull()).isTrue();
        assertThat(status.get("deadline").isNull()).isTrue();
        assertThat(status.get("state").asText()).isEqualTo("SERVING");
    }

    @Test
    void headOfStatusHasTheHeadersOnly() throws IOException {
        Exchange head = handle(Exchange.of("HEAD").withToken(), "");

        assertThat(head.status).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(Integer.parseInt(head.header("Content-Length"))).isPositive();
    }

    @ParameterizedTest
    @CsvSource({"GET,''", "DELETE,''", "GET,/events"})
    void othersThanStartTakeNoParameters(String method, String below) throws IOException {
        begin();

        assertError(handle(Exchange.of(method, "reason=x").withToken(), below), 400, "[reason]", "takes none");
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
    }

    // ---------------------------------------------------------------- start and resume

    @Test
    void postBeginsADrainAndDoesNotWait() throws IOException {
        Hold hold = drain.hold("test");

        Exchange exchange = handle(Exchange.of("POST").withToken(), "");

        assertThat(exchange.status).isEqualTo(202);
        JsonNode status = JACKSON.readTree(exchange.body());
        assertThat(status.get("state").asText()).isEqualTo("DRAINING");
        assertThat(status.get("reason").asText()).isEqualTo("POST /drain from 192.0.2.7");
        assertThat(status.get("inFlight").get("holds").asInt()).isEqualTo(1);
        hold.close();
    }

    @Test
    void postTellsReasonAndDeadline() throws IOException {
        Hold hold = drain.hold("test");
        Instant earliest = Instant.now().plus(Duration.ofHours(2));

        handle(Exchange.of("POST", "timeout=2h&reason=upgrade+to%20v2").withToken(), "");

        assertThat(drain.status().reason()).isEqualTo("upgrade to v2");
        assertThat(drain.status().deadline())
                .isBetween(
                        earliest.minusSeconds(1),
                        Instant.now().plus(Duration.ofHours(2)).plusSeconds(1));
        hold.close();
    }

    @Test
    void aSecondPostJoinsAndChangesTheDeadline() throws IOException {
        Hold hold = drain.hold("test");
        handle(Exchange.of("POST", "reason=first").withToken(), "");
        assertThat(drain.state()).isEqualTo(DrainState.DRAINING);

        Exchange second = handle(Exchange.of("POST", "timeout=0s&reason=second").withToken(), "");

        assertThat(second.status).isEqualTo(202);
        JsonNode status = JACKSON.readTree(second.body());
        assertThat(status.get("state").asText()).isEqualTo("EXPIRED");
        assertThat(status.get("reason").asText()).isEqualTo("first");
        hold.close();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            timeout=                  | timeout []
            timeout=1s&timeout=2s     | [timeout]
            timeout=soon              | timeout [soon]
            timeout=-1s               | timeout [-1s]
            timeout=9999999999999h    | timeout [9999999999999h]
            wait=x                    | wait [x]
            wait=1s&wait=1s           | [wait]
            resumeAfter=0s            | resumeAfter [0s]
            resumeAfter=3d            | resumeAfter [3d]
            reason=a%0Ab              | reason [a
            reason=                   | reason []
            reason=%                  | reason [%]
            force=true                | [force]
            timeout=1s&               | []
            """)
    void aBadParameterIsNamedAndNothingBegins(String query, String named) throws IOException {
        assertError(handle(Exchange.of("POST", query).withToken(), ""), 400, named);
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
    }

    @Test
    void aReasonIsAtMost200CharactersLong() throws IOException {
        assertError(handle(Exchange.of("POST", "reason=" + "x".repeat(201)).withToken(), ""), 400, "201", "200");
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
        assertThat(handle(Exchange.of("POST", "reason=" + "x".repeat(200)).withToken(), "").status)
                .isEqualTo(202);
    }

    @Test
    void aBodyIsRefusedUnread() throws IOException {
        for (Exchange exchange : List.of(
                Exchange.of("POST", "timeout=1s").withToken().withBodyOf(9),
                Exchange.of("POST").withToken().with("Transfer-Encoding", "chunked"))) {
            assertError(handle(exchange, ""), 400, "query string", "[POST /drain?timeout=10m]");
        }
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
        assertThat(handle(Exchange.of("POST").withToken().withBodyOf(0), "").status)
                .isEqualTo(202);
    }

    @Test
    void deleteResumes() throws IOException {
        begin();

        Exchange exchange = handle(Exchange.of("DELETE").withToken(), "");

        assertThat(exchange.status).isEqualTo(200);
        assertThat(JACKSON.readTree(exchange.body()).get("state").asText()).isEqualTo("SERVING");
        assertThat(handle(Exchange.of("DELETE").withToken(), "").status).isEqualTo(200);
    }

    @Test
    void deleteTellsWhyItCannotResume() throws IOException {
        drain.startForStop("test", true);

        assertError(handle(Exchange.of("DELETE").withToken(), ""), 409, "drain[endpoints] cannot resume", "stopping");
    }

    @Test
    void namesTheConfiguredPath() throws IOException {
        NodeDrain elsewhere = Drains.make("path", "/ops/node");
        DrainEndpoints there = new DrainEndpoints(elsewhere);
        Exchange start = Exchange.of("POST").withToken();
        Exchange missing = Exchange.of("GET");

        there.handle(start.request(), start.response(), "", true);
        there.handle(missing.request(), missing.response(), "/x", true);

        assertThat(elsewhere.status().reason()).isEqualTo("POST /ops/node from 192.0.2.7");
        assertError(missing, 404, "[/ops/node/ready]");
    }

    private void begin() {
        begin("test");
    }

    private void begin(String reason) {
        var unused = drain.start(reason);
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
    }

    private Exchange handle(Exchange exchange, String below) throws IOException {
        if (below.equals("/events")) {
            endpoints.close(); // so that a stream ends after its first event
        }
        endpoints.handle(exchange.request(), exchange.response(), below, true);
        return exchange;
    }

    private static void assertError(Exchange exchange, int code, String... words) throws IOException {
        assertThat(exchange.status).isEqualTo(code);
        assertThat(exchange.header("Content-Type")).isEqualTo("application/json");
        assertThat(exchange.header("Cache-Control")).isEqualTo("no-store");
        assertThat(exchange.header("Content-Length"))
                .isEqualTo(String.valueOf(exchange.body().getBytes(StandardCharsets.UTF_8).length));
        JsonNode body = JACKSON.readTree(exchange.body());
        assertThat(fields(body)).containsExactly("error");
        assertThat(body.get("error").textValue()).contains(words);
    }

    private static List<String> fields(JsonNode node) {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }
}
