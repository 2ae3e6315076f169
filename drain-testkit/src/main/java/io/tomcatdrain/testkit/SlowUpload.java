package io.tomcatdrain.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/** One upload that has been accepted and is half sent. Not thread-safe. */
public abstract class SlowUpload implements AutoCloseable {
    private static final AtomicInteger KEYS = new AtomicInteger();

    /** More than any buffer between the client and the application, twice. */
    private static final int SIZE = 200_000;

    public final byte[] body = App.multipart(SIZE);
    final String key = "slow-" + KEYS.incrementAndGet();

    /** Whether the answer lets the client use the connection again. */
    public boolean connectionStays = true;

    private SlowUpload() {}

    /** Begins one over HTTP/1.1; returns once the application has it. */
    public static SlowUpload begin(EmbeddedTomcat server, String path) throws Exception {
        return begin(server, server.port(), "localhost", path);
    }

    public static SlowUpload begin(EmbeddedTomcat server, int port, String host, String path) throws Exception {
        return begin(server, new Socket(InetAddress.getLoopbackAddress(), port), host, path);
    }

    /** Begins one over HTTP/1.1 on a connection of its own, which is closed with it. */
    public static SlowUpload begin(EmbeddedTomcat server, Socket socket, String host, String path) throws Exception {
        Http11Client client = new Http11Client(socket);
        SlowUpload upload = new SlowUpload() {
            @Override
            public Answer finish() throws IOException {
                Answer answer =
                        client.send(body, SIZE / 2, body.length - SIZE / 2).answer();
                connectionStays = !"close".equals(answer.header("Connection"));
                return answer;
            }

            @Override
            public boolean isCut() throws IOException {
                return client.isClosedWithin(30_000);
            }

            @Override
            public void close() throws IOException {
                client.close();
            }
        };
        client.send(("POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + App.MULTIPART
                + "\r\nContent-Length: " + upload.body.length + "\r\n" + App.KEY + ": " + upload.key + "\r\n\r\n"));
        client.send(upload.body, 0, SIZE / 2);
        server.app().awaitEntered(upload.key);
        return upload;
    }

    /** Begins one on a stream of an HTTP/2 connection, which stays open when the upload is closed. */
    public static SlowUpload begin(EmbeddedTomcat server, Http2Client client, String path) throws Exception {
        int[] stream = new int[1];
        SlowUpload upload = new SlowUpload() {
            @Override
            public Answer finish() throws IOException {
                client.data(stream[0], Arrays.copyOfRange(body, SIZE / 2, body.length), true);
                return client.answer(stream[0]);
            }

            @Override
            public boolean isCut() throws IOException {
                return !client.answer(stream[0]).complete();
            }

            @Override
            public void close() {}
        };
        stream[0] = client.upload(path, App.MULTIPART, upload.body.length, App.KEY, upload.key);
        client.data(stream[0], Arrays.copyOf(upload.body, SIZE / 2), false);
        server.app().awaitEntered(upload.key);
        return upload;
    }

    /** Begins one over AJP. */
    public static SlowUpload beginAjp(EmbeddedTomcat server, String path) throws Exception {
        AjpClient client = new AjpClient(server.ajpPort());
        AjpClient.Body[] rest = new AjpClient.Body[1];
        SlowUpload upload = new SlowUpload() {
            @Override
            public Answer finish() {
                Answer answer = client.finish(rest[0]);
                connectionStays = client.isReusable();
                return answer;
            }

            @Override
            public boolean isCut() {
                return !client.finish(AjpClient.Body.of(new byte[0])).complete();
            }

            @Override
            public void close() throws IOException {
                client.close();
            }
        };
        rest[0] = AjpClient.Body.of(upload.body);
        client.upload(path, App.MULTIPART, upload.body.length, App.KEY, upload.key);
        client.body(rest[0].next(4_000));
        server.app().awaitEntered(upload.key);
        return upload;
    }

    /** Sends the rest and returns the answer. */
    public abstract Answer finish() throws IOException;

    /** Returns true if the server ends it without an answer. */
    public abstract boolean isCut() throws IOException;

    /** Sends the rest; fails unless the application got every byte. */
    public void finishWhole() throws IOException {
        Answer answer = finish();
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        assertThat(answer.complete()).isTrue();
        assertThat(answer.text()).isEqualTo(App.sha256(body));
    }

    @Override
    public abstract void close() throws IOException;
}
