package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.Drain;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tomcat pools its request objects: what is shown of an upload must never be of the request that came after it. */
@Timeout(300)
class ProgressIT {
    private static final int CONNECTIONS = 3;

    /** As many uploads each connection sends, and more until enough have been seen half way. */
    private static final int ROUNDS = 250;

    private static final int ENOUGH = 100;

    /** What no upload here is long: the body of the requests in between, on the same connections. */
    private static final int OTHER_LENGTH = 300_000;

    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final Map<Long, Long> seenBytes = new HashMap<>();
    private final AtomicLong uploads = new AtomicLong();
    private final AtomicLong seenUnderWay = new AtomicLong();
    private long highestTotal;

    @TempDir
    Path directory;

    @Test
    void numbersAreNeverThoseOfTheNextRequestOnTheConnection() throws Exception {
        try (SmallServer server = new SmallServer(directory)) {
            server.valve.setUploadSize("off");
            server.start();
            Drain drain = server.valve.drain();
            AtomicBoolean over = new AtomicBoolean();
            Thread watcher = new Thread(() -> {
                while (!over.get()) {
                    look(drain);
                }
            });
            watcher.start();
            ExecutorService clients = Executors.newFixedThreadPool(CONNECTIONS);
            List<Future<Long>> sent = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                Callable<Long> client = () -> send(server.port());
                sent.add(clients.submit(client));
            }
            long total = 0;
            for (Future<Long> one : sent) {
                total += one.get();
            }
            over.set(true);
            watcher.join();
            clients.shutdown();

            assertThat(wrong).isEmpty();
            assertThat(drain.status().totals().uploadBytes()).isEqualTo(total);
            assertThat(drain.status().totals().uploadsCompleted()).isEqualTo(uploads.get());
        }
    }

    /** Sends uploads and other requests in turn on one connection; returns the bytes of the uploads. */
    private long send(int port) throws IOException {
        long total = 0;
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            for (int round = 0; round < ROUNDS || seenUnderWay.get() < ENOUGH; round++) {
                int length = 1000 + 997 * round % 60_000;
                request(socket, "/app/upload/" + length, "multipart/form-data; boundary=cut", length);
                request(socket, "/app/other", "text/plain", OTHER_LENGTH);
                total += length;
                uploads.incrementAndGet();
            }
        }
        return total;
    }

    private static void request(Socket socket, String path, String type, int length) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(SmallServer.head(path, type, length));
        byte[] block = new byte[Math.max(1, length / 4)];
        for (int left = length; left > 0; left -= block.length) {
            out.write(block, 0, Math.min(left, block.length));
            out.flush();
            Thread.yield();
        }
        // The answer is the number of bytes as text, after a head that ends with an empty line.
        StringBuilder answer = new StringBuilder();
        String end = "\r\n\r\n" + length;
        while (answer.indexOf(end) < 0) {
            int next = socket.getInputStream().read();
            if (next < 0) {
                throw new IOException("ended after " + answer);
            }
            answer.append((char) next);
        }
    }

    private void look(Drain drain) {
        var status = drain.status();
        if (status.totals().uploadBytes() < highestTotal) {
            wrong.add(
                    "total fell from " + highestTotal + " to " + status.totals().uploadBytes());
        }
        highestTotal = status.totals().uploadBytes();
        for (ActiveUpload upload : status.uploads()) {
            long before = seenBytes.getOrDefault(upload.id(), 0L);
            boolean right = upload.path().equals("/app/upload/" + upload.contentLength())
                    && upload.bytesReceived() >= before
                    && upload.bytesReceived() <= upload.contentLength();
            if (!right) {
                wrong.add(upload + ", before: " + before);
            }
            if (upload.bytesReceived() > 0 && upload.bytesReceived() < upload.contentLength()) {
                seenUnderWay.incrementAndGet();
            }
            seenBytes.put(upload.id(), upload.bytesReceived());
        }
    }
}
