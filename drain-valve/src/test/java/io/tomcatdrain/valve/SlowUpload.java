package io.tomcatdrain.valve;

import java.io.IOException;
import java.util.Arrays;

/** An upload over HTTP/1.1 that stands half-way until its test lets it go on. */
final class SlowUpload implements AutoCloseable {
    static final byte[] BODY = App.multipart(20_000);

    private final Http11Client client;
    private int sent;

    private SlowUpload(Http11Client client) {
        this.client = client;
    }

    /** Sends half of an upload and returns once the application has begun to read it. */
    static SlowUpload begin(TestServer server, String path) throws IOException, InterruptedException {
        return begin(server, server.port(), path);
    }

    static SlowUpload begin(TestServer server, int port, String path) throws IOException, InterruptedException {
        String key = Scenario.key();
        SlowUpload upload = new SlowUpload(new Http11Client(port));
        upload.client.send(Scenario.uploadHead(path, BODY.length, key));
        upload.more(BODY.length / 2);
        server.app().awaitEntered(key);
        return upload;
    }

    /** Sends so many bytes more. */
    void more(int bytes) throws IOException {
        client.send(Arrays.copyOfRange(BODY, sent, sent + bytes));
        sent += bytes;
    }

    /** Sends the rest and returns the answer. */
    Answer finish() throws IOException {
        more(BODY.length - sent);
        return client.answer();
    }

    /** Returns the answer that came without the rest. */
    Answer answer() {
        return client.answer();
    }

    /** Returns the text of a right answer. */
    static String sum() {
        return App.sha256(BODY);
    }

    @Override
    public void close() throws IOException {
        client.close();
    }
}
