package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SlowUpload;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardThreadExecutor;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.AbstractProtocol;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** From the end of a stop's drain to the pause of the connectors no request is left without an answer, and no connection open. */
@Timeout(180)
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

    /** How many threads a connector may have, and where they come from. */
    enum Threads {
        OWN,
        SHARED;

        void limit(TestServer server, int most) {
            Connector connector = server.tomcat().getConnector();
            if (this == OWN) {
                connector.setProperty("minSpareThreads", "1");
                connector.setProperty("maxThreads", Integer.toString(most));
                return;
            }
            StandardThreadExecutor shared = new StandardThreadExecutor();
            shared.setName("shared");
            shared.setMinSpareThreads(1);
            shared.setMaxThreads(most);
            server.tomcat().getService().addExecutor(shared);
            ((AbstractProtocol<?>) connector.getProtocolHandler()).setExecutor(shared);
        }
    }

    private static Http11Client begunUpload(TestServer server) throws IOException {
        byte[] body = App.multipart(10_000);
        return new Http11Client(server.port())
                .send(Http11Client.head(
                        "POST", "/app/upload", "Content-Type: " + App.MULTIPART, "Content-Length: " + body.length))
                .send(body);
    }

    /** Threads beyond the limit refuse what waits, and answer the endpoints, while uploads hold all others; they never serve. */
    @ParameterizedTest
    @EnumSource
    void whatWaitsForAThreadIsRefusedWhileTheDrainGoesOn(Threads threads) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .customize(made -> threads.limit(made, 2))
                        .start();
                SlowUpload first = SlowUpload.begin(server, "/app/upload");
                SlowUpload second = SlowUpload.begin(server, "/app/upload")) {
            List<Http11Client> waiting = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                waiting.add(begunUpload(server));
            }
            await().until(() -> SpareThreads.waiting(server.tomcat().getService()) == 6);
            int calls = server.app().calls.get();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            for (Http11Client client : waiting) {
                assertThat(client.answer().status()).isEqualTo(503);
                client.close();
            }
            assertThat(Http11Client.get(server.port(), "/drain/ready").status()).isEqualTo(503);
            assertThat(server.app().calls).hasValue(calls);
            assertThat(stop.isOver()).isFalse();
            first.finishWhole();
            second.finishWhole();
            stop.result();
        }
    }

    /** Closed listeners serve what has arrived, within the connector's own limit of threads, however long it waits for one. */
    @Test
    void uploadsThatWaitForAThreadAreServedBehindClosedListeners() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .customize(made -> Threads.OWN.limit(made, 1))
                        .start();
                SlowUpload first = SlowUpload.begin(server, "/app/upload")) {
            Http11Client second =
                    new Http11Client(server.port()).send(Http11Client.head("GET", "/app/slow", App.KEY + ": waited"));
            await().until(() -> SpareThreads.waiting(server.tomcat().getService()) == 1);
            Http11Client third = begunUpload(server);
            await().until(() -> SpareThreads.waiting(server.tomcat().getService()) == 2);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            first.finishWhole();
            server.app().awaitEntered("waited");
            assertThat(stop.isOver()).isFalse();
            server.app().release("waited");
            assertThat(second.answer().status()).isEqualTo(200);
            assertThat(third.answer().status()).isEqualTo(200);
            stop.result();
        }
    }

    /** Tomcat takes the request for finished when its poller begins to send the file, and logs it then. */
    @ParameterizedTest
    @CsvSource({"Nio, true", "Nio, false", "Nio2, true"})
    void aFileOnItsWayIsSentToItsEnd(String endpoint, boolean sendfile) throws Exception {
        int size = 30_000_000; // more than the kernel buffers
        Connector connector = new Connector("org.apache.coyote.http11.Http11" + endpoint + "Protocol");
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("useSendfile", Boolean.toString(sendfile));
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "300ms")
                        .customize(QuietEndIT::serveFiles)
                        .customize(each -> each.tomcat().getService().addConnector(connector))
                        .start();
                Http11Client client = new Http11Client(connector.getLocalPort())) {
            Files.write(server.directory().resolve("file.bin"), new byte[size]);
            client.send(Http11Client.head("GET", "/app/file.bin", "Connection: close"));
            await().until(() -> sendfile
                    ? server.drain().status().totals().requestsCompleted() == 1
                    : server.drain().status().inFlight().requests() == 1);
            client.awaitInput();
            Drain drain = server.drain();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            // Longer than what is idle is left open, and than requestTimeout; nothing else may tell that the client is
            // slow.
            await().during(Duration.ofMillis(1500))
                    .until(() -> !stop.isOver() && !drain.state().isOver());
            Answer answer = client.answer();
            assertThat(answer.complete()).isTrue();
            assertThat(answer.body()).hasSize(size);
            stop.result();
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    /** Neither has a length; but what a browser keeps as a file has an end. */
    @ParameterizedTest
    @CsvSource({"attachment; filename=all.zip, DRAINED", "inline, EXPIRED"})
    void anAnswerWithoutALengthIsWaitedForWhileItMovesIfItIsAFile(String disposition, DrainState end) throws Exception {
        int size = 30_000_000;
        HttpServlet servlet = new HttpServlet() {
            private static final long serialVersionUID = 1;

            @Override
            protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                response.setHeader("Content-Disposition", disposition);
                response.flushBuffer();
                response.getOutputStream().write(new byte[size]);
            }
        };
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "300ms")
                        .customize(each -> Tomcat.addServlet(each.context(), "all", servlet)
                                .addMapping("/all"))
                        .start();
                Http11Client client = new Http11Client(server.port())) {
            client.send(Http11Client.head("GET", "/app/all", "Connection: close"));
            client.awaitInput();
            Drain drain = server.drain();
            var over = drain.start("test");
            if (end == DrainState.EXPIRED) {
                over.get(60, TimeUnit.SECONDS);
            } else {
                await().during(Duration.ofMillis(1500)).until(() -> !over.isDone());
            }
            assertThat(client.answer().body()).hasSize(size);
            over.get(60, TimeUnit.SECONDS);
            assertThat(drain.state()).isEqualTo(end);
        }
    }

    static void serveFiles(TestServer server) {
        server.context().addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                Tomcat.addServlet(server.context(), "default", new DefaultServlet())
                        .addMapping("/");
            }
        });
    }

    @Test
    void aNodeThatLeavesSendsFilesOnTheRequestsOwnThread() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("lameDuck", "1m")
                        .customize(QuietEndIT::serveFiles)
                        .start();
                Http11Client client = new Http11Client(server.port())) {
            Files.write(server.directory().resolve("file.bin"), new byte[30_000_000]);
            var unused = server.drain().start("test");
            client.send(Http11Client.head("GET", "/app/file.bin", "Connection: close"));
            await().until(() -> server.drain().status().inFlight().requests() == 1);
            await().during(Duration.ofMillis(300))
                    .until(() -> server.drain().status().inFlight().requests() == 1);
            assertThat(client.answer().complete()).isTrue();
            await().until(() -> server.drain().status().inFlight().requests() == 0);
            var over = server.drain().start("test", new DrainLimits(Duration.ZERO, null));
            over.get();
        }
    }

    @Test
    void threadsThatWereLentAreTakenBackWithTheDrain() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .customize(made -> Threads.OWN.limit(made, 2))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            ThreadPoolExecutor threads = (ThreadPoolExecutor)
                    server.tomcat().getConnector().getProtocolHandler().getExecutor();
            var unused = server.drain().start("test");
            await().until(() -> threads.getMaximumPoolSize() > 2);
            server.drain().resume();
            await().until(() -> threads.getMaximumPoolSize() == 2);
            assertThat(threads.getCorePoolSize()).isEqualTo(1);
            upload.finishWhole();
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
            assertThat(kept.isClosedWithin(30_000)).isTrue();
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
            server.drain().start("test", new DrainLimits(Duration.ZERO, null)).get(60, TimeUnit.SECONDS);
            server.tomcat().stop();
            assertThat(server.drain()).isNull();
        }
    }
}
