package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The endpoints over real HTTP, wherever the valve sits. */
class EndpointsIT {
    private static final String TOKEN = "a token of some length".replace(' ', '-');
    private static final String BEARER = "Authorization: Bearer " + TOKEN;

    private static String path(TestServer.Position position) {
        return position == TestServer.Position.CONTEXT ? "/app/drain" : "/drain";
    }

    private static Answer send(TestServer server, String method, String path, String... headers) throws Exception {
        return Http11Client.exchange(server.port(), Http11Client.head(method, path, headers), new byte[0]);
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void drainIsStartedWatchedAndUndone(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).set("token", TOKEN).start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            String path = path(position);
            assertThat(send(server, "GET", path + "/ready").text()).isEqualTo("{\"status\":\"UP\"}");
            assertThat(send(server, "GET", path).status()).isEqualTo(401);
            assertThat(send(server, "POST", path).status()).isEqualTo(401);
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);

            Answer started = send(server, "POST", path + "?reason=by%20hand", BEARER);
            assertThat(started.status()).isEqualTo(202);
            assertThat(started.text())
                    .contains("\"state\":\"DRAINING\"", "\"reason\":\"by hand\"", "\"path\":\"/app/upload\"");
            Answer ready = send(server, "GET", path + "/ready");
            assertThat(ready.status()).isEqualTo(503);
            assertThat(ready.text()).isEqualTo("{\"status\":\"DRAINING\"}");
            assertThat(ready.header("Cache-Control")).isEqualTo("no-store");
            assertThat(send(server, "GET", path + "/live").status()).isEqualTo(200);
            assertThat(send(server, "POST", path + "?wait=10ms", BEARER).status())
                    .isEqualTo(504);

            assertThat(send(server, "DELETE", path, BEARER).status()).isEqualTo(200);
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
            assertThat(send(server, "GET", "/app/ok").status()).isEqualTo(200);

            try (var waiting = new Http11Client(server.port())) {
                waiting.send(Http11Client.head("POST", path + "?wait=1m", BEARER));
                upload.finishWhole();
                Answer over = waiting.answer();
                assertThat(over.status()).isEqualTo(200);
                assertThat(over.text()).contains("\"state\":\"DRAINED\"", "\"report\":{\"outcome\":\"DRAINED\"");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void endpointsAreNotCountedAndAnswerOverEveryProtocol(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).set("token", TOKEN).start()) {
            String path = path(position);
            for (boolean drained : new boolean[] {false, true}) {
                int ready = drained ? 503 : 200;
                assertThat(send(server, "GET", path + "/ready").status()).isEqualTo(ready);
                assertThat(Http2Client.get(server.port(), path + "/ready").status())
                        .isEqualTo(ready);
                assertThat(AjpClient.get(server.ajpPort(), path + "/ready").status())
                        .isEqualTo(ready);
                assertThat(AjpClient.get(server.ajpPort(), path + "/live").status())
                        .isEqualTo(200);
                assertThat(Http2Client.get(server.port(), path, "authorization", "Bearer " + TOKEN)
                                .status())
                        .isEqualTo(200);
                assertThat(send(server, "GET", path + "/nothing").status()).isEqualTo(404);
                assertThat(send(server, "PUT", path, BEARER).status()).isEqualTo(405);
                assertThat(send(server, "GET", path + "?x=1", BEARER).status()).isEqualTo(400);
                try (var head = new Http11Client(server.port())) {
                    assertThat(head.send(Http11Client.head("HEAD", path + "/ready"))
                                    .answer(true)
                                    .status())
                            .isEqualTo(ready);
                }
                assertThat(server.drain().status().totals()).isEqualTo(new DrainStatus.Totals(0, 0, 0, 0, 0));
                assertThat(server.drain().status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
                var unused = server.drain().start("test");
            }
        }
    }

    /** Neighbours of the path belong to the application. */
    @ParameterizedTest
    @CsvSource({
        "/drainage, 404",
        "/Drain/ready, 404",
        "/x/drain/ready, 404",
        "/drain/ready?x, 200",
        "/x/../drain/ready, 200",
        "/%64rain/ready, 200",
        "/drain/ready;x=1, 200"
    })
    void pathIsMatchedAsApplicationsAre(String path, int status) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            assertThat(send(server, "GET", path).status()).isEqualTo(status);
        }
    }

    @Test
    void withoutATokenControlIsOff() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            for (String method : new String[] {"GET", "POST", "DELETE"}) {
                assertThat(send(server, method, "/drain", BEARER).status()).isEqualTo(403);
            }
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
        }
    }

    @Test
    void controlIsAnsweredOnTheControlPortOnly() throws Exception {
        int control;
        try (ServerSocket free = new ServerSocket(0)) {
            control = free.getLocalPort();
        }
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("token", TOKEN)
                .set("controlPort", String.valueOf(control))
                .customize(
                        each -> each.tomcat().getService().findConnectors()[1].setPort(control))
                .start()) {
            assertThat(server.otherPort()).isEqualTo(control);
            String status = Http11Client.head("GET", "/drain", BEARER);
            assertThat(Http11Client.exchange(server.port(), status, new byte[0]).status())
                    .isEqualTo(403);
            assertThat(Http11Client.exchange(control, status, new byte[0]).status())
                    .isEqualTo(200);
            assertThat(Http11Client.get(server.port(), "/drain/ready").status()).isEqualTo(200);
            assertThat(Http11Client.get(control, "/drain/ready").status()).isEqualTo(200);
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
}
