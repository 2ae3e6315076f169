package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainReport.Outcome;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.Hold;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.EmbeddedTomcat.Position;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that come in several requests, on a node that drains between two of them. */
class OpenUploadsIT {
    /** Far longer than anything here takes. */
    private static final Duration GAP = Duration.ofMinutes(2);

    /** For how long a file that is whole is followed. */
    private static final Duration LINGER = Duration.ofSeconds(5);

    private static TestServer.Builder with(Position position) {
        return TestServer.with(position).set("uploadGap", GAP.toString());
    }

    private static Answer send(TestServer server, String method, String path, int body, String... headers)
            throws IOException {
        List<String> all = new ArrayList<>(Arrays.asList(headers));
        if (body >= 0) {
            all.add("Content-Length: " + body);
        }
        try (var client = new Http11Client(server.port())) {
            return client.send(Http11Client.head(method, path, all.toArray(String[]::new)))
                    .send(new byte[Math.max(0, body)])
                    .answer(method.equals("HEAD"));
        }
    }

    private static String create(TestServer server, int length, String... headers) throws IOException {
        List<String> all = new ArrayList<>(Arrays.asList(headers));
        all.add("Upload-Length: " + length);
        Answer created = send(server, "POST", "/app/files", 0, all.toArray(String[]::new));
        assertThat(created.status()).isEqualTo(201);
        return created.header("Location");
    }

    private static int patch(TestServer server, String path, int offset, int bytes, String... headers)
            throws IOException {
        List<String> all = new ArrayList<>(Arrays.asList(headers));
        all.add("Upload-Offset: " + offset);
        all.add("Content-Type: application/offset+octet-stream");
        return send(server, "PATCH", path, bytes, all.toArray(String[]::new)).status();
    }

    private static DrainReport result(CompletableFuture<DrainReport> over) throws Exception {
        return over.get(60, TimeUnit.SECONDS);
    }

    /** The end comes with the lingering, long before anything that was never continued would be given up. */
    private static void endsBehindTheLastPart(CompletableFuture<DrainReport> over, long lastPartNanos, int finished)
            throws Exception {
        DrainReport report = result(over);
        assertThat(Duration.ofNanos(System.nanoTime() - lastPartNanos)).isBetween(LINGER, GAP.dividedBy(2));
        assertThat(report.outcome()).isEqualTo(Outcome.DRAINED);
        assertThat(report.openUploads().finished()).isEqualTo(finished);
    }

    /** At once: its client knows it. */
    private static void isKnown(TestServer server) {
        assertThat(server.drain().status().openUploads()).isNotEmpty();
    }

    /** The file is whole, and at most the lingering holds the drain; a command spares the tests most of that. */
    private static void isWhole(Drain drain, CompletableFuture<DrainReport> over) throws Exception {
        assertThat(drain.status().openUploads()).isEmpty();
        // The client has its answer before Tomcat tells the valve that the request is over.
        await().until(() -> drain.summary().inFlight().equals(new InFlight(0, 0, 0)));
        drain.start("enough", new DrainLimits(Duration.ZERO, null));
        assertThat(result(over).outcome()).isEqualTo(Outcome.DRAINED);
        assertThat(result(over).openUploads().finished()).isEqualTo(1);
    }

    /** Holds what has been answered before Tomcat tells any valve of it. */
    private static final class Late extends ValveBase {
        private final CountDownLatch released = new CountDownLatch(1);

        Late() {
            super(true);
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            getNext().invoke(request, response);
            if (request.getHeader("X-Late") != null) {
                response.setContentLength(0);
                response.flushBuffer();
                try {
                    assertThat(released.await(30, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Position.class)
    void aQuickClientGoesOnWithAFileBeforeItsFirstRequestIsOver(Position position) throws Exception {
        try (TestServer server = with(position).start()) {
            Late late = new Late();
            server.context().getPipeline().addValve(late);
            String file = create(server, 100, "X-Late: 1");
            CompletableFuture<DrainReport> over = server.drain().start("test");
            assertThat(patch(server, file, 0, 40)).isEqualTo(204);
            assertThat(server.drain().status().openUploads())
                    .singleElement()
                    .satisfies(open -> assertThat(open.bytesReceived()).isEqualTo(40));
            late.released.countDown();
            assertThat(patch(server, file, 40, 60)).isEqualTo(204);
            isWhole(server.drain(), over);
        }
    }

    @ParameterizedTest
    @EnumSource(Line.Protocol.class)
    void aFileIsKnownWithTheHeadOfItsFirstAnswer(Line.Protocol protocol) throws Exception {
        try (TestServer server = with(Position.ENGINE).set("uploadGap", "100ms").start();
                Http11Client http1 = new Http11Client(server.port());
                Http2Client http2 = new Http2Client(server.port());
                AjpClient ajp = new AjpClient(server.ajpPort())) {
            Late late = new Late();
            server.context().getPipeline().addValve(late);
            switch (protocol) {
                case HTTP_1 -> http1.send(Http11Client.head("POST", "/app/files", "Upload-Length: 9", "X-Late: 1"));
                case HTTP_2 -> http2.request("POST", "/app/files", true, "upload-length", "9", "x-late", "1");
                case AJP -> ajp.forward("POST", "/app/files", Map.of("upload-length", "9", "x-late", "1"));
            }
            await().until(() -> !server.drain().status().openUploads().isEmpty());
            late.released.countDown();
        }
    }

    @ParameterizedTest
    @EnumSource(Position.class)
    void tusIsFollowedToItsEnd(Position position) throws Exception {
        try (TestServer server = with(position).start()) {
            String file = create(server, 100);
            assertThat(patch(server, file, 0, 40)).isEqualTo(204);
            CompletableFuture<DrainReport> over = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            assertThat(server.drain().status().openUploads()).singleElement().satisfies(open -> {
                assertThat(open.path()).isEqualTo("/app/files");
                assertThat(open.bytesReceived()).isEqualTo(40);
                assertThat(open.contentLength()).isEqualTo(100);
            });

            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(503);
            assertThat(send(server, "POST", "/app/files", 0, "Upload-Length: 10")
                            .status())
                    .isEqualTo(503);
            assertThat(send(server, "HEAD", file, -1).header("Upload-Offset")).isEqualTo("40");
            assertThat(send(server, "OPTIONS", file, -1).status()).isEqualTo(204);
            assertThat(patch(server, file, 40, 20, "X-Async: 1")).isEqualTo(204);
            assertThat(Http2Client.get(server.port(), file).status()).isEqualTo(200);
            try (var ajp = new AjpClient(server.ajpPort())) {
                byte[] body = new byte[20];
                Answer answer = ajp.forward(
                                "POST",
                                file,
                                Map.of(
                                        "content-length", "20",
                                        "upload-offset", "60",
                                        "x-http-method-override", "PATCH"))
                        .answer(AjpClient.Body.of(body));
                assertThat(answer.status()).isEqualTo(204);
            }
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            long last = System.nanoTime();
            assertThat(patch(server, file, 80, 20)).isEqualTo(204);
            if (position == Position.ENGINE) {
                endsBehindTheLastPart(over, last, 1);
            } else {
                isWhole(server.drain(), over);
            }
            assertThat(patch(server, file, 80, 20)).isEqualTo(503);
        }
    }

    /** A front end then sends it to the node that knows it; one byte of its body read here, and it could not. */
    @Test
    void aPartThatWasBegunElsewhereIsRefusedUnread() throws Exception {
        try (TestServer server = with(Position.ENGINE).start();
                var client = new Http11Client(server.port())) {
            String file = create(server, 100);
            isKnown(server);
            var over = server.drain().start("test");
            Answer refused = client.send(Http11Client.head(
                            "PATCH",
                            "/app/files/elsewhere",
                            "Upload-Offset: 0",
                            "Content-Type: application/offset+octet-stream",
                            "Content-Length: 1000000"))
                    .answer();
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("X-Drain")).isEqualTo("refused");
            assertThat(send(server, "DELETE", file, -1).status()).isEqualTo(204);
            assertThat(result(over).outcome()).isEqualTo(Outcome.DRAINED);
        }
    }

    /** A page that another node answered would move the cookie, and the next part with it. */
    @Test
    void pagesAndFurtherFilesOfTheSameBrowserStay() throws Exception {
        try (TestServer server = with(Position.ENGINE).start()) {
            Answer created = send(server, "POST", "/app/files", 0, "Upload-Length: 100", "X-Session: 1");
            String cookie = "Cookie: " + created.header("Set-Cookie").split(";")[0];
            String first = created.header("Location");
            isKnown(server);
            var over = server.drain().start("test");
            assertThat(Http11Client.get(server.port(), "/app/ok", cookie).status())
                    .isEqualTo(200);
            assertThat(Http11Client.get(server.port(), "/app/ok", "Cookie: JSESSIONID=other")
                            .status())
                    .isEqualTo(503);
            String second = create(server, 100, cookie);
            assertThat(patch(server, first, 0, 100, cookie)).isEqualTo(204);
            assertThat(patch(server, second, 0, 100, cookie)).isEqualTo(204);
            String third = create(server, 100, cookie);
            long last = System.nanoTime();
            assertThat(patch(server, third, 0, 100, cookie)).isEqualTo(204);
            endsBehindTheLastPart(over, last, 3);
            assertThat(Http11Client.get(server.port(), "/app/ok", cookie).status())
                    .isEqualTo(503);
        }
    }

    @Test
    void withScopeUploadPagesAreRefused() throws Exception {
        try (TestServer server =
                with(Position.ENGINE).set("openUploads", "upload").start()) {
            Answer created = send(server, "POST", "/app/files", 0, "Upload-Length: 100", "X-Session: 1");
            String cookie = "Cookie: " + created.header("Set-Cookie").split(";")[0];
            isKnown(server);
            var over = server.drain().start("test");
            assertThat(Http11Client.get(server.port(), "/app/ok", cookie).status())
                    .isEqualTo(503);
            assertThat(send(server, "POST", "/app/files", 0, "Upload-Length: 10", cookie)
                            .status())
                    .isEqualTo(503);
            assertThat(patch(server, created.header("Location"), 0, 100)).isEqualTo(204);
            isWhole(server.drain(), over);
        }
    }

    @Test
    void switchedOffPartsAreRefusedLikeEverythingElse() throws Exception {
        try (TestServer server = with(Position.ENGINE).set("openUploads", "off").start()) {
            String file = create(server, 100);
            assertThat(result(server.drain().start("test")).outcome()).isEqualTo(Outcome.DRAINED);
            assertThat(patch(server, file, 0, 100)).isEqualTo(503);
        }
    }

    /** The client was killed, or its laptop closed. */
    @Test
    void whatNobodyContinuesIsGivenUpAfterTheGap() throws Exception {
        try (TestServer server = with(Position.ENGINE)
                .set("uploadGap", "1s")
                .set("drainOnStop", "false")
                .start()) {
            String file = create(server, 100);
            CompletableFuture<DrainReport> over;
            // It is continued while the node drains, however long that takes this test.
            try (Hold hold = server.drain().hold("test")) {
                assertThat(hold).isNotNull();
                over = server.drain().start("test");
                assertThat(patch(server, file, 0, 40)).isEqualTo(204);
            }
            DrainReport report = result(over);
            assertThat(report.outcome()).isEqualTo(Outcome.EXPIRED);
            assertThat(report.openUploads().abandoned())
                    .singleElement()
                    .satisfies(lost -> assertThat(lost.bytesReceived()).isEqualTo(40));
            assertThat(patch(server, file, 40, 60)).isEqualTo(503);
            server.drain().resume();
            assertThat(patch(server, file, 40, 60)).isEqualTo(204);
        }
    }

    /** A connection that breaks in the middle of a part is followed by a question, and by the rest. */
    @Test
    void aBrokenConnectionIsNoEnd() throws Exception {
        try (TestServer server = with(Position.ENGINE).start()) {
            String file = create(server, 100);
            isKnown(server);
            var over = server.drain().start("test");
            try (var client = new Http11Client(server.port())) {
                client.send(Http11Client.head(
                                "PATCH",
                                file,
                                "Upload-Offset: 0",
                                "Content-Type: application/offset+octet-stream",
                                "Content-Length: 100"))
                        .send(new byte[50]);
                client.reset();
            }
            server.awaitNoClients();
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            Answer asked = send(server, "HEAD", file, -1);
            int offset = Integer.parseInt(asked.header("Upload-Offset"));
            assertThat(patch(server, file, offset, 100 - offset)).isEqualTo(204);
            isWhole(server.drain(), over);
        }
    }

    @Test
    void filePondIsFollowed() throws Exception {
        try (TestServer server = with(Position.ENGINE).start()) {
            Answer begun = send(server, "POST", "/app/pond", 0, "Upload-Length: 100", "X-Session: 1");
            String cookie = "Cookie: " + begun.header("Set-Cookie").split(";")[0];
            String part = "/app/pond?patch=" + begun.text();
            CompletableFuture<DrainReport> over = null;
            for (int offset = 0; offset < 100; offset += 25) {
                if (offset == 25) { // its first part gives the file the name by which the others are known
                    isKnown(server);
                    over = server.drain().start("test");
                }
                assertThat(send(server, "PATCH", part, 25, cookie, "Upload-Offset: " + offset, "Upload-Length: 100")
                                .status())
                        .isEqualTo(204);
            }
            isWhole(server.drain(), over);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Cookie: JSESSIONID=any", "Authorization: Basic YTpi"})
    void resumableJsIsFollowed(String client) throws Exception {
        try (TestServer server = with(Position.ENGINE).start()) {
            String chunk = "/app/chunks?resumableIdentifier=9-a&resumableTotalChunks=4&resumableChunkNumber=";
            assertThat(send(server, "POST", chunk + 1, 10, client).status()).isEqualTo(200);
            isKnown(server);
            var over = server.drain().start("test");
            assertThat(send(server, "POST", chunk + 2, 10).status())
                    .as("of another client")
                    .isEqualTo(503);
            assertThat(send(server, "GET", chunk + 3, -1, client).status()).isEqualTo(404);
            assertThat(send(server, "POST", chunk + 4, 10, client).status()).isEqualTo(200);
            assertThat(send(server, "POST", chunk + 2, 10, client).status()).isEqualTo(200);
            assertThat(send(server, "POST", chunk + 3, 10, client).status()).isEqualTo(200);
            isWhole(server.drain(), over);
        }
    }

    /** As jQuery File Upload and PrimeFaces send it. */
    @Test
    void contentRangeIsFollowed() throws Exception {
        try (TestServer server = with(Position.ENGINE).start()) {
            String[] headers = {"Cookie: JSESSIONID=any", "Content-Disposition: attachment; filename=\"a\"", ""};
            headers[2] = "Content-Range: bytes 0-9/30";
            assertThat(send(server, "POST", "/app/range", 10, headers).status()).isEqualTo(200);
            isKnown(server);
            var over = server.drain().start("test");
            headers[2] = "Content-Range: bytes 10-19/30";
            assertThat(send(server, "POST", "/app/range", 10, headers).status()).isEqualTo(200);
            headers[2] = "Content-Range: bytes 20-29/30";
            assertThat(send(server, "POST", "/app/range", 10, headers).status()).isEqualTo(200);
            isWhole(server.drain(), over);
        }
    }

    /** The whole of a stop: it waits between the parts like for a part in flight. */
    @Test
    void aStopFollowsAFileToItsEnd() throws Exception {
        try (TestServer server = with(Position.ENGINE).start()) {
            String file = create(server, 100);
            isKnown(server);
            Drain drain = server.drain();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> drain.state() == DrainState.DRAINING);
            for (int offset = 0; offset < 100; offset += 50) {
                assertThat(stop.isOver()).isFalse();
                assertThat(patch(server, file, offset, 50)).isEqualTo(204);
            }
            isWhole(drain, drain.start("joined"));
            stop.result();
        }
    }
}
