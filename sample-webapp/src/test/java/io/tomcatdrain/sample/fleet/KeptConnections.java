package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Clients that keep their connections for as long as the server lets them, over HTTP/1.1 and HTTP/2: each request is answered or lost. */
final class KeptConnections {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final int PIECES = 10;
    private static final int PIECE = 10_000;

    private final int port;
    private final AtomicInteger answered = new AtomicInteger();
    private final Queue<String> lost = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean ending;

    KeptConnections(int port) {
        this.port = port;
        start(this::readByHttp11);
        start(this::readByHttp2);
        start(this::uploadByHttp2);
    }

    /** How many requests were answered with 200. */
    int answered() {
        return answered.get();
    }

    /** What was lost, and how. */
    List<String> lost() {
        return List.copyOf(lost);
    }

    private interface Client {
        void useOneConnection() throws IOException;
    }

    private void start(Client client) {
        var thread = new Thread(
                () -> {
                    while (!ending) {
                        try {
                            client.useOneConnection();
                        } catch (IOException e) {
                            lost.add(e.toString());
                        }
                    }
                },
                "kept connections");
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
    }

    private void count(String what, int status) {
        if (status == 200) {
            answered.incrementAndGet();
        } else {
            lost.add(what + ": " + status);
        }
    }

    /** A stream that the server names as one it has not seen is no loss: its client sends it again (RFC 9113, 6.8). */
    private void count(Http2Client client, int stream, String what) throws IOException {
        int status = client.answer(stream).status();
        if (status != 0 || !client.wasNotLookedAt(stream)) {
            count(what, status);
        }
    }

    private void readByHttp11() throws IOException {
        try (var client = new Http11Client(port)) {
            boolean kept = true;
            while (kept && !ending) {
                var answer = client.send(Http11Client.head("GET", "/page")).answer();
                count("HTTP/1.1", answer.status());
                kept = answer.complete() && !"close".equalsIgnoreCase(answer.header("Connection"));
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private void readByHttp2() throws IOException {
        try (var client = new Http2Client(port)) {
            while (client.lastGoAway() < 0 && !ending) {
                int stream = client.request("GET", "/page", true);
                count(client, stream, "HTTP/2");
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private void uploadByHttp2() throws IOException {
        try (var client = new Http2Client(port)) {
            while (client.lastGoAway() < 0 && !ending) {
                int stream = client.upload("/upload-stream", "application/octet-stream", (long) PIECES * PIECE);
                for (int piece = 1; piece <= PIECES; piece++) {
                    client.data(stream, new byte[PIECE], piece == PIECES);
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
                count(client, stream, "an upload by HTTP/2");
            }
        }
    }

    /** Lets each finish the request that it is at. */
    void finish() {
        ending = true;
        for (var thread : threads) {
            try {
                thread.join(TimeUnit.MINUTES.toMillis(1));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
