package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients over HTTP/2 that lose nothing by a drain: the one of the JDK, by itself and behind a balancer of connections, and a front end
 * that speaks HTTP/2 to its nodes.
 */
@Timeout(180)
class Http2ClientsIT {
    /** The JDK's own client, be it one that breaks off at a GOAWAY or not. */
    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true"})
    void theClientOfThisJdkLosesNoUpload(String closeListener, boolean secure, @TempDir Path directory)
            throws Exception {
        Connector connector = new Connector();
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        connector.addUpgradeProtocol(new Http2Protocol());
        TestCertificate certificate = TestCertificate.in(directory);
        if (secure) {
            certificate.secure(connector);
        }
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "100ms")
                .set("closeListener", closeListener)
                .customize(each -> each.tomcat().getService().addConnector(connector))
                .start()) {
            JdkClient client = new JdkClient(secure ? "https" : "http", connector.getLocalPort(), certificate.trust());
            assertThat(client.ask()).isEqualTo(200);
            client.beginUpload();
            server.app().awaitEntered(JdkClient.KEY);
            var over = server.drain().start("test");
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            assertThat(client.finishUpload()).isEqualTo(200);
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
        }
    }

    /** A client that keeps to one connection until it is told to leave it. */
    private interface Client {
        /** Returns the status of a page. */
        int ask() throws Exception;

        /** Begins an upload beside it, whose key is {@link JdkClient#KEY}. */
        void beginUpload() throws Exception;

        /** Returns the upload's status. */
        int finishUpload() throws Exception;

        /** Ends what can be ended of it. */
        default void close() throws Exception {}
    }

    /** That of the JDK. */
    private static final class JdkClient implements Client {
        static final String KEY = "one-connection";

        private final HttpClient client;
        private final URI base;

        /** Never lets the client wait: one that reads from a stream may do so on the thread that takes the answers of the connection. */
        private final SubmissionPublisher<ByteBuffer> body = new SubmissionPublisher<>();

        private @Nullable CompletableFuture<HttpResponse<String>> upload;

        JdkClient(String scheme, int port, SSLContext trust) {
            base = URI.create(scheme + "://127.0.0.1:" + port);
            client = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_2)
                    .sslContext(trust)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();
        }

        @Override
        public int ask() throws Exception {
            // The first request of each connection makes it one of HTTP/2's.
            var request = HttpRequest.newBuilder(base.resolve("/app/ok"))
                    .timeout(Duration.ofSeconds(30)) // one that crosses a GOAWAY may get neither answer nor error
                    .build();
            var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
            return answer.statusCode();
        }

        @Override
        public void beginUpload() {
            upload = client.sendAsync(
                    HttpRequest.newBuilder(base.resolve("/app/upload"))
                            .header("Content-Type", App.MULTIPART)
                            .header(App.KEY, KEY)
                            .POST(HttpRequest.BodyPublishers.fromPublisher(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            await().until(body::hasSubscribers);
            body.submit(ByteBuffer.wrap(new byte[100_000]));
        }

        @Override
        public int finishUpload() throws Exception {
            body.submit(ByteBuffer.wrap(new byte[100_000]));
            body.close();
            return Objects.requireNonNull(upload).get(1, TimeUnit.MINUTES).statusCode();
        }
    }

    // ---------------------------------------------------------------- behind HAProxy

    private static final String HAPROXY = """
            global
                log stdout format raw daemon
            defaults
                mode tcp
                timeout connect 30s
                timeout check 30s
                timeout client 60s
                timeout server 60s
            frontend www
                bind 127.0.0.1:%d
                default_backend fleet
            backend fleet
                balance roundrobin
                option httpchk GET /drain/ready?prober=haproxy
                http-check expect status 200
                default-server check inter 500ms fall 3 rise 1
                server n1 127.0.0.1:%d port %d
                server n2 127.0.0.1:%d port %d
            """;

    /** One that does what HTTP/2 wants it to. */
    private static final class PlainClient implements Client {
        private final int port;
        private Http2Client current;
        private @Nullable Http2Client withUpload;
        private int upload;

        PlainClient(int port) throws IOException {
            this.port = port;
            this.current = new Http2Client(port);
        }

        @Override
        public int ask() throws IOException {
            if (current.lastGoAway() >= 0) {
                if (current != withUpload) {
                    current.close();
                }
                current = new Http2Client(port);
            }
            int stream = current.request("GET", "/app/ok", true);
            int status = current.answer(stream).status();
            // GOAWAY and the request may have crossed.
            return current.wasNotLookedAt(stream) ? ask() : status;
        }

        @Override
        public void beginUpload() throws IOException {
            withUpload = current;
            upload = current.upload("/app/upload", App.MULTIPART, 200_000, App.KEY, JdkClient.KEY);
            current.data(upload, new byte[100_000], false);
        }

        @Override
        public int finishUpload() throws IOException {
            Http2Client client = Objects.requireNonNull(withUpload);
            client.data(upload, new byte[100_000], true);
            int status = client.answer(upload).status();
            client.close();
            return status;
        }

        @Override
        public void close() throws IOException {
            current.close();
        }
    }

    private interface Connect {
        Client to(int port) throws IOException;
    }

    /** A node, and the connector to which the balancer takes its clients. */
    private record Node(TestServer server, Connector connector) implements AutoCloseable {
        static Node start(@Nullable TestCertificate certificate) throws Exception {
            Connector connector = new Connector();
            connector.setPort(0);
            connector.setProperty("address", "127.0.0.1");
            Http2Protocol http2 = new Http2Protocol();
            // No connection ends for another reason than ours, not for the many small frames of our client either.
            http2.setKeepAliveTimeout(600_000);
            http2.setOverheadCountFactor(0);
            http2.setOverheadDataThreshold(0);
            http2.setOverheadWindowUpdateThreshold(0);
            http2.setAllowSchemeMismatch(true); // HAProxy says https without TLS, too
            connector.addUpgradeProtocol(http2);
            if (certificate != null) {
                certificate.secure(connector);
            }
            return new Node(
                    TestServer.with(TestServer.Position.ENGINE)
                            .set("lameDuck", "auto")
                            .set("lameDuckTimeout", "1m")
                            .set("stallTimeout", "10m")
                            .customize(each -> each.tomcat().getService().addConnector(connector))
                            .start(),
                    connector);
        }

        int calls() {
            return server.app().calls.get();
        }

        @Override
        public void close() {
            server.close();
        }
    }

    @Test
    void nothingIsRefusedBehindABalancerOfConnections(@TempDir Path directory) throws Exception {
        nothingIsRefused(directory, null, PlainClient::new);
    }

    /** It is told when its upload has ended, and does what comes next on the other node. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingOfTheClientOfThisJdkIsRefusedBehindABalancerOfConnections(boolean secure, @TempDir Path directory)
            throws Exception {
        TestCertificate certificate = TestCertificate.in(directory);
        SSLContext trust = certificate.trust();
        nothingIsRefused(
                directory, secure ? certificate : null, port -> new JdkClient(secure ? "https" : "http", port, trust));
    }

    private static void nothingIsRefused(Path directory, @Nullable TestCertificate certificate, Connect connect)
            throws Exception {
        assumeTrue(WebServer.HAPROXY.missing().isEmpty(), "HAProxy is not installed");
        int port = Ports.free();
        try (Node one = Node.start(certificate);
                Node two = Node.start(certificate);
                ServerProcess haproxy = startHaproxy(HAPROXY, directory, port, one, two)) {
            Client client = connected(port, connect);
            Node node = one.calls() > 0 ? one : two;
            Node other = node == one ? two : one;
            client.beginUpload();
            node.server().app().awaitEntered(JdkClient.KEY);
            await().until(() -> node.server().drain().summary().probers().size() == 1);
            assertThat(client.ask()).isEqualTo(200);
            var over = node.server().drain().start("test");
            int asked = 0;
            for (int after = 0; after < 20; after += node.server().drain().state() == DrainState.DRAINING ? 1 : 0) {
                assertThat(client.ask()).as("request %d, %s", ++asked, haproxy).isEqualTo(200);
            }
            assertThat(node.server().drain().summary().totals().refused()).isZero();
            assertThat(client.finishUpload()).isEqualTo(200);
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");

            // Until it is told, which some clients show by nothing, the node that is drained refuses it.
            int before = other.calls();
            await().ignoreExceptions().until(() -> client.ask() == 200 && other.calls() > before);
            client.close();
        }
    }

    /** The balancer of connections is left to look at the nodes; users come to another one, which speaks HTTP/2 to them. */
    private static final String HAPROXY_HTTP2 =
            HAPROXY.replace("default_backend fleet", "mode http\n    default_backend http2") + """
            backend http2
                mode http
                balance roundrobin
                server n1 127.0.0.1:%2$d proto h2 track fleet/n1
                server n2 127.0.0.1:%4$d proto h2 track fleet/n2
            """;

    /** All users share the few connections of the front end's, and each of them is told while others' requests are on their way. */
    @Test
    void nothingIsLostBehindAFrontEndThatSpeaksHttp2ToItsNodes(@TempDir Path directory) throws Exception {
        assumeTrue(WebServer.HAPROXY.missing().isEmpty(), "HAProxy is not installed");
        int port = Ports.free();
        try (Node one = Node.start(null);
                Node two = Node.start(null);
                ServerProcess haproxy = startHaproxy(HAPROXY_HTTP2, directory, port, one, two)) {
            await().ignoreExceptions()
                    .until(() -> Http11Client.get(port, "/app/ok").status() == 200);
            AtomicBoolean enough = new AtomicBoolean();
            List<Background<List<Integer>>> users = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                users.add(Background.call(() -> {
                    List<Integer> statuses = new ArrayList<>();
                    while (!enough.get()) {
                        statuses.add(upload(port).status());
                    }
                    return statuses;
                }));
            }
            for (Node node : List.of(one, two)) {
                await().until(() -> node.server().drain().summary().probers().size() == 1);
                int before = node.calls();
                await().until(() -> node.calls() > before + 20);
                DrainReport report = node.server().drain().start("test").get(1, TimeUnit.MINUTES);
                assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
                node.server().drain().resume();
                int resumed = node.calls();
                await().until(() -> node.calls() > resumed); // the front end knows it, before the other one leaves
            }
            enough.set(true);
            for (Background<List<Integer>> user : users) {
                assertThat(user.result()).as("%s", haproxy).isNotEmpty().containsOnly(200);
            }
        }
    }

    private static Answer upload(int port) throws IOException {
        byte[] body = new byte[10_000];
        String head = Http11Client.head(
                "POST",
                "/app/upload",
                "Content-Type: " + App.MULTIPART,
                "Content-Length: " + body.length,
                "Connection: close");
        return Http11Client.exchange(port, head, body);
    }

    private static ServerProcess startHaproxy(String template, Path directory, int port, Node one, Node two)
            throws IOException {
        String text = template.formatted(
                port,
                one.connector().getLocalPort(),
                one.server().port(),
                two.connector().getLocalPort(),
                two.server().port());
        Path configuration = Files.writeString(directory.resolve("haproxy.cfg"), text);
        return ServerProcess.start(
                List.of(WebServer.HAPROXY.program().toString(), "-db", "-f", configuration.toString()),
                Map.of(),
                directory.resolve("haproxy.log"));
    }

    /** Waits for the balancer, and for a node. */
    private static Client connected(int port, Connect connect) {
        Client[] made = new Client[1];
        await().ignoreExceptions().until(() -> {
            made[0] = connect.to(port);
            return made[0].ask() == 200;
        });
        return made[0];
    }
}
