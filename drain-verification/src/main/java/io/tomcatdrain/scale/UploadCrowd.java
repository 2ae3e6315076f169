package io.tomcatdrain.scale;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Many uploads on a connection each, from one thread: all begin, and then all drip to their ends. Not thread-safe.
 *
 * <p>Each has a body of its own, and the server answers with its checksum: an upload is right if that is the one of what was sent.
 */
final class UploadCrowd implements AutoCloseable {
    /** How many pieces a body is sent in. */
    private static final int PIECES = 16;

    /** How many connections may be under way at once, so that the server's accept queue does not overflow. */
    private static final int CONNECTING = 200;

    private static final long PATIENCE_NANOS = Duration.ofMinutes(2).toNanos();

    private final List<Upload> uploads = new ArrayList<>();
    private final Selector selector;
    private final ByteBuffer out;
    private final ByteBuffer in = ByteBuffer.allocate(4096);
    private int connecting;
    private int open;
    private long lastByteNanos;
    private long lastAnswerNanos;

    /** How they ended; both moments are of {@link System#nanoTime}. */
    record Result(int right, List<String> others, long lastByteNanos, long lastAnswerNanos) {}

    UploadCrowd(InetSocketAddress server, int count, int contentLength) throws IOException {
        selector = Selector.open();
        for (int i = 0; i < count; i++) {
            uploads.add(new Upload(server, i, new Body(i, contentLength)));
        }
        out = ByteBuffer.allocate(1024 + uploads.get(0).body.length() / PIECES);
    }

    private static final class Upload {
        private final InetSocketAddress server;
        private final int number;
        private final Body body;
        private final StringBuilder answer = new StringBuilder();
        private @Nullable SocketChannel channel;

        /** What did not fit into the socket's buffer. */
        private @Nullable ByteBuffer rest;

        private boolean ended;

        Upload(InetSocketAddress server, int number, Body body) {
            this.server = server;
            this.number = number;
            this.body = body;
        }

        byte[] head() {
            return ("POST /app/upload/" + number + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length()
                            + "\r\nContent-Type: multipart/form-data; boundary=cut\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII);
        }

        /** Returns true once the answer is complete: it is the last that its connection carries. */
        boolean isAnswered() {
            int bodyAt = answer.indexOf("\r\n\r\n");
            return bodyAt >= 0 && answer.length() >= bodyAt + 4 + 64;
        }

        boolean isRight() {
            return answer.indexOf("HTTP/1.1 200 ") == 0
                    && body.isSent()
                    && answer.toString().endsWith(body.checksum());
        }
    }

    /** Connects all clients and sends the beginning of each body. */
    void begin() throws IOException {
        for (Upload upload : uploads) {
            while (connecting >= CONNECTING) {
                look(1_000);
            }
            SocketChannel channel = SocketChannel.open();
            channel.configureBlocking(false);
            upload.channel = channel;
            connecting++;
            open++;
            if (channel.connect(upload.server)) {
                connected(upload, channel.register(selector, 0, upload));
            } else {
                channel.register(selector, SelectionKey.OP_CONNECT, upload);
            }
        }
        long until = System.nanoTime() + PATIENCE_NANOS;
        while (connecting > 0) {
            requireTime(until, connecting + " connections are not accepted");
            look(1_000);
        }
    }

    /** Sends what is missing of each body, evenly over the time given, and waits for the answers. */
    Result finish(Duration time) throws IOException {
        long begun = System.nanoTime();
        long pieces = (long) (PIECES - 1) * uploads.size();
        long until = begun + time.toNanos() + PATIENCE_NANOS;
        for (long piece = 0; piece < pieces; piece++) {
            long due = begun + (long) ((double) time.toNanos() * piece / pieces);
            long early = due - System.nanoTime();
            if (early > 0 || piece % 64 == 0) {
                look(Math.max(0, early / 1_000_000));
            }
            sendNext(uploads.get((int) (piece % uploads.size())));
        }
        while (open > 0) {
            requireTime(until, open + " uploads are not answered");
            look(1_000);
        }
        int right = 0;
        List<String> others = new ArrayList<>();
        for (Upload upload : uploads) {
            if (upload.isRight()) {
                right++;
            } else {
                others.add("upload " + upload.number + ": [" + upload.answer + "]");
            }
        }
        return new Result(right, others, lastByteNanos, lastAnswerNanos);
    }

    private static void requireTime(long until, String what) throws IOException {
        if (System.nanoTime() - until > 0) {
            throw new IOException(what);
        }
    }

    private void look(long millis) throws IOException {
        if (millis <= 0) {
            selector.selectNow();
        } else {
            selector.select(millis);
        }
        for (SelectionKey key : selector.selectedKeys()) {
            Upload upload = (Upload) key.attachment();
            try {
                if (key.isConnectable()) {
                    ((SocketChannel) key.channel()).finishConnect();
                    connected(upload, key);
                } else if (key.isReadable()) {
                    receive(upload, key);
                } else if (key.isWritable()) {
                    sendRest(upload, key);
                }
            } catch (IOException broken) {
                end(upload, " broken: " + broken);
            }
        }
        selector.selectedKeys().clear();
    }

    private void connected(Upload upload, SelectionKey key) throws IOException {
        connecting--;
        key.interestOps(SelectionKey.OP_READ);
        out.clear().put(upload.head());
        send(upload, key);
    }

    private void sendNext(Upload upload) {
        SocketChannel channel = upload.channel;
        SelectionKey key = channel == null ? null : channel.keyFor(selector);
        if (upload.ended || key == null) {
            return;
        }
        try {
            out.clear();
            send(upload, key);
        } catch (IOException broken) {
            end(upload, " broken: " + broken);
        }
    }

    /** Sends what is in the buffer, and the next piece of the body behind it. */
    private void send(Upload upload, SelectionKey key) throws IOException {
        out.limit(Math.min(out.capacity(), out.position() + upload.body.length() / PIECES + 1));
        upload.body.putNext(out);
        out.flip();
        ByteBuffer before = upload.rest;
        if (before == null) {
            ((SocketChannel) key.channel()).write(out);
            before = ByteBuffer.allocate(0);
        }
        if (out.hasRemaining()) {
            upload.rest = ByteBuffer.allocate(before.remaining() + out.remaining())
                    .put(before)
                    .put(out)
                    .flip();
            key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        }
        lastByteNanos = System.nanoTime();
    }

    private void sendRest(Upload upload, SelectionKey key) throws IOException {
        ByteBuffer rest = upload.rest;
        if (rest != null) {
            ((SocketChannel) key.channel()).write(rest);
            lastByteNanos = System.nanoTime();
        }
        if (rest == null || !rest.hasRemaining()) {
            upload.rest = null;
            key.interestOps(SelectionKey.OP_READ);
        }
    }

    private void receive(Upload upload, SelectionKey key) throws IOException {
        in.clear();
        int read = ((SocketChannel) key.channel()).read(in);
        if (read > 0) {
            upload.answer.append(StandardCharsets.ISO_8859_1.decode(in.flip()));
            lastAnswerNanos = System.nanoTime();
        }
        if (read < 0 || upload.isAnswered()) {
            end(upload, "");
        }
    }

    private void end(Upload upload, String how) {
        if (upload.ended) {
            return;
        }
        upload.ended = true;
        upload.answer.append(how);
        open--;
        closeQuietly(upload);
    }

    private static void closeQuietly(Upload upload) {
        SocketChannel channel = upload.channel;
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException gone) {
                // it is not needed any more
            }
        }
    }

    @Override
    public void close() throws IOException {
        uploads.forEach(UploadCrowd::closeQuietly);
        selector.close();
    }
}
