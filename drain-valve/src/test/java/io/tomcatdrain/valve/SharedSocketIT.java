package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SharedSocket;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.valve.HeirServer.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.net.SocketFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A connector that has inherited its listening socket stops accepting when its node leaves, refuses nobody, and leaves those who wait to
 * the next process. Each server is a process, since a JVM inherits one socket, by its standard input.
 */
@Timeout(180)
class SharedSocketIT {
    private static final int LENGTH = 100;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    private SocketFactory sockets = SocketFactory.getDefault();

    /** A connection on which a client and the server have got in touch, so that it has been accepted. */
    private interface Client extends AutoCloseable {
        void send(String method, String path, int length) throws IOException;

        void body(int bytes) throws IOException;

        Answer answer() throws IOException;

        /** Returns true if the server ends the connection with the answer that came. */
        boolean isLast() throws IOException;

        boolean hasInput() throws IOException;

        @Override
        void close() throws IOException;

        default Answer get() throws IOException {
            send("GET", "/app/ok", 0);
            return answer();
        }

        default void beginUpload() throws IOException {
            send("POST", "/app/upload", LENGTH);
            body(1);
        }

        default Answer finishUpload() throws IOException {
            body(LENGTH - 1);
            return answer();
        }
    }

    private final class HttpConnection implements Client {
        private final Http11Client client;

        HttpConnection(int port) throws IOException {
            client = new Http11Client(sockets.createSocket(InetAddress.getLoopbackAddress(), port));
        }

        @Override
        public void send(String method, String path, int length) throws IOException {
            client.send(
                    length == 0
                            ? Http11Client.head(method, path)
                            : Http11Client.head(
                                    method, path, "Content-Type: multipart/form-data", "Content-Length: " + length));
        }

        @Override
        public void body(int bytes) throws IOException {
            client.send(new byte[bytes]);
        }

        @Override
        public Answer answer() {
            return client.answer();
        }

        @Override
        public boolean isLast() throws IOException {
            return client.isClosedWithin(30_000);
        }

        @Override
        public boolean hasInput() throws IOException {
            return client.socket().getInputStream().available() > 0;
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    private static final class AjpConnection implements Client {
        private final AjpClient client;

        AjpConnection(int port) throws IOException {
            client = new AjpClient(port);
        }

        @Override
        public void send(String method, String path, int length) throws IOException {
            if (length == 0) {
                client.forward(method, path, Map.of());
            } else {
                client.upload(path, "multipart/form-data", length);
            }
        }

        @Override
        public void body(int bytes) throws IOException {
            client.body(new byte[bytes]);
        }

        @Override
        public Answer answer() {
            return client.finish(AjpClient.Body.of(new byte[LENGTH - 1]));
        }

        /** The server asks for the rest. */
        @Override
        public Answer finishUpload() {
            return answer();
        }

        @Override
        public boolean isLast() {
            return !client.isReusable();
        }

        @Override
        public boolean hasInput() {
            return client.hasInput();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    private Client connect(Kind kind, int port) throws IOException {
        return kind == Kind.AJP ? new AjpConnection(port) : new HttpConnection(port);
    }

    /** Connects and gets one answer. */
    private Client getInTouch(Kind kind, int port) throws IOException {
        Client client = connect(kind, port);
        assertThat(client.get().status()).isEqualTo(200);
        return client;
    }

    /** One server on the socket. */
    private final class Heir {
        private final int control = Ports.free();
        private final Path console;
        private final ProcessHandle process;

        Heir(SharedSocket socket, Kind kind, String... attributes) throws IOException {
            console = directory.resolve("console-" + control);
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-Dtomcat.log=true",
                    "-cp",
                    System.getProperty("java.class.path"),
                    HeirServer.class.getName(),
                    directory.toString(),
                    kind.name(),
                    "" + control));
            command.addAll(List.of(attributes));
            process = socket.start(console, command);
            SharedSocket.awaitLine(process, console, HeirServer.READY);
        }

        private Answer command(String method, String path) throws IOException {
            return Http11Client.exchange(
                    control,
                    Http11Client.head(method, "/drain" + path, "Authorization: Bearer " + SmallServer.TOKEN),
                    new byte[0]);
        }

        String status() throws IOException {
            return command("GET", "").text();
        }

        void awaitStatus(String text) {
            await(text).atMost(LIMIT).until(this::status, status -> status.contains(text));
        }

        String written() throws IOException {
            return Files.readString(console);
        }

        int otherPort() throws IOException {
            String text = written();
            int at = text.indexOf(HeirServer.READY) + HeirServer.READY.length();
            return Integer.parseInt(text.substring(at, text.indexOf('\n', at)));
        }

        void awaitEnd() throws IOException {
            SharedSocket.awaitEnd(process);
            // Not where an inherited channel was closed: its streams lead to /dev/null.
            assertThat(written()).endsWith(HeirServer.LAST_LINE + "\n");
            assertThat(written()
                            .lines()
                            .filter(line -> !line.contains(" of this Tomcat ["))
                            .filter(line -> !line.contains("Creation of SecureRandom"))) // this machine is slow
                    .noneMatch(line -> line.startsWith("SEVERE") || line.startsWith("WARNING"));
        }
    }

    @BeforeEach
    void makeCertificate(org.junit.jupiter.api.TestInfo test) throws Exception {
        if (test.getDisplayName().contains("TLS")) {
            sockets = TestCertificate.in(directory).clients();
        }
    }

    @Tag("oldest")
    @Test
    void leavesNewcomersToTheNextProcessAndServesWhatItHasAccepted() throws Exception {
        staysAndReturnsAndLeaves(Kind.HTTP);
    }

    @ParameterizedTest
    @EnumSource(names = {"TLS", "AJP"})
    void doesSoWhateverItSpeaks(Kind kind) throws Exception {
        staysAndReturnsAndLeaves(kind);
    }

    private void staysAndReturnsAndLeaves(Kind kind) throws Exception {
        try (SharedSocket socket = new SharedSocket(directory)) {
            int port = socket.port();
            Heir first = new Heir(socket, kind);
            try (Client upload = getInTouch(kind, port);
                    Client kept = getInTouch(kind, port)) {
                upload.beginUpload();
                first.awaitStatus("\"uploads\":1");
                first.command("POST", "");
                first.awaitStatus("\"state\":\"DRAINING\"");
                try (Client newcomer = kind == Kind.TLS ? null : connect(kind, port)) {
                    if (newcomer != null) {
                        newcomer.send("GET", "/app/newcomer", 0);
                    }
                    assertThat(kept.get().status()).isEqualTo(200);
                    assertThat(kept.isLast()).isTrue();
                    assertThat(upload.finishUpload().status()).isEqualTo(200);
                    assertThat(upload.isLast()).isTrue();
                    first.awaitStatus("\"state\":\"DRAINED\"");
                    assertThat(first.status()).contains("\"refused\":0");
                    if (newcomer != null) {
                        assertThat(newcomer.hasInput()).isFalse();
                    }

                    assertThat(first.command("DELETE", "").status()).isEqualTo(200);
                    if (newcomer != null) {
                        assertThat(newcomer.answer().status()).isEqualTo(200);
                    }
                }
            }
            endsAndLeavesTheQueue(socket, kind, first);
        }
    }

    private void endsAndLeavesTheQueue(SharedSocket socket, Kind kind, Heir first) throws Exception {
        int port = socket.port();
        try (Client upload = getInTouch(kind, port);
                Client idle = getInTouch(kind, port)) {
            upload.beginUpload();
            first.awaitStatus("\"uploads\":1");
            first.process.destroy();
            first.awaitStatus("\"state\":\"DRAINING\"");
            try (Client newcomer = kind == Kind.TLS ? null : connect(kind, port)) {
                if (newcomer != null) {
                    newcomer.send("GET", "/app/newcomer", 0);
                }
                assertThat(upload.finishUpload().status()).isEqualTo(200);
                first.awaitEnd();
                assertThat(idle.get().status()).isZero();
                if (kind == Kind.HTTP) {
                    Heir second = new Heir(socket, kind);
                    assertThat(newcomer.answer().status()).isEqualTo(200);
                    second.process.destroy();
                    second.awaitEnd();
                }
            }
        }
    }

    /** HTTP/2 has no last answer of a connection; what is on one is finished. */
    @Test
    void finishesTheStreamsOfItsHttp2Connections() throws Exception {
        try (SharedSocket socket = new SharedSocket(directory)) {
            Heir first = new Heir(socket, Kind.HTTP);
            try (Http2Client client = new Http2Client(socket.port())) {
                int stream = client.upload("/app/upload", "multipart/form-data", LENGTH);
                client.data(stream, new byte[1], false);
                first.awaitStatus("\"uploads\":1");
                first.process.destroy();
                first.awaitStatus("\"state\":\"DRAINING\"");
                await().atMost(LIMIT).until(() -> client.lastGoAway() >= stream);
                client.data(stream, new byte[LENGTH - 1], true);
                assertThat(client.answer(stream).status()).isEqualTo(200);
                first.awaitEnd();
            }
        }
    }

    /** Beside it a listener of this process alone refuses, since who comes there would find nobody. */
    @Test
    void refusesAtAnotherListenerOnly() throws Exception {
        try (SharedSocket socket = new SharedSocket(directory)) {
            Heir mixed = new Heir(socket, Kind.HTTP, "mixed=true", "lameDuck=off");
            int other = mixed.otherPort();
            try (Client upload = getInTouch(Kind.HTTP, socket.port());
                    Client kept = getInTouch(Kind.HTTP, socket.port());
                    Client elsewhere = getInTouch(Kind.HTTP, other)) {
                upload.beginUpload();
                mixed.awaitStatus("\"uploads\":1");
                mixed.command("POST", "");
                mixed.awaitStatus("\"state\":\"DRAINING\"");
                assertThat(elsewhere.get().status()).isEqualTo(503);
                assertThat(Http11Client.get(other, "/app/ok").header("X-Drain")).isEqualTo("refused");
                assertThat(kept.get().status()).isEqualTo(200);
                assertThat(upload.finishUpload().status()).isEqualTo(200);
                mixed.awaitStatus("\"state\":\"DRAINED\"");
                assertThat(mixed.status()).contains("\"refused\":2");
                assertThat(Http11Client.get(other, "/app/ok").status()).isEqualTo(503);

                mixed.command("DELETE", "");
                assertThat(Http11Client.get(other, "/app/ok").status()).isEqualTo(200);
                assertThat(Http11Client.get(socket.port(), "/app/ok").status()).isEqualTo(200);
            }
        }
    }
}
