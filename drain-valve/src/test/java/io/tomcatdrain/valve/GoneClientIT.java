package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Hpack;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever a client sends, and however it leaves: once it is gone nothing of it is in flight, and nothing of it holds a stop. What the
 * application still has in hand is, and does.
 *
 * <p>The long form has {@code -Dgone.connections=10000} of each kind and of each sequence, and other sequences each time. {@code -Dgone.seed}
 * repeats those of a run that printed it.
 */
class GoneClientIT {
    private static final int FEW = 10;
    private static final int CONNECTIONS = Integer.getInteger("gone.connections", FEW);
    private static final long SEED = Long.getLong("gone.seed", CONNECTIONS == FEW ? 1 : System.nanoTime());
    private static final int SEQUENCES = 50;

    /** Tomcat keeps what it has dropped of a stream until its connector ends, so a server sees only so many connections. */
    private static final int ROUND = 1_000;

    private static final int CLIENTS = 8;

    /** How long a client that has sent everything listens before it leaves. */
    private static final int LISTEN_MILLIS = 5;

    /** By which frames an HTTP/2 client lets its stream end, if not by leaving. */
    enum Breach {
        WINDOW_UPDATE_OF_ZERO(Http2Client.bytes(Http2Client.WINDOW_UPDATE, 0, 1, new byte[4])),
        SHORT_PRIORITY(Http2Client.bytes(Http2Client.PRIORITY, 0, 1, new byte[4])),
        RESET(Http2Client.bytes(Http2Client.RST_STREAM, 0, 1, new byte[] {0, 0, 0, 8})),
        TWO_RESETS(RESET.frames, RESET.frames),
        RESET_AND_WINDOW_UPDATE(RESET.frames, WINDOW_UPDATE_OF_ZERO.frames),
        TOO_MUCH_DATA(Http2Client.bytes(Http2Client.DATA, 0, 1, new byte[12_000])),
        GOAWAY(Http2Client.bytes(Http2Client.GOAWAY, 0, 0, new byte[8])),
        NONE();

        private final byte[] frames;

        Breach(byte[]... frames) {
            this.frames = join(frames);
        }

        /** Returns the frames, which are for stream 1, for another stream. */
        private byte[] on(int stream) {
            ByteBuffer all = ByteBuffer.wrap(frames.clone());
            for (int at = 0; at < all.limit(); at += 9 + (all.getInt(at) >>> 8)) {
                all.putInt(at + 5, stream);
            }
            return all.array();
        }
    }

    /** What a client asks for before. */
    private enum Wish {
        ASYNC_UPLOAD("/app/async/upload", 10_000, 1_000),
        EMPTY_ASYNC_UPLOAD("/app/async/upload", 0, 0),
        ASYNC_UPLOAD_READ_BLOCKING("/app/async/read", 10_000, 1_000),
        UPLOAD_NEVER_READ("/app/async/never", 10_000, 1_000),
        EMPTY_UPLOAD_NEVER_COMPLETED("/app/async/never", 0, 0),
        GET_NEVER_COMPLETED("/app/async/never", -1, 0),
        UPLOAD("/app/upload", 10_000, 1_000),
        MULTIPART_UPLOAD("/app/parts", 10_000, 1_000);

        private final String path;
        private final long length;
        private final int sent;

        Wish(String path, long length, int sent) {
            this.path = path;
            this.length = length;
            this.sent = sent;
        }

        /** Returns true if Tomcat does not watch the connection of such a request over HTTP/1.1 and AJP. */
        boolean isUnwatched() {
            return path.equals("/app/async/never") || this == EMPTY_ASYNC_UPLOAD;
        }
    }

    /** One connection from its beginning to its end. */
    @FunctionalInterface
    private interface Connection {
        void play(TestServer server) throws Exception;
    }

    // ---------------------------------------------------------------- nothing stays

    @ParameterizedTest
    @EnumSource(Breach.class)
    void brokenStreamLeavesNothing(Breach breach) throws Exception {
        List<Connection> all = new ArrayList<>();
        for (Wish wish : Wish.values()) {
            for (int i = 0; i < CONNECTIONS; i++) {
                boolean other = i % 2 == 0;
                boolean inside = i % 4 < 2;
                all.add(server ->
                        breakStream(server, other ? server.otherPort() : server.port(), wish, breach, inside));
            }
        }
        leaveNothing(all);
    }

    /** Breaks the stream behind its head, or once the application has the request. */
    private static void breakStream(TestServer server, int port, Wish wish, Breach breach, boolean inside)
            throws Exception {
        String key = Scenario.key();
        byte[] block = wish.length < 0
                ? Hpack.block("GET", wish.path, App.KEY, key)
                : Hpack.block(
                        "POST",
                        wish.path,
                        App.KEY,
                        key,
                        "content-type",
                        App.MULTIPART,
                        "content-length",
                        String.valueOf(wish.length));
        int flags = Http2Client.END_HEADERS | (wish.length < 0 ? Http2Client.END_STREAM : 0);
        byte[] begin = join(
                Http2Client.preface(),
                Http2Client.bytes(Http2Client.HEADERS, flags, 1, block),
                wish.sent == 0 ? new byte[0] : Http2Client.bytes(Http2Client.DATA, 0, 1, new byte[wish.sent]));
        try (Socket socket = connect(port)) {
            if (inside) {
                socket.getOutputStream().write(begin);
                server.app().awaitEntered(key, () -> wish == Wish.MULTIPART_UPLOAD || isOver(socket));
                socket.getOutputStream().write(breach.frames);
            } else {
                socket.getOutputStream().write(join(begin, breach.frames));
            }
            listen(socket);
        } catch (IOException cut) {
            // by the server
        }
    }

    /** As where a front end has many clients on one connection. */
    @ParameterizedTest
    @EnumSource(
            value = Breach.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"GOAWAY", "NONE"})
    void brokenStreamLeavesNothingAlthoughItsConnectionLives(Breach breach) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http2Client client = new Http2Client(server.port())) {
            for (int i = 0; i < 2 * CONNECTIONS; i++) {
                String key = Scenario.key();
                int stream = i % 2 == 0
                        ? client.upload("/app/async/complete", App.MULTIPART, 10_000, App.KEY, key)
                        : client.request("GET", "/app/async/complete", true, App.KEY, key);
                server.app().awaitEntered(key);
                client.send(breach.on(stream));
                awaitNothingInFlight(server);
                server.app().release(key); // which completes what Tomcat has dropped
            }
            assertThat(client.answer(client.request("GET", "/app/ok", true)).status())
                    .isEqualTo(200);
        }
    }

    @ParameterizedTest
    @EnumSource(BrokenFrames.class)
    void brokenSequenceLeavesNothing(BrokenFrames protocol) throws Exception {
        List<Connection> all = new ArrayList<>();
        for (int sequence = 0; sequence < SEQUENCES; sequence++) {
            long seed = SEED + sequence;
            for (int i = 0; i < CONNECTIONS; i++) {
                all.add(server -> {
                    Random random = new Random(seed);
                    List<byte[]> writes = protocol.sequence(random);
                    try (Socket socket = connect(protocol.port(server, random))) {
                        for (byte[] write : writes) {
                            socket.getOutputStream().write(write);
                        }
                        listen(socket);
                        leave(socket, random.nextInt(3));
                    } catch (IOException cut) {
                        // by the server
                    }
                });
            }
        }
        try {
            leaveNothing(all);
        } catch (AssertionError | RuntimeException failed) {
            throw new AssertionError("-Dgone.seed=" + SEED + " repeats it", failed);
        }
    }

    @ParameterizedTest
    @EnumSource(value = BrokenFrames.class, mode = EnumSource.Mode.EXCLUDE, names = "HTTP_2")
    void clientThatLeavesLeavesNothing(BrokenFrames protocol) throws Exception {
        List<Connection> all = new ArrayList<>();
        for (Wish wish : Wish.values()) {
            for (int i = 0; i < CONNECTIONS && !wish.isUnwatched(); i++) {
                int how = i % 3;
                all.add(server -> {
                    byte[] body = new byte[wish.sent];
                    try (Socket socket = connect(protocol.port(server, new Random(how)))) {
                        socket.getOutputStream()
                                .write(join(
                                        protocol.request("POST", wish.path, wish.length),
                                        protocol == BrokenFrames.AJP ? AjpClient.packet(AjpClient.piece(body)) : body));
                        listen(socket);
                        leave(socket, how);
                    } catch (IOException cut) {
                        // by the server
                    }
                });
            }
        }
        leaveNothing(all);
    }

    private static void leaveNothing(List<Connection> all) throws Exception {
        for (int from = 0; from < all.size(); from += ROUND) {
            try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                    .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                    .start()) {
                play(server, all.subList(from, Math.min(all.size(), from + ROUND)));
                server.awaitNoClients();
                awaitNothingInFlight(server);
                // Its limits are longer than that.
                assertThat(server.drain().start("test").get(1, TimeUnit.MINUTES).outcome())
                        .isEqualTo(DrainReport.Outcome.DRAINED);
            }
        }
    }

    /** Soon, and long before one of Tomcat's time-outs (20 s) would have ended it. */
    private static void awaitNothingInFlight(TestServer server) {
        await().atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(5))
                .untilAsserted(() ->
                        assertThat(server.drain().status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0)));
    }

    private static void play(TestServer server, List<Connection> connections) throws Exception {
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            List<Future<?>> played = new ArrayList<>();
            for (Connection connection : connections) {
                played.add(clients.submit(() -> {
                    connection.play(server);
                    return null;
                }));
            }
            for (Future<?> each : played) {
                each.get(60, TimeUnit.SECONDS);
            }
        } finally {
            clients.shutdownNow();
        }
    }

    // ---------------------------------------------------------------- what is in hand stays

    @ParameterizedTest
    @EnumSource(Breach.class)
    void uploadIsCountedWhileAThreadOfTheContainerHasItWhateverBecameOfItsStream(Breach breach) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            try (Http2Client client = new Http2Client(server.port())) {
                int stream = client.upload("/app/uploadThenWait", App.MULTIPART, 1_000, App.KEY, "wait");
                client.data(stream, new byte[1_000], true);
                server.app().awaitEntered("wait");
                client.send(breach.frames);
            }
            server.awaitNoConnections();
            staysUntilReleased(server, "wait");
        }
    }

    /** Tomcat can complete such a request, and tells its end. */
    @ParameterizedTest
    @EnumSource(value = BrokenFrames.class, mode = EnumSource.Mode.EXCLUDE, names = "HTTP_2")
    void completeUploadIsCountedWhileTheApplicationWorksOnItAlthoughItsClientIsGone(BrokenFrames protocol)
            throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            byte[] body = App.multipart(1_000);
            if (protocol == BrokenFrames.AJP) {
                try (AjpClient client = new AjpClient(server.ajpPort())) {
                    client.upload("/app/async/complete", App.MULTIPART, body.length, App.KEY, "work")
                            .body(body);
                    server.app().awaitEntered("work");
                    client.reset();
                }
            } else {
                try (Http11Client client = new Http11Client(server.port())) {
                    client.send(Scenario.uploadHead("/app/async/complete", body.length, "work"))
                            .send(body);
                    server.app().awaitEntered("work");
                    client.reset();
                }
            }
            staysUntilReleased(server, "work");
        }
    }

    @Test
    void completeAsyncUploadOverHttp2IsCountedWhileTheApplicationWorksOnIt() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http2Client client = new Http2Client(server.port())) {
            int stream = client.upload("/app/async/complete", App.MULTIPART, 1_000, App.KEY, "work");
            client.data(stream, new byte[1_000], true);
            server.app().awaitEntered("work");
            staysUntilReleased(server, "work");
            assertThat(client.answer(stream).status()).isEqualTo(200);
            assertThat(server.drain().status().totals().uploadsCompleted()).isEqualTo(1);
        }
    }

    private static void staysUntilReleased(TestServer server, String key) throws Exception {
        assertThat(server.drain().status().inFlight().uploads()).isEqualTo(1);
        CompletableFuture<DrainReport> drain = server.drain().start("test");
        for (int look = 0; look < 20; look++) {
            DrainStatus status = server.drain().status();
            assertThat(status.state()).isEqualTo(DrainState.DRAINING);
            assertThat(status.inFlight().uploads()).isEqualTo(1);
        }
        server.app().release(key);
        assertThat(drain.get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    // ---------------------------------------------------------------- words of a client

    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        return socket;
    }

    /** Returns true if the server has ended the connection; drops what it said. */
    private static boolean isOver(Socket socket) {
        try {
            socket.setSoTimeout(1);
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
            return true;
        } catch (SocketTimeoutException open) {
            return false;
        } catch (IOException cut) {
            return true;
        }
    }

    /** Reads what comes for a moment, so that the server has read something, too. */
    private static void listen(Socket socket) throws IOException {
        socket.setSoTimeout(LISTEN_MILLIS);
        try {
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException nothingMore) {
            // or cut by the server
        }
    }

    private static void leave(Socket socket, int how) throws IOException {
        if (how == 1) {
            socket.shutdownOutput();
            listen(socket);
        } else if (how == 2) {
            socket.setSoLinger(true, 0);
        }
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
