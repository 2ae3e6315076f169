package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.Http11Client;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/** Many uploads from one thread, each on a connection of its own: all begin, and then all drip to their ends. Not thread-safe. */
final class DrippingUploads implements AutoCloseable {
    private static final int PIECES = 16;
    private static final int PIECE = 1024;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final int port;
    private final Selector selector = Selector.open();
    private final List<Upload> uploads = new ArrayList<>();
    private final ByteBuffer in = ByteBuffer.allocate(4096);
    private long lastAnswerNanos;
    private int open;

    /** One of them; its content is made anew from its number. */
    private static final class Upload {
        private final Random content;
        private final MessageDigest digest = sha256();
        private final StringBuilder answer = new StringBuilder();
        private final SocketChannel channel;
        private String checksum = "";

        Upload(int number, SocketChannel channel) {
            this.content = new Random(number);
            this.channel = channel;
        }

        byte[] next() {
            var piece = new byte[PIECE];
            content.nextBytes(piece);
            digest.update(piece);
            return piece;
        }

        boolean isRight() {
            return answer.indexOf("HTTP/1.1 200") == 0 && answer.indexOf("\"" + checksum + "\"") > 0;
        }
    }

    DrippingUploads(int port, int count) throws IOException {
        this.port = port;
        open = count;
    }

    /** Connects all and sends the head and the first piece of each. */
    void begin() throws IOException {
        var head = Http11Client.head(
                        "POST",
                        "/upload-stream",
                        "Connection: close",
                        "Content-Type: multipart/form-data; boundary=b",
                        "Content-Length: " + PIECES * PIECE)
                .getBytes(StandardCharsets.US_ASCII);
        int count = open;
        for (int i = 0; i < count; i++) {
            var channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            var upload = new Upload(i, channel);
            uploads.add(upload);
            write(channel, head);
            write(channel, upload.next());
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ, upload);
        }
    }

    /**
     * Sends the rest of each in this time, and waits for the answers; the last piece of none goes before the condition holds.
     */
    void finish(Duration time, BooleanSupplier mayEnd) throws IOException {
        long beganNanos = System.nanoTime();
        long pieces = (long) (PIECES - 1) * uploads.size();
        for (long i = 0; i < pieces; i++) {
            if (i == pieces - uploads.size()) {
                while (!mayEnd.getAsBoolean()) {
                    look(100);
                    requireTime(beganNanos);
                }
            }
            long earlyNanos = beganNanos + time.toNanos() / pieces * i - System.nanoTime();
            if (earlyNanos > 1_000_000 || i % 64 == 0) {
                look(Math.max(0, earlyNanos / 1_000_000));
            }
            var upload = uploads.get((int) (i % uploads.size()));
            try {
                // Pieces are small and the node reads all the time: what does not fit into a buffer is a loss.
                write(upload.channel, upload.next());
            } catch (IOException cut) {
                upload.answer.append(cut);
            }
        }
        uploads.forEach(upload -> upload.checksum = HexFormat.of().formatHex(upload.digest.digest()));
        while (open > 0) {
            look(1_000);
            requireTime(beganNanos);
        }
    }

    private void requireTime(long beganNanos) throws IOException {
        if (System.nanoTime() - beganNanos > PATIENCE.toNanos()) {
            throw new IOException(open + " uploads are not answered after " + PATIENCE);
        }
    }

    long lastAnswerNanos() {
        return lastAnswerNanos;
    }

    /** How many the node answered well. */
    int answeredBy(String node) {
        return (int) uploads.stream()
                .filter(upload -> upload.isRight() && upload.answer.indexOf("\"node\":\"" + node + "\"") > 0)
                .count();
    }

    /** The answers of those that were not answered well. */
    List<String> losses() {
        return uploads.stream()
                .filter(upload -> !upload.isRight())
                .map(upload -> "[" + upload.answer + "]")
                .toList();
    }

    private void look(long millis) throws IOException {
        var unused = millis <= 0 ? selector.selectNow() : selector.select(millis);
        for (var key : selector.selectedKeys()) {
            var upload = (Upload) key.attachment();
            in.clear();
            int length;
            try {
                length = upload.channel.read(in);
            } catch (IOException reset) {
                upload.answer.append(reset);
                length = -1;
            }
            if (length < 0) {
                key.cancel();
                open--;
                lastAnswerNanos = System.nanoTime();
            } else {
                upload.answer.append(StandardCharsets.UTF_8.decode(in.flip()));
            }
        }
        selector.selectedKeys().clear();
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        var buffer = ByteBuffer.wrap(bytes);
        if (channel.write(buffer) < bytes.length) {
            throw new IOException("the socket's buffer is full");
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        for (var upload : uploads) {
            upload.channel.close();
        }
        selector.close();
    }
}
