package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Curl;
import io.tomcatdrain.testkit.Http11Client;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the filter does in a container that is no Tomcat, on the application that the valve is tested with, too. */
abstract class OtherContainer {
    static final String[] PATHS = {
        "/ok",
        "/sendError",
        "/runtime",
        "/io",
        "/error",
        "/forward",
        "/big",
        "/slow",
        "/upload",
        "/uploadThenThrow",
        "/uploadThenWait",
        "/parts",
        "/async/complete",
        "/async/completeBeforeReturn",
        "/async/timeout",
        "/async/timeoutListener",
        "/async/dispatch",
        "/async/dispatchTwice",
        "/async/throw",
        "/async/upload"
    };

    private static final String TOKEN = "a-token-of-16-or-more";
    private static final String AUTHORIZATION = "Authorization: Bearer " + TOKEN;
    private static final int SIZE = 200_000;
    private static final byte[] BODY = App.multipart(SIZE);

    @TempDir
    Path directory;

    final App app = new App();
    private int keys;

    /** Starts the container with the application under {@code /app}, and HTTP/1.1 and HTTP/2 on one free port. */
    abstract void start(Map<String, String> parameters) throws Exception;

    abstract int port();

    abstract Drain drain();

    /** Returns the drain's name. */
    abstract String name();

    /** Returns true if the container reads the body of {@code getParts} through the request that the filter has wrapped. */
    abstract boolean seesBytesOfParts();

    /** Stops the application alone. */
    abstract void stopApplication() throws Exception;

    /** Stops the server in the way that its documentation recommends for requests to finish. */
    abstract void stopGracefully() throws Exception;

    abstract void stop() throws Exception;

    @BeforeEach
    void start() throws Exception {
        Awaitility.doNotCatchUncaughtExceptionsByDefault();
        start(Map.of("drain.token", TOKEN, "drain.lameDuck", "off"));
    }

    @AfterEach
    void close() throws Exception {
        app.close();
        stop();
    }

    /** An upload of which the application has got one half. */
    final class Half implements AutoCloseable {
        private final Http11Client client;

        Half(String path) throws Exception {
            String key = "half-" + ++keys;
            client = new Http11Client(port());
            client.send(uploadHead(path, BODY.length, key)).send(BODY, 0, SIZE / 2);
            app.awaitEntered(key);
        }

        Answer finish() throws IOException {
            return client.send(BODY, SIZE / 2, BODY.length - SIZE / 2).answer();
        }

        void finishWhole() throws IOException {
            Answer answer = finish();
            assertThat(answer.status()).as("%s", answer).isEqualTo(200);
            assertThat(answer.text()).isEqualTo(App.sha256(BODY));
        }

        void reset() throws IOException {
            client.reset();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    private static String uploadHead(String path, int length, String key) {
        return Http11Client.head(
                "POST", path, "Content-Type: " + App.MULTIPART, "Content-Length: " + length, App.KEY + ": " + key);
    }

    Answer upload(String path) throws IOException {
        return Http11Client.exchange(port(), uploadHead(path, BODY.length, "none-" + ++keys), BODY);
    }

    Answer get(String path) throws IOException {
        return Http11Client.get(port(), path);
    }

    Answer command(String method, String path) throws IOException {
        return Http11Client.exchange(port(), Http11Client.head(method, path, AUTHORIZATION), new byte[0]);
    }

    void awaitState(DrainState state) {
        Drain drain = drain();
        await().until(() -> drain.state() == state);
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(503);
        assertThat(answer.header("X-Drain")).isEqualTo("refused");
        assertThat(answer.header("Connection")).isEqualTo("close");
    }

    private void awaitTotals(int completed, int failed, int requests) {
        await().untilAsserted(() -> {
            DrainStatus status = drain().status();
            assertThat(status.inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
            var totals = status.totals();
            assertThat(List.of(totals.uploadsCompleted(), totals.uploadsFailed(), totals.requestsCompleted()))
                    .containsExactly((long) completed, (long) failed, (long) requests);
        });
    }

    @Test
    void uploadsInFlightFinishWhileNewOnesAreRefused() throws Exception {
        try (Half blocking = new Half("/app/upload");
                Half nonBlocking = new Half("/app/async/upload");
                Half parts = new Half("/app/parts")) {
            assertThat(drain().name()).isEqualTo(name());
            assertThat(get("/app/drain/ready").status()).isEqualTo(200);
            assertThat(command("POST", "/app/drain").status()).isEqualTo(202);
            assertThat(get("/app/drain/ready").status()).isEqualTo(503);
            assertThat(get("/app/drain/live").status()).isEqualTo(200);
            assertRefused(upload("/app/upload"));
            assertRefused(get("/app/ok"));
            blocking.finishWhole();
            nonBlocking.finishWhole();
            assertThat(drain().state()).isEqualTo(DrainState.DRAINING);
            assertThat(parts.finish().status()).isEqualTo(200);
            assertThat(command("POST", "/app/drain?wait=25s").status()).isEqualTo(200);
            assertThat(drain().state()).isEqualTo(DrainState.DRAINED);
            assertThat(command("DELETE", "/app/drain").status()).isEqualTo(200);
            assertThat(upload("/app/upload").status()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/ok, 200",
        "/missing, 404",
        "/sendError, 500",
        "/runtime, 500",
        "/io, 500",
        "/error, 500",
        "/forward, 200",
        "/big, 200",
        "/async/complete, 200",
        "/async/completeBeforeReturn, 200",
        "/async/timeout, 500",
        "/async/timeoutListener, 200",
        "/async/dispatch, 200",
        "/async/dispatchTwice, 200",
        "/async/throw, 500"
    })
    void requestIsCountedOnce(String path, int status) throws Exception {
        assertThat(get("/app" + path).status()).isEqualTo(status);
        awaitTotals(0, 0, 1);
        assertThat(drain().start("test").get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/upload", "/parts", "/async/upload"})
    void uploadIsCountedOnce(String path) throws Exception {
        assertThat(upload("/app" + path).status()).isEqualTo(200);
        awaitTotals(1, 0, 0);
    }

    @Test
    void uploadThatFailsIsCountedOnce() throws Exception {
        assertThat(upload("/app/uploadThenThrow").status()).isEqualTo(500);
        awaitTotals(0, 1, 0);
    }

    /** Who reads without blocking ends the request itself, or it is given up after {@code stallTimeout}. */
    @ParameterizedTest
    @ValueSource(strings = {"/upload", "/parts"})
    void uploadWhoseClientLeavesIsCountedOnce(String path) throws Exception {
        try (Half half = new Half("/app" + path)) {
            assertThat(drain().status().inFlight().uploads()).isEqualTo(1);
            half.reset();
            awaitTotals(0, 1, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/upload", "/async/upload"})
    void bytesThatTheApplicationReadsAreCounted(String path) throws Exception {
        try (Half half = new Half("/app" + path)) {
            await().untilAsserted(
                            () -> assertThat(drain().status().uploads().get(0).bytesReceived())
                                    .isEqualTo(SIZE / 2));
            half.finishWhole();
            await().untilAsserted(() ->
                    assertThat(drain().status().totals().uploadBytes()).isEqualTo(BODY.length));
        }
    }

    /** Where a container reads the body of getParts past the filter nothing is known, and what is not known has not stalled. */
    @Test
    void bytesOfPartsAreCountedOrUnknown() throws Exception {
        try (Half half = new Half("/app/parts")) {
            var unused = drain().start("test");
            long expected = seesBytesOfParts() ? SIZE / 2 : -1;
            await().untilAsserted(
                            () -> assertThat(drain().status().uploads().get(0).bytesReceived())
                                    .isEqualTo(expected));
            assertThat(half.finish().status()).isEqualTo(200);
            assertThat(drain().awaitDrained(Duration.ofMinutes(1))).isTrue();
            assertThat(drain().status().totals().uploadBytes()).isEqualTo(BODY.length);
        }
    }

    @Test
    void answersEndTheirConnectionsInTheLameDuck() throws Exception {
        stop();
        start(Map.of("drain.lameDuck", "1h"));
        try (var client = new Http11Client(port())) {
            var unused = drain().start("test");
            Answer answer = client.send(Http11Client.head("GET", "/app/ok")).answer();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Connection")).isEqualTo("close");
            assertThat(client.isClosedWithin(30_000)).isTrue();
        }
    }

    private String curlHttp2(String path) throws IOException {
        assumeTrue(Curl.features().contains("HTTP2"), "curl with HTTP/2 is not installed");
        Path file = Files.write(directory.resolve("body"), BODY);
        return Curl.upload(port(), path, file, "--http2-prior-knowledge");
    }

    /** On HTTP/2 the header would be a protocol error. */
    @Test
    void connectionsOfHttp2AreNotEndedByAHeader() throws Exception {
        stop();
        start(Map.of("drain.lameDuck", "1h"));
        var unused = drain().start("test");
        assertThat(curlHttp2("/app/upload")).contains("status=200", "exit=0").doesNotContainIgnoringCase("connection:");
    }

    /**
     * A curl that this machine lets wait for longer than the refusal lingers finds the reset of its stream together with the answer, and
     * may take no notice of that. Without the lingering most of them find both.
     */
    @Test
    void refusalReachesClientsOfHttp2() throws Exception {
        var unused = drain().start("test");
        List<String> seen = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            seen.add(curlHttp2("/app/upload"));
        }
        assertThat(seen)
                .filteredOn(each -> each.contains("status=503") && each.contains("exit=0"))
                .as("of %s", seen)
                .hasSizeGreaterThanOrEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/upload", "/async/upload"})
    void stopOfTheApplicationWaitsForUploads(String path) throws Exception {
        try (Half half = new Half("/app" + path)) {
            Background<Void> stopping = Background.run(this::stopApplication);
            awaitState(DrainState.DRAINING);
            half.finishWhole();
            stopping.result();
        }
    }

    @Test
    void gracefulStopOfTheServerLetsUploadsFinish() throws Exception {
        try (Half blocking = new Half("/app/upload");
                Half nonBlocking = new Half("/app/async/upload")) {
            Drain drain = drain();
            Background<Void> stopping = Background.run(this::stopGracefully);
            await().until(this::isRefusedOrUnreachable);
            blocking.finishWhole();
            assertThat(stopping.isOver()).isFalse();
            nonBlocking.finishWhole();
            stopping.result();
            assertThat(drain.status().totals().uploadsCompleted()).isEqualTo(2);
        }
    }

    private boolean isRefusedOrUnreachable() {
        try {
            return get("/app/ok").status() != 200;
        } catch (IOException | IllegalArgumentException unreachable) {
            return true;
        }
    }
}
