package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import java.net.ConnectException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** From the end of a stop's drain to the pause of the connectors no request is left without an answer, and no connection open. */
@Timeout(60)
class QuietEndIT {
    @BeforeAll
    static void quiet() {
        TestServer.beQuiet();
    }

    @Test
    void requestsThatWaitForAThreadAreAnsweredWhenTheDrainIsOver() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .customize(made -> {
                    made.tomcat().getConnector().setProperty("minSpareThreads", "1");
                    made.tomcat().getConnector().setProperty("maxThreads", "2");
                })
                .start()) {
            List<SlowUpload> holders = new ArrayList<>();
            holders.add(SlowUpload.begin(server, "/app/upload"));
            holders.add(SlowUpload.begin(server, "/app/upload"));
            List<Http11Client> waiting = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                waiting.add(new Http11Client(server.port()).send(Http11Client.head("GET", "/app/ok")));
            }
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            for (SlowUpload holder : holders) {
                holder.finishWhole();
            }
            for (Http11Client client : waiting) {
                assertThat(client.answer().status()).isIn(200, 503);
                client.close();
            }
            stop.result();
        }
    }

    @Test
    void aRequestOnAKeptConnectionIsAnsweredOrItsConnectionWasClosedBefore() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http11Client kept = new Http11Client(server.port())) {
            assertThat(kept.send(Http11Client.head("GET", "/app/ok"))
                            .readOne(false)
                            .status())
                    .isEqualTo(200);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            stop.result();
            assertThat(kept.isClosedWithin(2_000)).isTrue();
        }
    }

    @Test
    void everythingThatArrivesWhileTheStopEndsIsAnsweredOrRefusedByTheKernel() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            List<Background<String>> clients = new ArrayList<>();
            SlowUpload holder = SlowUpload.begin(server, "/app/upload");
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            for (int i = 0; i < 4; i++) {
                clients.add(Background.call(() -> askUntilRefused(server.port())));
            }
            holder.finishWhole();
            for (Background<String> client : clients) {
                assertThat(client.result()).isEmpty();
            }
            stop.result();
        }
    }

    /** Asks over one fresh connection after the other; returns what went wrong. */
    private static String askUntilRefused(int port) {
        while (true) {
            try (Http11Client client = new Http11Client(port)) {
                Answer answer = client.send(Http11Client.head(
                                "POST", "/app/upload", "Content-Type: multipart/form-data", "Content-Length: 10"))
                        .send(new byte[10])
                        .answer();
                if (answer.status() != 503) {
                    return "answered " + answer;
                }
            } catch (ConnectException refused) {
                return "";
            } catch (Exception lost) {
                return "lost: " + lost;
            }
        }
    }

    @Test
    void anAjpConnectionIsUsedNoMoreOnceTheDrainOfAStopIsOver() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                AjpClient front = new AjpClient(server.ajpPort())) {
            assertThat(askOver(front).status()).isEqualTo(200);
            assertThat(front.isReusable()).isTrue();
            Background<Void> stop = Background.run(() -> server.valve().drainBeforeStop("test"));
            await().until(() -> server.drain().state().isOver());
            // Refused with an END that forbids reuse, or closed before it was sent: not served, and not kept.
            assertThat(askOver(front).status()).isNotEqualTo(200);
            assertThat(front.isReusable()).isFalse();
            stop.result();
        }
    }

    private static Answer askOver(AjpClient front) throws IOException {
        try {
            return front.forward("GET", "/app/ok", Map.of()).answer(AjpClient.Body.of(new byte[0]));
        } catch (IOException closed) {
            return front.answer(most -> new byte[0]);
        }
    }

    @Test
    void anIdleHttp2ConnectionIsToldWhichStreamsWereSeen() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http2Client client = new Http2Client(server.port())) {
            int stream = client.request("GET", "/app/ok", true);
            assertThat(client.answer(stream).status()).isEqualTo(200);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> client.lastGoAway() >= 0);
            stop.result();
            await().until(() -> client.lastGoAway() == stream);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app/ws"})
    void anUpgradedConnectionIsTheApplicationsAndDelaysNothing(String path) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http11Client client = new Http11Client(server.port())) {
            client.send(Http11Client.head(
                    "GET",
                    path,
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
            assertThat(client.readOne(true).status()).isEqualTo(101);
            server.drain()
                    .start("test", new DrainLimits(java.time.Duration.ZERO, null))
                    .get(30, TimeUnit.SECONDS);
            server.tomcat().stop();
            assertThat(server.drain()).isNull();
        }
    }
}
