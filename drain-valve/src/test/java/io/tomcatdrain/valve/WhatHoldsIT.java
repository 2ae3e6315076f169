package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Hold;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.SlowUpload;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a drain waits for, what it gives up, and what it says of that. */
class WhatHoldsIT {
    private static final byte[] FORM = App.multipart(20_000);

    private CapturedLog log;

    @BeforeEach
    void captureLog() {
        log = new CapturedLog(Drain.class.getName());
    }

    @AfterEach
    void releaseLog() {
        log.close();
    }

    /** Begins to wait, and goes on until the drain has looked several times. */
    private static CompletableFuture<DrainReport> drainForAWhile(Drain drain) {
        CompletableFuture<DrainReport> outcome = drain.start("test");
        await().pollInterval(Duration.ofMillis(20))
                .until(() -> outcome.isDone() || drain.summary().drainingMillis() > 800);
        return outcome;
    }

    private static void assertDrained(CompletableFuture<DrainReport> outcome) throws Exception {
        DrainReport report = outcome.get(60, TimeUnit.SECONDS);
        assertThat(report.outcome()).as("%s", report).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    // ---------------------------------------------------------------- stalls

    /** The parser of a form reads to its last boundary, and not on to the chunk that ends the body. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aChunkedFormThatIsCompleteHasNotStalled(boolean lastChunkComesLate) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("stallTimeout", "200ms")
                        .start();
                var client = new Http11Client(server.port())) {
            String key = Scenario.key();
            client.send(Http11Client.head(
                    "POST",
                    "/app/partsThenWait",
                    "Content-Type: " + App.MULTIPART,
                    "Transfer-Encoding: chunked",
                    App.KEY + ": " + key));
            client.chunk(Arrays.copyOf(FORM, 7_000)).chunk(Arrays.copyOfRange(FORM, 7_000, FORM.length));
            if (lastChunkComesLate) {
                server.app().awaitEntered(key);
            }
            client.chunk(new byte[0]);
            server.app().awaitEntered(key);
            var outcome = drainForAWhile(server.drain());
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            server.app().release(key);

            assertThat(client.answer().status()).isEqualTo(200);
            assertDrained(outcome);
        }
    }

    @Test
    void soIsAFormOfUnknownLengthOverHttp2() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("stallTimeout", "200ms")
                        .start();
                var client = new Http2Client(server.port())) {
            String key = Scenario.key();
            int stream =
                    client.request("POST", "/app/partsThenWait", false, "content-type", App.MULTIPART, App.KEY, key);
            client.data(stream, FORM, true);
            server.app().awaitEntered(key);
            var outcome = drainForAWhile(server.drain());
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            server.app().release(key);

            assertThat(client.answer(stream).status()).isEqualTo(200);
            assertDrained(outcome);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app/upload", "/app/parts", "/app/async/upload", "/app/async/read"})
    void aChunkedBodyThatIsWaitedForStalls(String path) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("stallTimeout", "200ms")
                        .start();
                var client = new Http11Client(server.port())) {
            String key = Scenario.key();
            client.send(Http11Client.head(
                    "POST",
                    path,
                    "Content-Type: " + App.MULTIPART,
                    "Transfer-Encoding: chunked",
                    App.KEY + ": " + key));
            client.chunk(Arrays.copyOf(FORM, 7_000));
            server.app().awaitEntered(key);
            DrainReport report = server.drain().start("test").get(60, TimeUnit.SECONDS);

            assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
            assertThat(report.abandoned()).hasSize(1);
        }
    }

    /** The next request on the same connection has nothing of a body that was watched. */
    @Test
    void aConnectionGoesOnBehindAChunkedBody() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                var client = new Http11Client(server.port())) {
            for (int i = 0; i < 3; i++) {
                client.send(Http11Client.head("POST", "/app/upload", "Transfer-Encoding: chunked"));
                client.chunk(FORM).chunk(new byte[0]);
                assertThat(client.answer().text()).isEqualTo(App.sha256(FORM));
                client.send(Http11Client.head("POST", "/app/upload", "Content-Length: " + FORM.length))
                        .send(FORM);
                assertThat(client.answer().text()).isEqualTo(App.sha256(FORM));
            }
            client.send(Http11Client.head("GET", "/app/upgrade", "Connection: Upgrade", "Upgrade: echo"));
            assertThat(client.answer().status()).isEqualTo(101);
            assertThat(client.send("x").read(1)).containsExactly('x');
        }
    }

    @Test
    void aStalledUploadThatMovesAgainIsWaitedFor() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("stallTimeout", "2s")
                        .start();
                var client = new Http11Client(server.port())) {
            Hold hold = server.drain().hold("import");
            String key = Scenario.key();
            client.send(Scenario.uploadHead("/app/upload", FORM.length, key)).send(FORM, 0, 100);
            server.app().awaitEntered(key);
            var outcome = server.drain().start("test");
            await().until(() -> log.warnings().stream().anyMatch(line -> line.contains("giving up 1 upload")));
            CountDownLatch mayFinish = new CountDownLatch(1);
            Background<Void> rest = Background.run(() -> {
                int sent = 100;
                while (!mayFinish.await(20, TimeUnit.MILLISECONDS)) {
                    client.send(FORM, sent++, 1);
                }
                client.send(FORM, sent, FORM.length - sent);
            });
            await().until(() -> log.lines().stream().anyMatch(line -> line.contains("1 upload moves again")));
            hold.close(); // nothing else is waited for
            mayFinish.countDown();
            rest.result();
            assertThat(client.answer().text()).isEqualTo(App.sha256(FORM));

            assertDrained(outcome);
        }
    }

    // ---------------------------------------------------------------- the end, and afterwards

    @Test
    void anUploadThatBeginsOnAKeptConnectionAfterTheDrainIsOverIsWaitedForByTheStop() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .set("requestTimeout", "0s")
                        .start();
                Socket kept = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            Http11Client client = new Http11Client(kept);
            assertThat(client.send(Http11Client.head("GET", "/app/ok")).answer().status())
                    .isEqualTo(200);
            assertThat(server.drain().start("test").get(60, TimeUnit.SECONDS).outcome())
                    .isEqualTo(DrainReport.Outcome.DRAINED);
            try (SlowUpload upload = SlowUpload.begin(server, kept, "localhost", "/app/upload")) {
                Drain drain = server.drain();
                Background<Void> stop = Background.run(() -> server.tomcat().stop());
                await().during(Duration.ofMillis(1_500)).until(() -> !stop.isOver());
                upload.finishWhole();
                stop.result();
                assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
            }
        }
    }

    @Test
    void anUploadThatFailsInTheLameDuckIsInTheReport() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "1h")
                .start()) {
            SlowUpload upload = SlowUpload.begin(server, "/app/upload");
            var outcome = server.drain().start("test");
            upload.close();
            await().until(() -> server.drain().summary().totals().uploadsFailed() == 1);
            var unused = server.drain().start("now", new io.tomcatdrain.DrainLimits(Duration.ZERO, null));

            assertThat(outcome.get(60, TimeUnit.SECONDS).failed()).isOne();
        }
    }

    @Test
    void requestsThatAreGivenUpAreNamed() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "300ms")
                        .start();
                var blocking = new Http11Client(server.port());
                var async = new Http11Client(server.port());
                var http2 = new Http2Client(server.port());
                var stream = new Http11Client(server.port());
                var before = new Http11Client(server.port())) {
            assertThat(before.send(Http11Client.head("GET", "/app/ok")).answer().status())
                    .isEqualTo(200);
            String[] keys = {Scenario.key(), Scenario.key(), Scenario.key(), Scenario.key()};
            blocking.send(Http11Client.head("GET", "/app/slow?secret=1", App.KEY + ": " + keys[0]));
            async.send(Http11Client.head("DELETE", "/app/async/complete", App.KEY + ": " + keys[1]));
            int unused = http2.request("GET", "/app/slowBody", true, App.KEY, keys[2]);
            stream.send(Http11Client.head("GET", "/app/async/events", App.KEY + ": " + keys[3]));
            for (String key : keys) {
                server.app().awaitEntered(key);
            }
            DrainReport report = server.drain().start("test").get(60, TimeUnit.SECONDS);

            assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
            assertThat(report.abandonedRequests())
                    .extracting(request -> request.method() + " " + request.path())
                    .containsExactlyInAnyOrder("GET /app/slow", "DELETE /app/async/complete", "GET /app/slowBody");
            assertThat(report.abandonedRequests())
                    .allSatisfy(request -> assertThat(request.elapsedMillis()).isBetween(300L, 60_000L));
            for (String key : keys) {
                server.app().release(key);
            }
        }
    }
}
