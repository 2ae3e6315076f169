package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A file that Tomcat sends over HTTP/2, while its client takes nothing. Tomcat begins to send it on the request's thread. It goes on there
 * if it has to wait for the client's window; if it has to wait for the connection's buffers, and with NIO2 perhaps sooner, the request is
 * over.
 */
@Timeout(180)
class Http2FilesIT {
    /** More than is buffered on the way, and not more, for TLS is slow in a JVM that compiles as little as that of the tests. */
    private static final int SIZE = 4_000_000;

    private static final int BUFFER = 64 * 1024;

    @TempDir
    Path directory;

    @BeforeAll
    static void quiet() {
        TestServer.beQuiet();
    }

    /** What stops the server when the client takes nothing. */
    enum Limit {
        WINDOW,
        BUFFERS
    }

    private static Connector connector(String endpoint, boolean asyncIo) {
        Connector connector = new Connector("org.apache.coyote.http11.Http11" + endpoint + "Protocol");
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("useAsyncIO", Boolean.toString(asyncIo));
        connector.setProperty("socket.txBufSize", Integer.toString(BUFFER));
        Http2Protocol http2 = new Http2Protocol();
        // Else Tomcat itself gives a client up that takes nothing for a few seconds.
        http2.setWriteTimeout(TimeUnit.HOURS.toMillis(1));
        http2.setStreamWriteTimeout(TimeUnit.HOURS.toMillis(1));
        http2.setOverheadWindowUpdateThreshold(0);
        http2.setAllowSchemeMismatch(true); // the client says http over TLS, too
        connector.addUpgradeProtocol(http2);
        return connector;
    }

    private static TestServer.Builder server(Connector connector) {
        return server(connector, TestServer.Position.ENGINE);
    }

    private static TestServer.Builder server(Connector connector, TestServer.Position position) {
        return TestServer.with(position)
                .set("requestTimeout", "300ms")
                .customize(QuietEndIT::serveFiles)
                .customize(each -> each.tomcat().getService().addConnector(connector));
    }

    private static Socket socket(int port, TestCertificate certificate) throws Exception {
        Socket socket =
                certificate == null ? new Socket() : certificate.clients().createSocket();
        if (socket instanceof SSLSocket secure) {
            SSLParameters parameters = secure.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {"h2"});
            secure.setSSLParameters(parameters);
        }
        socket.setReceiveBufferSize(BUFFER);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return socket;
    }

    /** Asks for the file and takes nothing more; returns the stream once the server waits for the client. */
    private static int beginToSend(TestServer server, Http2Client client, Limit limit, boolean sendfile)
            throws IOException {
        Files.write(server.directory().resolve("file.bin"), new byte[SIZE]);
        if (limit == Limit.BUFFERS) {
            client.openWindows();
        }
        client.take(0);
        int stream = client.request("GET", "/app/file.bin", true);
        AnswersOnTheirWay answers = answers(server);
        if (!sendfile) {
            await().until(() -> server.drain().status().inFlight().requests() == 1);
        } else if (limit == Limit.BUFFERS) {
            await().until(() -> server.drain().status().totals().requestsCompleted() == 1);
        } else {
            await().until(answers::leave);
        }
        return stream;
    }

    /** Returns what sees the files that Tomcat sends, and takes for moving only what has moved since the last look. */
    private static AnswersOnTheirWay answers(TestServer server) {
        return new AnswersOnTheirWay(
                new TicketNote.Owner(new NodeDrain("files", DrainSettings.defaults(), "")),
                server.tomcat().getService(),
                1);
    }

    @ParameterizedTest
    @CsvSource({
        "Nio, BUFFERS, false, true",
        "Nio, WINDOW, false, true",
        "Nio, BUFFERS, false, false",
        "Nio, WINDOW, false, false",
        "Nio, BUFFERS, true, true",
        "Nio, BUFFERS, true, false",
        "Nio2, BUFFERS, false, true",
        "Nio2, WINDOW, false, true"
    })
    void aDrainWaitsForIt(String endpoint, Limit limit, boolean tls, boolean asyncIo) throws Exception {
        Connector connector = connector(endpoint, asyncIo);
        TestCertificate certificate = tls ? TestCertificate.in(directory) : null;
        if (certificate != null) {
            certificate.secure(connector);
        }
        try (TestServer server = server(connector).start();
                Http2Client client = new Http2Client(socket(connector.getLocalPort(), certificate))) {
            int stream = beginToSend(server, client, limit, asyncIo);
            Drain drain = server.drain();
            var over = drain.start("test");
            await().during(Duration.ofMillis(1500)).until(() -> !over.isDone()); // longer than requestTimeout
            client.take(Long.MAX_VALUE);
            Answer answer = client.answer(stream);
            assertThat(answer.complete()).isTrue();
            assertThat(answer.body()).hasSize(SIZE);
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        }
    }

    /** The drain of a valve that sees one host only knows of no file whose request is over. */
    @Test
    void aStopWaitsForItOnceItsDrainIsOver() throws Exception {
        Connector connector = connector("Nio", true);
        try (TestServer server = server(connector, TestServer.Position.HOST)
                        .set("requestTimeout", "10m")
                        .start();
                Http2Client client = new Http2Client(socket(connector.getLocalPort(), null))) {
            beginToSend(server, client, Limit.BUFFERS, true);
            Drain drain = server.drain();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> drain.state().isOver());
            await().during(Duration.ofSeconds(3))
                    .until(() -> !stop.isOver()); // longer than it waits for what does nothing
            client.reset();
            stop.result();
        }
    }

    @ParameterizedTest
    @EnumSource
    void movesWithEachByteThatIsTaken(Limit limit) throws Exception {
        Connector connector = connector("Nio", true);
        try (TestServer server = server(connector).start();
                Http2Client client = new Http2Client(socket(connector.getLocalPort(), null))) {
            int stream = beginToSend(server, client, limit, true);
            AnswersOnTheirWay answers = answers(server);
            assertThat(answers.move()).isTrue(); // seen for the first time
            await().until(() -> !answers.move());
            int more = SIZE / 4; // than all the buffers hold
            client.take(more);
            await().until(() -> client.bodyLength(stream) >= more);
            assertThat(answers.move()).isTrue();
            client.take(Long.MAX_VALUE);
            assertThat(client.answer(stream).body()).hasSize(SIZE);
            await().until(() -> !answers.leave());
            assertThat(answers.move()).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void isNamedOnceWhenItIsGivenUp(Limit limit) throws Exception {
        Connector connector = connector("Nio", true);
        try (TestServer server = server(connector).set("stallTimeout", "1s").start();
                Http2Client client = new Http2Client(socket(connector.getLocalPort(), null))) {
            beginToSend(server, client, limit, true);
            DrainReport report = server.drain().start("test").get(60, TimeUnit.SECONDS);
            assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
            assertThat(report.abandonedRequests()).singleElement().satisfies(request -> {
                assertThat(request.method()).isEqualTo("GET");
                assertThat(request.path()).isEqualTo("/app/file.bin");
                assertThat(request.elapsedMillis()).isNotNegative();
            });
        }
    }

    /** What its client does not want any more holds nothing, be it one file or the connection. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void holdsNothingOnceItsClientHasLeft(boolean whole) throws Exception {
        Connector connector = connector("Nio", true);
        try (TestServer server = server(connector).start();
                Http2Client client = new Http2Client(socket(connector.getLocalPort(), null))) {
            int stream = beginToSend(server, client, Limit.BUFFERS, true);
            var over = server.drain().start("test");
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            if (whole) {
                client.reset();
            } else {
                client.cancel(stream);
                client.take(Long.MAX_VALUE);
            }
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        }
    }

    /** The path of a request over HTTP/1.1 is forgotten by then. */
    @Test
    void overHttp1ItsNameOnDiskIsTold() throws Exception {
        try (TestServer server =
                        server(connector("Nio", true)).set("stallTimeout", "1s").start();
                Http11Client client = new Http11Client(server.port())) {
            Files.write(server.directory().resolve("file.bin"), new byte[30_000_000]); // more than the kernel buffers
            client.send(Http11Client.head("GET", "/app/file.bin", "Connection: close"));
            await().until(() -> server.drain().status().totals().requestsCompleted() == 1);
            DrainReport report = server.drain().start("test").get(60, TimeUnit.SECONDS);
            assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
            assertThat(report.abandonedRequests()).singleElement().satisfies(request -> {
                assertThat(request.path()).isEqualTo("file.bin");
                assertThat(request.elapsedMillis()).isEqualTo(-1);
            });
        }
    }
}
