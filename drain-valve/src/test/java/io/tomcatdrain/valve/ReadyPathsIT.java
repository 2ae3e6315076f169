package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.valves.rewrite.RewriteValve;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A balancer that asks other URLs than the valve's learns of the drain there. */
class ReadyPathsIT {
    private static int ask(TestServer server, String method, String path) throws IOException {
        try (Http11Client client = new Http11Client(server.port())) {
            return client.send(Http11Client.head(method, path))
                    .answer(method.equals("HEAD"))
                    .status();
        }
    }

    @ParameterizedTest
    @EnumSource
    void theApplicationAnswersUntilTheNodeLeaves(TestServer.Position position) throws Exception {
        String context = position == TestServer.Position.CONTEXT ? "" : "/app";
        try (TestServer server = TestServer.with(position)
                .set("readyPaths", context + "/ok, " + context + "/forward")
                .set("lameDuck", "1m")
                .set("drainOnStop", "false")
                .start()) {
            for (String path : new String[] {"/app/ok", "/app/ok?x=1&prober=lb", "/app/forward?prober=other"}) {
                assertThat(ask(server, "GET", path)).isEqualTo(200);
            }
            assertThat(server.app().calls.get()).isEqualTo(4); // a forward is two
            assertThat(server.drain().status().probers())
                    .extracting(DrainStatus.Prober::name)
                    .containsExactlyInAnyOrder(null, "lb", "other");

            var unused = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
            for (String method : new String[] {"GET", "HEAD", "OPTIONS"}) {
                assertThat(ask(server, method, "/app/ok")).as(method).isEqualTo(503);
            }
            assertThat(Http11Client.get(server.port(), "/app/ok").text()).isEqualTo("{\"status\":\"DRAINING\"}");
            assertThat(askOverAjp(server)).isEqualTo(503);
            assertThat(server.app().calls.get()).isEqualTo(4);
            assertThat(preflight(server)).isEqualTo(200);
            // What is not meant is served in the lame duck, and another method is no question.
            assertThat(ask(server, "GET", "/app/slow")).isEqualTo(200);
            assertThat(ask(server, "POST", "/app/ok")).isEqualTo(200);
            assertThat(server.drain().status().totals().refused()).isZero();

            server.drain().resume();
            assertThat(ask(server, "GET", "/app/ok")).isEqualTo(200);
        }
    }

    /** What a script may send is the application's to say, also there. */
    private static int preflight(TestServer server) throws IOException {
        String head = Http11Client.head(
                "OPTIONS", "/app/ok", "Origin: https://app.example", "Access-Control-Request-Method: POST");
        return Http11Client.exchange(server.port(), head, new byte[0]).status();
    }

    private static int askOverAjp(TestServer server) throws IOException {
        try (AjpClient client = new AjpClient(server.ajpPort())) {
            return client.forward("GET", "/app/ok", Map.of())
                    .answer(AjpClient.Body.of(new byte[0]))
                    .status();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"all", "uploads"})
    void theyTellItWhileDrainingWhateverIsRefused(String refuse) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("readyPaths", "/app/ok")
                        .set("refuse", refuse)
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            var over = server.drain().start("test");
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            assertThat(ask(server, "GET", "/app/ok")).isEqualTo(503);
            assertThat(server.drain().status().totals().refused()).isZero();
            upload.finishWhole();
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).hasToString("DRAINED");
        }
    }

    @Test
    void aLameDuckWaitsForWhoAsksThere() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("readyPaths", "/app/ok")
                .set("lameDuck", "auto")
                .set("lameDuckTimeout", "10m")
                .set("probeFailures", "2")
                .start()) {
            // Once: it is waited for longer than one whose rhythm, here of milliseconds, is known.
            ask(server, "GET", "/app/ok?prober=lb");
            var over = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
            assertThat(ask(server, "GET", "/app/ok?prober=lb")).isEqualTo(503);
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
            assertThat(ask(server, "GET", "/app/ok?prober=lb")).isEqualTo(503);
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).hasToString("DRAINED");
        }
    }

    // ---------------------------------------------------------------- rewritten

    /** A RewriteValve sends what it has changed through the whole pipeline again, where the valve has seen it already. */
    @ParameterizedTest
    @CsvSource({"ENGINE, HOST", "HOST, HOST", "ENGINE, ENGINE"})
    void aUrlThatIsRewrittenToTheEndpointsIsAnsweredByThem(TestServer.Position drains, TestServer.Position rewrites)
            throws Exception {
        RewriteValve rewriting = new RewriteValve();
        try (TestServer server = TestServer.with(drains)
                .set("lameDuck", "1m")
                .set("drainOnStop", "false")
                .customize(made -> made.home(rewrites).getPipeline().addValve(rewriting))
                .start()) {
            rewriting.setConfiguration("RewriteRule ^/api/readyz$ /drain/ready?prober=lb\n"
                    + "RewriteRule ^/api/livez$ /drain/live\nRewriteRule ^/api/page$ /app/ok");
            assertThat(Http11Client.get(server.port(), "/api/readyz").text()).isEqualTo("{\"status\":\"UP\"}");
            assertThat(server.drain().status().probers())
                    .extracting(DrainStatus.Prober::name)
                    .containsExactly("lb");
            assertThat(Http11Client.get(server.port(), "/api/page").text()).isEqualTo("ok");
            var unused = server.drain().start("test");
            assertThat(Http11Client.get(server.port(), "/api/readyz").text()).isEqualTo("{\"status\":\"DRAINING\"}");
            assertThat(ask(server, "GET", "/api/readyz")).isEqualTo(503);
            assertThat(ask(server, "GET", "/api/livez")).isEqualTo(200);
            assertThat(ask(server, "GET", "/api/page")).isEqualTo(200);
            server.awaitNoClients();
            assertThat(server.drain().status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
        }
    }
}
