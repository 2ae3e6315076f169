package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Curl;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A refusal reaches the client although its body is never read, and what was accepted goes on beside it. */
class RefusalIT {
    private static final int TRIES = 10;

    /**
     * A client that does not look at its answer for 200 ms meets the end of the connection first, which a busy machine may do to one or
     * two of them. Without that pause most are lost.
     */
    private static final int MOST_LOST = 2;

    private static final int SIZE = 20 * 1024 * 1024;

    @TempDir
    static Path directory;

    private static Path file;

    @BeforeAll
    static void writeFile() throws Exception {
        file = directory.resolve("upload");
        Files.write(file, App.multipart(SIZE));
    }

    /** A server that drains for as long as the upload in flight stands. */
    private static final class Draining implements AutoCloseable {
        private final TestServer server;
        private final SlowUpload inFlight;
        private final int callsBefore;
        private final AtomicBoolean over = new AtomicBoolean();

        Draining(TestServer.Builder builder) throws Exception {
            this(builder, false);
        }

        /** With every processor kept busy, if so asked. */
        Draining(TestServer.Builder builder, boolean busy) throws Exception {
            server = builder.set("stallTimeout", "10m").start();
            inFlight = SlowUpload.begin(server, "/app/upload");
            server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            callsBefore = server.app().calls.get();
            for (int i = 0; busy && i < Runtime.getRuntime().availableProcessors(); i++) {
                Thread load = new Thread(() -> {
                    while (!over.get()) {
                        Thread.onSpinWait();
                    }
                });
                load.setDaemon(true);
                load.start();
            }
        }

        /** The upload that was accepted ends well, and the application has seen nothing of what was refused. */
        void endsWell(int refused) throws Exception {
            assertThat(server.app().calls.get()).isEqualTo(callsBefore);
            assertThat(server.drain().status().totals().refused()).isEqualTo(refused);
            inFlight.finishWhole();
            Awaitility.await().until(() -> server.drain().state() == DrainState.DRAINED);
        }

        @Override
        public void close() throws IOException {
            over.set(true);
            inFlight.close();
            server.close();
        }
    }

    private static void isRefusal(Answer answer, int status) {
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.complete()).isTrue();
        assertThat(answer.header("Retry-After")).isIn("5", "6");
        assertThat(answer.header("X-Drain")).isEqualTo("refused");
    }

    // ---------------------------------------------------------------- curl

    private static void curlIsRefused(TestServer.Builder builder, boolean busy, String... options) throws Exception {
        String features = Curl.features();
        assumeTrue(!features.isEmpty(), "curl is not installed");
        assumeTrue(
                features.contains("HTTP2") || !List.of(options).contains("--http2-prior-knowledge"),
                "curl has no HTTP/2");
        try (Draining draining = new Draining(builder, busy)) {
            List<String> lost = new ArrayList<>();
            for (int i = 1; i <= TRIES; i++) {
                String seen = Curl.upload(draining.server.port(), "/app/upload", file, options);
                if (seen.contains("status=000 ")) {
                    lost.add(seen);
                } else {
                    assertThat(seen)
                            .as("try " + i)
                            .contains("status=503 ")
                            .containsIgnoringCase("\nRetry-After: ")
                            .containsIgnoringCase("\nX-Drain: refused");
                }
            }
            assertThat(lost).hasSizeLessThanOrEqualTo(MOST_LOST);
            draining.endsWell(TRIES);
        }
    }

    @ParameterizedTest(name = "{0}, busy: {1}")
    @CsvSource({"Expect:, true", "Expect: 100-continue, false", "Transfer-Encoding: chunked, false"})
    void curlOverHttp11(String header, boolean busy) throws Exception {
        curlIsRefused(TestServer.with(TestServer.Position.ENGINE), busy, "-H", header);
    }

    @Test
    void curlOverHttp2OnABusyMachine() throws Exception {
        curlIsRefused(TestServer.with(TestServer.Position.ENGINE), true, "--http2-prior-knowledge");
    }

    @ParameterizedTest
    @EnumSource(
            value = TestServer.Position.class,
            names = {"HOST", "CONTEXT"})
    void curlForm(TestServer.Position position) throws Exception {
        curlIsRefused(TestServer.with(position), false, "-F", "file=@" + file);
    }

    // ---------------------------------------------------------------- our own clients

    @Test
    void ajp() throws Exception {
        byte[] body = Files.readAllBytes(file);
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE))) {
            for (int i = 0; i < TRIES; i++) {
                try (var client = new AjpClient(draining.server.ajpPort())) {
                    Answer answer = client.upload("/app/upload", App.MULTIPART, body.length)
                            .answer(AjpClient.Body.of(body));
                    isRefusal(answer, 503);
                    assertThat(answer.header("Connection")).isNull();
                    assertThat(client.chunksAskedFor()).isZero();
                }
            }
            draining.endsWell(TRIES);
        }
    }

    /** The client is told before it has sent a byte, and is not asked to go on. */
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void expectationIsAnsweredWithoutContinue(TestServer.Position position) throws Exception {
        try (Draining draining = new Draining(TestServer.with(position));
                var client = new Http11Client(draining.server.port())) {
            client.send(Http11Client.head(
                    "POST",
                    "/app/upload",
                    "Content-Type: " + App.MULTIPART,
                    "Content-Length: " + SIZE,
                    "Expect: 100-continue"));
            Answer answer = client.readOne(false);
            isRefusal(answer, 503);
            assertThat(answer.header("Connection")).isEqualTo("close");
            draining.endsWell(1);
        }
    }

    @Test
    void announcedBodyIsNeverWaitedFor() throws Exception {
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE));
                var client = new Http11Client(draining.server.port())) {
            client.send(Scenario.uploadHead("/app/upload", SIZE, "x"));
            isRefusal(client.answer(), 503);
            draining.endsWell(1);
        }
    }

    @Test
    void http2RefusalHasNoConnectionHeader() throws Exception {
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE));
                var client = new Http2Client(draining.server.port())) {
            int stream = client.upload("/app/upload", App.MULTIPART, SIZE);
            Answer answer = client.answer(stream);
            isRefusal(answer, 503);
            assertThat(answer.header("Connection")).isNull();
            Answer get = client.answer(client.request("GET", "/app/ok", true));
            isRefusal(get, 503);
            draining.endsWell(2);
        }
    }

    @Test
    void bodyIsInTheFormThatTheClientPrefers() throws Exception {
        Map<String, String> forms = Map.of(
                "text/html", "text/html",
                "*/*", "text/plain",
                "text/html,application/xhtml+xml,*/*;q=0.8", "text/html",
                "application/json", "application/problem+json",
                "application/problem+json", "application/problem+json",
                "text/plain", "text/plain",
                "image/png", "text/plain");
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE))) {
            for (Map.Entry<String, String> form : forms.entrySet()) {
                Answer answer = Http11Client.get(draining.server.port(), "/app/ok", "Accept: " + form.getKey());
                isRefusal(answer, 503);
                assertThat(answer.header("Content-Type")).as(form.getKey()).startsWith(form.getValue());
                assertThat(answer.body()).hasSizeBetween(50, 2000);
                assertThat(answer.header("Cache-Control")).contains("no-store");
            }
            draining.endsWell(forms.size());
        }
    }

    @Test
    void whatIsNoRequestIsAnsweredByTomcatAsEver() throws Exception {
        try (Draining node = new Draining(TestServer.with(TestServer.Position.ENGINE));
                CapturedLog log = new CapturedLog("org.apache");
                Http11Client client = new Http11Client(node.server.port())) {
            assertThat(client.send("NONSENSE\r\n\r\n").answer().status()).isEqualTo(400);
            assertThat(log.warnings()).isEmpty();
        }
    }

    @Test
    void headIsRefusedWithoutABody() throws Exception {
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE));
                var client = new Http11Client(draining.server.port())) {
            Answer answer = client.send(Http11Client.head("HEAD", "/app/ok")).answer(true);
            isRefusal(answer, 503);
            assertThat(client.read(1)).isEmpty();
            draining.endsWell(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500, 599})
    void statusIsTheConfiguredOne(int status) throws Exception {
        TestServer.Builder builder =
                TestServer.with(TestServer.Position.ENGINE).set("refusalStatus", String.valueOf(status));
        try (Draining draining = new Draining(builder);
                var unread = new Http11Client(draining.server.port())) {
            isRefusal(Http11Client.get(draining.server.port(), "/app/ok"), status);
            isRefusal(unread.send(Scenario.uploadHead("/app/upload", SIZE, "x")).answer(), status);
            isRefusal(Http2Client.get(draining.server.port(), "/app/ok"), status);
            isRefusal(AjpClient.get(draining.server.ajpPort(), "/app/ok"), status);
            draining.endsWell(4);
        }
    }

    /** A browser asks before an upload to another origin whether it may; the answer is the application's, in every state. */
    @Test
    void aPreflightIsTheApplicationsAndTheScriptMayReadTheRefusal() throws Exception {
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE))) {
            int port = draining.server.port();
            String origin = "Origin: https://app.example";
            assertThat(options(port, origin, "Access-Control-Request-Method: POST")
                            .status())
                    .isEqualTo(200);
            assertThat(draining.server.app().calls.getAndDecrement()).isEqualTo(draining.callsBefore + 1);

            Answer refused = options(port, origin);
            isRefusal(refused, 503);
            assertThat(refused.header("Access-Control-Allow-Origin")).isEqualTo("https://app.example");
            assertThat(refused.header("Access-Control-Allow-Credentials")).isEqualTo("true");
            assertThat(refused.header("Access-Control-Expose-Headers")).isEqualTo("Retry-After, X-Drain");
            assertThat(refused.header("Vary")).isEqualTo("Origin");
            assertThat(options(port).header("Access-Control-Allow-Origin")).isNull();
            draining.endsWell(2);
        }
    }

    private static Answer options(int port, String... headers) throws IOException {
        return Http11Client.exchange(port, Http11Client.head("OPTIONS", "/app/ok", headers), new byte[0]);
    }

    @Test
    void retryAfterIsRoundedUp() throws Exception {
        TestServer.Builder builder = TestServer.with(TestServer.Position.ENGINE).set("retryAfter", "1500ms");
        try (Draining draining = new Draining(builder)) {
            assertThat(Http11Client.get(draining.server.port(), "/app/ok").header("Retry-After"))
                    .isEqualTo("2");
        }
    }

    /** Unmapped paths are refused, too: a front end would take a 404 for the truth. */
    @Test
    void whatNoApplicationServesIsRefusedLikeTheRest() throws Exception {
        try (Draining draining = new Draining(TestServer.with(TestServer.Position.ENGINE))) {
            isRefusal(Http11Client.get(draining.server.port(), "/nowhere"), 503);
            draining.endsWell(1);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void withRefuseUploadsPagesAreServed(TestServer.Position position) throws Exception {
        try (TestServer server =
                        TestServer.with(position).set("refuse", "uploads").start();
                SlowUpload inFlight = SlowUpload.begin(server, "/app/upload")) {
            server.drain().start("test");
            Answer page = Http11Client.get(server.port(), "/app/ok");
            assertThat(page.status()).isEqualTo(200);
            assertThat(page.header("Connection")).isEqualTo("close");
            assertThat(Http2Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            assertThat(AjpClient.get(server.ajpPort(), "/app/ok").status()).isEqualTo(200);
            byte[] body = App.multipart(1000);
            isRefusal(
                    Http11Client.exchange(server.port(), Scenario.uploadHead("/app/upload", body.length, "x"), body),
                    503);
            isRefusal(Http2Client.post(server.port(), "/app/upload", App.MULTIPART, body), 503);
            isRefusal(AjpClient.post(server.ajpPort(), "/app/upload", App.MULTIPART, body), 503);
            inFlight.finishWhole();
            assertThat(server.drain().start("again").get(60, TimeUnit.SECONDS).outcome())
                    .hasToString("DRAINED");
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
        }
    }

    @Test
    void uploadsAreToldByTheirType() throws Exception {
        TestServer.Builder builder = TestServer.with(TestServer.Position.ENGINE).set("refuse", "uploads");
        Map<String, Integer> seen = new TreeMap<>();
        List<String> types = List.of(
                "multipart/form-data; boundary=x",
                "Multipart/Related",
                "application/offset+octet-stream",
                "application/partial-upload",
                "application/x-www-form-urlencoded",
                "application/octet-stream");
        try (TestServer server = builder.start()) {
            server.drain().start("test");
            for (String type : types) {
                byte[] body = "a".getBytes(StandardCharsets.US_ASCII);
                String head = Http11Client.head("PATCH", "/app/unread", "Content-Type: " + type, "Content-Length: 1");
                seen.put(type, Http11Client.exchange(server.port(), head, body).status());
            }
        }
        List<Integer> statuses = new ArrayList<>();
        types.forEach(type -> statuses.add(seen.get(type)));
        assertThat(statuses).containsExactly(503, 503, 503, 503, 200, 200);
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void lameDuckServesAndEndsConnections(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).set("lameDuck", "1m").start();
                var keptAlive = new Http11Client(server.port());
                var ajp = new AjpClient(server.ajpPort())) {
            Answer before = keptAlive.send(Http11Client.head("GET", "/app/ok")).answer();
            assertThat(before.header("Connection")).isNotEqualTo("close");
            server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);

            Answer answer = keptAlive.send(Http11Client.head("GET", "/app/ok")).answer();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Connection")).isEqualTo("close");
            assertThat(keptAlive.isClosedWithin(30_000)).isTrue();

            // What becomes of a connection over HTTP/2 that was there before is GoAwayIT's.
            Answer second = Http2Client.get(server.port(), "/app/ok");
            assertThat(second.status()).isEqualTo(200);
            assertThat(second.header("Connection")).isNull();
            Answer third = ajp.forward("GET", "/app/ok", Map.of()).answer(AjpClient.Body.of(new byte[0]));
            assertThat(third.status()).isEqualTo(200);
            assertThat(third.header("Connection")).isNull();

            byte[] body = App.multipart(1000);
            assertThat(Http11Client.exchange(server.port(), Scenario.uploadHead("/app/upload", body.length, "x"), body)
                            .text())
                    .isEqualTo(App.sha256(body));
            var unused = server.drain().start("no more", new DrainLimits(Duration.ZERO, null));
        }
    }

    /** A request that was admitted is never refused later, not at its own async dispatch or error page either. */
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void admittedRequestIsNotRefusedAtItsOwnDispatch(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start();
                var dispatching = new Http11Client(server.port());
                var timingOut = new Http11Client(server.port())) {
            dispatching.send(Http11Client.head("GET", "/app/async/dispatch", App.KEY + ": x"));
            server.app().awaitEntered("x");
            timingOut.send(Http11Client.head("GET", "/app/async/complete", App.KEY + ": y"));
            server.app().awaitEntered("y");
            var over = server.drain().start("test");
            server.app().release("x");
            server.app().release("y");
            assertThat(dispatching.answer().status()).isEqualTo(200);
            assertThat(timingOut.answer().status()).isEqualTo(200);
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).hasToString("DRAINED");
            assertThat(server.drain().status().totals().refused()).isZero();
        }
    }
}
