package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.Hold;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.fleet.Ports;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Asks a real Tomcat for readiness, liveness and status, and commands it, over HTTP and AJP. */
class EndpointsIT {
    private static final String TOKEN = "a-token-for-the-tests";
    private static final String BEARER = "Authorization: Bearer " + TOKEN;

    private static Answer ask(TestServer server, String method, String path, String... headers) throws IOException {
        try (Http11Client client = new Http11Client(server.port())) {
            return client.send(Http11Client.head(method, path, headers)).answer(method.equals("HEAD"));
        }
    }

    private static void assertJson(Answer answer, int status, String... parts) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(status);
        assertThat(answer.header("Content-Type")).startsWith("application/json");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        for (String part : parts) {
            assertThat(answer.text()).contains(part);
        }
    }

    @ParameterizedTest
    @EnumSource
    void wholeLifeOverHttp(TestServer.Position position) throws Exception {
        String path = position == TestServer.Position.CONTEXT ? "/app/drain" : "/drain";
        try (TestServer server = TestServer.with(position).set("token", TOKEN).start()) {
            Drain drain = server.drain();
            assertJson(ask(server, "GET", path + "/ready"), 200, "{\"status\":\"UP\"}");
            assertJson(ask(server, "GET", path + "/live"), 200, "{\"status\":\"UP\"}");
            assertThat(ask(server, "HEAD", path + "/ready").status()).isEqualTo(200);
            assertJson(ask(server, "GET", path, BEARER), 200, "\"state\":\"SERVING\"", "\"ready\":true");
            assertJson(ask(server, "DELETE", path, BEARER), 200, "\"state\":\"SERVING\"");

            Hold hold = drain.hold("the test");
            assertJson(
                    ask(server, "POST", path + "?reason=upgrade&timeout=5m", BEARER),
                    202,
                    "\"state\":\"DRAINING\"",
                    "\"reason\":\"upgrade\"",
                    "\"holds\":1");
            assertJson(ask(server, "GET", path + "/ready"), 503, "{\"status\":\"DRAINING\"}");
            assertThat(ask(server, "HEAD", path + "/ready").status()).isEqualTo(503);
            assertJson(ask(server, "GET", path + "/live"), 200, "{\"status\":\"UP\"}");
            assertJson(ask(server, "POST", path + "?wait=20ms", BEARER), 504, "\"state\":\"DRAINING\"");

            Background<Answer> waiting = Background.call(() -> ask(server, "POST", path + "?wait=20s", BEARER));
            hold.close();
            assertJson(waiting.result(), 200, "\"state\":\"DRAINED\"", "\"outcome\":\"DRAINED\"");

            assertJson(ask(server, "DELETE", path, BEARER), 200, "\"state\":\"SERVING\"", "\"report\":");
            assertJson(ask(server, "GET", path + "/ready"), 200);
            assertThat(ask(server, "GET", "/app/ok").status()).isEqualTo(200);

            // None of all that was counted, but the one page.
            await().until(() -> drain.status().totals().requestsCompleted() == 1);
            assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
            assertThat(drain.status().totals().refused()).isZero();
        }
    }

    @Test
    void whatIsWrongIsSaid() throws Exception {
        try (TestServer server =
                TestServer.with(TestServer.Position.ENGINE).set("token", TOKEN).start()) {
            assertJson(ask(server, "GET", "/drain"), 401, "Authorization: Bearer TOKEN");
            assertJson(ask(server, "POST", "/drain", BEARER + "x"), 401);
            assertJson(ask(server, "POST", "/drain?wait=soon", BEARER), 400, "wait [soon]");
            assertJson(ask(server, "POST", "/drain?wait=1s&wait=2s", BEARER), 400, "duplicate parameter [wait]");
            assertJson(ask(server, "GET", "/drain?x=1", BEARER), 400, "unknown parameter [x]");
            assertJson(ask(server, "GET", "/drain/unknown", BEARER), 404, "/drain/ready");
            Answer wrongMethod = ask(server, "PUT", "/drain", BEARER);
            assertJson(wrongMethod, 405);
            assertThat(wrongMethod.header("Allow")).isEqualTo("GET, HEAD, POST, DELETE");
            assertThat(ask(server, "POST", "/drain/ready").header("Allow")).isEqualTo("GET, HEAD, OPTIONS");
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
        }
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            assertJson(ask(server, "GET", "/drain", BEARER), 403, "configure a token");
            assertJson(ask(server, "GET", "/drain/ready"), 200);
        }
    }

    @Test
    void spellingsOfThePath() throws Exception {
        Map<String, Integer> statuses = Map.of(
                "/drain/ready;jsessionid=1", 200,
                "/drain;v=1/ready", 200,
                "/drain/ready?prober=web", 200,
                "/drain/ready?x=1", 400,
                "/dr%61in/ready", 200,
                "/x/../drain/ready", 200,
                "//drain/ready", 200,
                "/drain/ready/", 404,
                "/drain/READY", 404,
                "/drain/", 404);
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            for (Map.Entry<String, Integer> each : statuses.entrySet()) {
                assertJson(ask(server, "GET", each.getKey()), each.getValue());
            }
            for (String tomcats : List.of("/drainage", "/DRAIN/ready", "/Drain", "/app/drain/ready", "/")) {
                Answer answer = ask(server, "GET", tomcats);
                assertThat(answer.status()).as(tomcats).isEqualTo(404);
                assertThat(String.valueOf(answer.header("Content-Type"))).doesNotContain("json");
            }
            await().until(() -> server.drain().status().totals().requestsCompleted() >= 5);
            assertThat(server.drain().status().totals().requestsCompleted()).isEqualTo(5);
        }
    }

    @Test
    void ownPathHidesNothingElse() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.CONTEXT)
                .set("path", "/ops/drain")
                .start()) {
            assertJson(ask(server, "GET", "/app/ops/drain/ready"), 200);
            assertThat(ask(server, "GET", "/ops/drain/ready").status()).isEqualTo(404);
            assertThat(ask(server, "GET", "/app/drain/ready").status()).isEqualTo(404);
            assertThat(ask(server, "GET", "/app/ok").text()).isEqualTo("ok");
        }
    }

    @Test
    void controlIsAnsweredOnItsPortOnly() throws Exception {
        int controlPort = Ports.free();
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("token", TOKEN)
                .set("controlPort", Integer.toString(controlPort))
                .customize(
                        each -> each.tomcat().getService().findConnectors()[1].setPort(controlPort))
                .start()) {
            for (String method : List.of("GET", "POST", "DELETE")) {
                assertJson(ask(server, method, "/drain", BEARER), 403, "use the control port");
                // The same with a bad token: the port alone decides, so that nobody can try tokens there.
                assertJson(ask(server, method, "/drain", BEARER + "x"), 403);
            }
            assertJson(overAjp(server, "/drain"), 403);
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
            assertJson(ask(server, "GET", "/drain/ready"), 200);
            assertJson(Http11Client.get(controlPort, "/drain/ready"), 200);
            assertJson(Http11Client.get(controlPort, "/drain", BEARER), 200, "\"state\":\"SERVING\"");
            assertJson(Http11Client.get(controlPort, "/drain", BEARER + "x"), 401);
            assertThat(Http11Client.get(controlPort, "/app/ok").status()).isEqualTo(200);
        }
    }

    private static Answer overAjp(TestServer server, String path) throws IOException {
        try (AjpClient client = new AjpClient(server.ajpPort())) {
            return client.forward("GET", path, Map.of("Authorization", "Bearer " + TOKEN))
                    .answer(AjpClient.Body.of(new byte[0]));
        }
    }

    @Test
    void otherProtocolsAnswerTheSame() throws Exception {
        try (TestServer server =
                TestServer.with(TestServer.Position.ENGINE).set("token", TOKEN).start()) {
            assertJson(overAjp(server, "/drain/ready"), 200);
            assertJson(overAjp(server, "/drain"), 200, "\"state\":\"SERVING\"");
            assertJson(Http2Client.get(server.port(), "/drain/ready"), 200);
            assertJson(
                    Http2Client.get(server.port(), "/drain", "authorization", "Bearer " + TOKEN),
                    200,
                    "\"state\":\"SERVING\"");
            assertThat(server.drain().start("test").get(1, TimeUnit.MINUTES).outcome())
                    .isEqualTo(DrainReport.Outcome.DRAINED);
            assertJson(overAjp(server, "/drain/ready"), 503);
            assertJson(Http2Client.get(server.port(), "/drain/ready"), 503);
        }
    }

    private static int poll(TestServer server) throws IOException {
        return ask(server, "GET", "/drain/ready", "User-Agent: prober").status();
    }

    @Test
    void lameDuckLastsUntilTheProberHasSeenIt() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "auto")
                .set("lameDuckTimeout", "10m") // and a prober that has asked once is waited for during a third of that
                .start()) {
            Drain drain = server.drain();
            assertThat(poll(server)).isEqualTo(200);
            Hold hold = drain.hold("the test");
            assertThat(hold.isEffective()).isTrue();
            var over = drain.start("test");
            assertThat(ask(server, "GET", "/app/ok").status()).isEqualTo(200);
            assertThat(drain.state()).isEqualTo(DrainState.LAME_DUCK);
            AtomicInteger polls = new AtomicInteger();
            await().until(() -> {
                assertThat(poll(server)).isEqualTo(503);
                polls.incrementAndGet();
                return drain.state() == DrainState.DRAINING;
            });
            assertThat(drain.status().probers()).singleElement().satisfies(each -> {
                assertThat(each.remote()).isEqualTo("127.0.0.1");
                assertThat(each.seenDown()).isEqualTo(polls.get());
            });
            assertThat(ask(server, "GET", "/app/ok").status()).isEqualTo(503);
            hold.close();
            long lameDuckMillis = over.get(1, TimeUnit.MINUTES).lameDuckMillis();
            // On a machine that stands still it may be taken for dead.
            assertThat(polls.get() >= 3 || lameDuckMillis >= 2_000)
                    .as("%s polls, %s ms", polls, lameDuckMillis)
                    .isTrue();
        }
    }

    /** Looking at the path must not make Tomcat read a form's parameters. */
    @Test
    void bodyOfABigFormIsLeftToTheApplication() throws Exception {
        byte[] form = ("a=" + "x".repeat(1_900_000)).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("uploadTypes", "application/x-www-form-urlencoded")
                .start()) {
            String head = Http11Client.head(
                    "POST",
                    "/app/upload?path=/drain",
                    "Content-Type: application/x-www-form-urlencoded",
                    "Content-Length: " + form.length);
            assertThat(Http11Client.exchange(server.port(), head, form).text()).isEqualTo(App.sha256(form));
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void endpointsAreNotCounted(TestServer.Position position) throws Exception {
        String path = position == TestServer.Position.CONTEXT ? "/app/drain" : "/drain";
        try (TestServer server = TestServer.with(position).start()) {
            for (String below : new String[] {"", "/ready", "/live", "/nothing"}) {
                Http11Client.get(server.port(), path + below);
                Http2Client.get(server.port(), path + below);
                AjpClient.get(server.ajpPort(), path + below);
            }
            assertThat(server.drain().status().totals()).isEqualTo(new DrainStatus.Totals(0, 0, 0, 0, 0));
            assertThat(server.drain().status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
        }
    }
}
