package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tomcatdrain.DrainReport;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Curl;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A drain on the connectors that stand beside the usual one: NIO2, and TLS with and without HTTP/2. */
class ConnectorIT {
    private static final int TRIES = 10;
    private static final int SIZE = 20 * 1024 * 1024;

    @TempDir
    static Path directory;

    private static TestCertificate certificate;
    private static Path file;
    private static SocketFactory tls;

    /** The implementations that Tomcat's server.xml names. */
    enum Endpoint {
        NIO("org.apache.coyote.http11.Http11NioProtocol"),
        NIO2("org.apache.coyote.http11.Http11Nio2Protocol");

        private final String protocol;

        Endpoint(String protocol) {
            this.protocol = protocol;
        }

        private Connector plain() {
            Connector connector = new Connector(protocol);
            connector.setPort(0);
            connector.setProperty("address", "127.0.0.1");
            connector.setProperty("minSpareThreads", "2");
            return connector;
        }

        private Connector secure() {
            Connector connector = plain();
            certificate.secure(connector);
            connector.addUpgradeProtocol(new Http2Protocol());
            return connector;
        }
    }

    @BeforeAll
    static void makeCertificate() throws Exception {
        file = directory.resolve("upload");
        Files.write(file, App.multipart(SIZE));
        certificate = TestCertificate.in(directory);
        tls = certificate.clients();
    }

    private static TestServer start(Connector connector, String closeListener) throws Exception {
        return TestServer.with(TestServer.Position.ENGINE)
                .set("closeListener", closeListener)
                .customize(server -> server.tomcat().getService().addConnector(connector))
                .start();
    }

    private static Socket connect(SocketFactory sockets, Connector connector) throws IOException {
        return sockets.createSocket(InetAddress.getLoopbackAddress(), connector.getLocalPort());
    }

    /** What was accepted finishes, whatever comes is refused readably, and the node gets drained. */
    private static void drains(Connector connector, SocketFactory sockets, String... curlOptions) throws Exception {
        assumeTrue(!Curl.features().isEmpty(), "curl is not installed");
        try (TestServer server = start(connector, "false");
                SlowUpload inFlight =
                        SlowUpload.begin(server, connect(sockets, connector), "localhost", "/app/upload");
                SlowUpload async =
                        SlowUpload.begin(server, connect(sockets, connector), "localhost", "/app/async/upload")) {
            var over = server.drain().start("test");
            List<String> unread = new ArrayList<>();
            for (int i = 1; i <= TRIES; i++) {
                String scheme = sockets == tls ? "https" : "http";
                String seen = Curl.upload(scheme, connector.getLocalPort(), "/app/upload", file, curlOptions);
                if (!seen.contains("status=503 ")
                        || !seen.toLowerCase(Locale.ROOT).contains("\nx-drain: refused")) {
                    unread.add(seen);
                }
            }
            // A client that gets no processor for 200 ms may meet what follows an answer first; without that pause a
            // third of them do.
            assertThat(unread).hasSizeLessThanOrEqualTo(1);
            await().untilAsserted(() -> assertThat(server.drain().status().uploads())
                    .hasSize(2)
                    .allSatisfy(upload -> assertThat(upload.bytesReceived()).isBetween(1L, upload.contentLength())));
            inFlight.finishWhole();
            async.finishWhole();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            assertThat(server.drain().status().totals().refused()).isEqualTo(TRIES);
        }
    }

    @Test
    void nio2() throws Exception {
        drains(Endpoint.NIO2.plain(), SocketFactory.getDefault(), "--http1.1");
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"NIO, --http1.1", "NIO, --http2", "NIO2, --http1.1", "NIO2, --http2"})
    void tls(Endpoint endpoint, String http) throws Exception {
        assumeTrue(http.equals("--http1.1") || Curl.features().contains("HTTP2"), "curl has no HTTP/2");
        drains(endpoint.secure(), tls, http, "--insecure");
    }

    /** With closed listeners nobody gets in any more, open connections are served once more, and the server stops. */
    @ParameterizedTest
    @EnumSource
    void listenersClose(Endpoint endpoint) throws Exception {
        Connector connector = endpoint.secure();
        try (TestServer server = start(connector, "true");
                Http11Client idle = new Http11Client(connect(tls, connector));
                SlowUpload inFlight = SlowUpload.begin(server, connect(tls, connector), "localhost", "/app/upload")) {
            assertThat(idle.send(Http11Client.head("GET", "/app/ok")).answer().status())
                    .isEqualTo(200);
            int port = connector.getLocalPort();
            var over = server.drain().start("test");
            await().untilAsserted(() -> assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port))
                    .isInstanceOf(ConnectException.class));
            Answer last = idle.send(Http11Client.head("GET", "/app/ok")).answer();
            assertThat(last.status()).isEqualTo(200);
            assertThat(last.header("Connection")).isEqualTo("close");
            inFlight.finishWhole();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        }
    }
}
