package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.fleet.Ports;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Uploads to the endpoints themselves, which stand for an application's. */
@Timeout(180)
class CanaryIT {
    private static final String TOKEN = "a-token-for-the-tests";
    private static final String BEARER = "Authorization: Bearer " + TOKEN;
    private static final byte[] BODY = new byte[1000];

    private static TestServer server(TestServer.Position position, String... settings) throws Exception {
        var plan = TestServer.with(position).set("token", TOKEN);
        for (int i = 0; i < settings.length; i += 2) {
            plan.set(settings[i], settings[i + 1]);
        }
        return plan.start();
    }

    private static String head(String path, String... more) {
        List<String> lines = new ArrayList<>(List.of(BEARER));
        lines.addAll(List.of(more));
        return Http11Client.head("POST", path, lines.toArray(String[]::new));
    }

    /** Small, and of no type: it is an upload for where it goes. */
    private static Http11Client half(TestServer server, String path) throws IOException {
        return new Http11Client(server.port())
                .send(head(path, "Content-Length: " + BODY.length))
                .send(BODY, 0, BODY.length / 2);
    }

    @ParameterizedTest
    @EnumSource
    void isAdmittedShownCountedAndRefusedLikeAnyUpload(TestServer.Position position) throws Exception {
        String path = position == TestServer.Position.CONTEXT ? "/app/drain/canary" : "/drain/canary";
        try (TestServer server = server(position);
                Http11Client canary = half(server, path)) {
            await().until(() -> server.drain().status().uploads().stream()
                    .anyMatch(upload -> path.equals(upload.path()) && upload.bytesReceived() == BODY.length / 2));
            var unused = server.valve().drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);

            Answer refused = Http11Client.exchange(server.port(), head(path, "Content-Length: 1000"), BODY);
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("X-Drain")).isEqualTo("refused");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);

            Answer answer = canary.send(BODY, BODY.length / 2, BODY.length / 2).answer();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.text()).startsWith("{\"name\":\"").endsWith("\",\"bytes\":1000}");
            await().until(() -> server.drain().state() == DrainState.DRAINED);
            assertThat(server.drain().status().totals())
                    .matches(totals -> totals.uploadsCompleted() == 1 && totals.refused() == 1);
        }
    }

    @Test
    void takesChunksAndAsksForThemWhereTheClientWaits() throws Exception {
        try (TestServer server = server(TestServer.Position.ENGINE);
                Http11Client client = new Http11Client(server.port())) {
            client.send(head("/drain/canary", "Transfer-Encoding: chunked", "Expect: 100-continue"));
            assertThat(client.readOne(false).status()).isEqualTo(100);
            Answer answer = client.chunk(BODY).chunk(new byte[0]).answer();
            assertThat(answer.text()).contains("\"bytes\":1000");
        }
    }

    @Test
    void needsTheTokenButNotTheControlPort() throws Exception {
        try (TestServer server = server(TestServer.Position.ENGINE)) {
            String without = Http11Client.head("POST", "/drain/canary", "Content-Length: 0");
            assertThat(Http11Client.exchange(server.port(), without, new byte[0])
                            .status())
                    .isEqualTo(401);
            assertThat(Http11Client.get(server.port(), "/drain/canary").status())
                    .isEqualTo(401);
            assertThat(Http11Client.get(server.port(), "/drain/canary", BEARER).text())
                    .contains("\"closeListener\":false", "\"probeFailures\":3", "\"lameDuckTimeoutMillis\":30000")
                    .doesNotContain(TOKEN);
        }
        int controlPort = Ports.free();
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("token", TOKEN)
                .set("controlPort", Integer.toString(controlPort))
                .customize(
                        each -> each.tomcat().getService().findConnectors()[1].setPort(controlPort))
                .start()) {
            String canary = head("/drain/canary", "Content-Length: 0");
            assertThat(Http11Client.exchange(server.port(), canary, new byte[0]).status())
                    .isEqualTo(200);
            assertThat(Http11Client.exchange(server.port(), canary.replace(TOKEN, "a-token-for-nobody"), new byte[0])
                            .text())
                    .contains("not answered on this port");
            assertThat(Http11Client.get(server.port(), "/drain/canary", BEARER).status())
                    .isEqualTo(403);
        }
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            assertThat(Http11Client.exchange(server.port(), head("/drain/canary", "Content-Length: 0"), new byte[0])
                            .status())
                    .isEqualTo(403);
        }
    }

    @Test
    void isBoundedAndABrokenOneLeaksNothing() throws Exception {
        try (TestServer server = server(TestServer.Position.ENGINE)) {
            Answer tooLong = Http11Client.exchange(
                    server.port(), head("/drain/canary", "Content-Length: " + (1L << 40)), new byte[0]);
            assertThat(tooLong.status()).isEqualTo(413);

            List<Http11Client> held = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                held.add(half(server, "/drain/canary"));
            }
            await().until(() -> server.drain().status().uploads().stream()
                            .filter(upload -> upload.bytesReceived() > 0)
                            .count()
                    == 16);
            Answer tooMany =
                    Http11Client.exchange(server.port(), head("/drain/canary", "Content-Length: 0"), new byte[0]);
            assertThat(tooMany.status()).isEqualTo(429);
            for (Http11Client client : held) {
                client.reset();
            }
            await().until(() -> {
                DrainStatus status = server.drain().status();
                return status.inFlight().uploads() == 0 && status.totals().uploadsFailed() >= 16;
            });
            assertThat(Http11Client.exchange(server.port(), head("/drain/canary", "Content-Length: 0"), new byte[0])
                            .status())
                    .isEqualTo(200);
        }
    }
}
