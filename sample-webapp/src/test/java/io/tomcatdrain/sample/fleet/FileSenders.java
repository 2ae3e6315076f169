package io.tomcatdrain.sample.fleet;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Browsers that each send file after file in several requests, with pauses between them in which they also read a page: in the ways of tus,
 * FilePond, Resumable.js and jQuery File Upload. A request that fails is sent again, as these clients do. A file that the server does not
 * know any more is begun again from byte 0, as tus-js-client does: its user may see nothing of that, but here it counts as a loss.
 */
final class FileSenders implements AutoCloseable {
    private static final int PART = 32 << 10;
    private static final int LEAST_PARTS = 8;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    /** How the clients wait before they try again: tus-js-client's own times. */
    private static final long[] RETRY_MILLIS = {100, 1000, 3000, 5000};

    private final String base;
    private final int mostParts;
    private final int mostPauseMillis;
    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private final List<Sent> sent = new ArrayList<>();
    private int pages;
    private int begunAgain;

    private FileSenders(int port, int mostParts, int mostPauseMillis) {
        this.base = "http://127.0.0.1:" + port + "/many";
        this.mostParts = mostParts;
        this.mostPauseMillis = mostPauseMillis;
    }

    /** A file that arrived, on which node, and from when to when it was under way. */
    private record Sent(String node, long beganNanos, long endedNanos) {}

    /** A way to send a file. */
    private enum Way {
        TUS,
        FILE_POND,
        RESUMABLE_JS,
        RANGE
    }

    /** Starts so many of each way. */
    static FileSenders started(int port, int ofEach, int mostParts, int mostPauseMillis) {
        var senders = new FileSenders(port, mostParts, mostPauseMillis);
        for (int i = 0; i < ofEach; i++) {
            for (Way way : Way.values()) {
                var name = way + " " + i;
                var thread = new Thread(() -> senders.send(way, name), name);
                thread.setDaemon(true);
                senders.threads.add(thread);
            }
        }
        senders.threads.forEach(Thread::start);
        return senders;
    }

    synchronized int files() {
        return sent.size();
    }

    /** How many files arrived on this node of which at least a part fell between two times of {@link System#nanoTime()}. */
    synchronized int filesDuring(String node, long fromNanos, long toNanos) {
        return (int) sent.stream()
                .filter(file -> file.node.equals(node) && file.beganNanos <= toNanos && file.endedNanos >= fromNanos)
                .count();
    }

    synchronized int pages() {
        return pages;
    }

    /** How many files had to begin again from byte 0; each is among the faults too. */
    synchronized int begunAgain() {
        return begunAgain;
    }

    /** Files and pages that were lost. */
    synchronized List<String> faults() {
        return List.copyOf(faults);
    }

    /** Begins no further file, and does not wait for those under way: they end with the fleet at the latest. */
    void abandon() {
        end.countDown();
    }

    @Override
    public void close() {
        abandon();
        for (var thread : threads) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(90));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private synchronized void fault(String fault) {
        faults.add(fault);
    }

    /** A client waits for nothing then. */
    private static void pause(long millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    private void send(Way way, String name) {
        var random = new Random(name.hashCode());
        for (int file = 0; end.getCount() > 0; file++) {
            // A browser of its own for each file: else all would stay on the node that stops last.
            var browser = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .cookieHandler(new BrowserCookies())
                    .connectTimeout(LIMIT)
                    .build();
            int parts = LEAST_PARTS + random.nextInt(mostParts - LEAST_PARTS + 1);
            String what = name + ", file " + file + " of " + parts + " parts";
            long beganNanos = System.nanoTime();
            var sending = new Sending(browser, way, what, parts, random);
            try {
                wholeOrBegunAgain(sending);
                synchronized (this) {
                    sent.add(new Sent(sending.node, beganNanos, System.nanoTime()));
                }
            } catch (IOException lost) {
                fault(what + ": " + lost.getMessage());
            } catch (InterruptedException e) {
                fault(what + ": " + e);
                return;
            }
        }
    }

    private void wholeOrBegunAgain(Sending file) throws IOException, InterruptedException {
        try {
            file.whole();
        } catch (UnknownThere unknown) {
            fault(file.what + " begins again from byte 0: " + unknown.getMessage());
            synchronized (this) {
                begunAgain++;
            }
            file.whole();
        }
    }

    /** The server does not know what is to be continued. */
    private static final class UnknownThere extends IOException {
        private static final long serialVersionUID = 1L;

        UnknownThere(String message) {
            super(message);
        }
    }

    /** One file on its way. */
    private final class Sending {
        private final HttpClient browser;
        private final Way way;
        private final String what;
        private final int parts;
        private final Random random;
        private String target = "";
        private String node = "?";
        private boolean isWhole;

        Sending(HttpClient browser, Way way, String what, int parts, Random random) {
            this.browser = browser;
            this.way = way;
            this.what = what;
            this.parts = parts;
            this.random = random;
        }

        void whole() throws IOException, InterruptedException {
            page();
            open();
            for (int part = 0; part < parts; part++) {
                pause(100 + random.nextInt(mostPauseMillis - 99));
                if (random.nextInt(3) == 0) {
                    page();
                }
                var headers = part(part).headers();
                node = headers.firstValue("X-Node").orElse("?");
                isWhole = headers.firstValue("X-Whole").isPresent();
            }
            if (!isWhole) {
                fault(what + " was sent, and is not whole on its server");
            }
        }

        private void open() throws IOException, InterruptedException {
            switch (way) {
                case TUS -> {
                    var created = again(request("/files", "X-Session", "1", "Upload-Length", "" + parts * PART)
                            .POST(BodyPublishers.noBody()));
                    target = created.headers().firstValue("Location").orElseThrow();
                }
                case FILE_POND -> {
                    var id = again(request("/pond", "X-Session", "1", "Upload-Length", "" + parts * PART)
                                    .POST(BodyPublishers.noBody()))
                            .body();
                    target = "/many/pond?patch=" + id;
                }
                case RESUMABLE_JS ->
                    target = "/many/chunks?resumableTotalChunks=" + parts + "&resumableTotalSize=" + parts * PART
                            + "&resumableIdentifier=" + Long.toHexString(random.nextLong());
                case RANGE -> target = "/many/range";
            }
        }

        private HttpResponse<String> part(int part) throws IOException, InterruptedException {
            var body = BodyPublishers.ofByteArray(new byte[PART]);
            int from = part * PART;
            return switch (way) {
                case TUS ->
                    again(absolute(
                                    target,
                                    "Upload-Offset",
                                    "" + from,
                                    "Content-Type",
                                    "application/offset+octet-stream")
                            .method("PATCH", body));
                case FILE_POND ->
                    again(absolute(target, "Upload-Offset", "" + from, "Upload-Length", "" + parts * PART)
                            .method("PATCH", body));
                case RESUMABLE_JS ->
                    again(absolute(target + "&resumableChunkNumber=" + (part + 1), "X-Session", "1")
                            .POST(body));
                case RANGE ->
                    again(absolute(
                                    target,
                                    "X-Session",
                                    "1",
                                    "Content-Disposition",
                                    "attachment; filename=\"" + what + "\"",
                                    "Content-Range",
                                    "bytes " + from + "-" + (from + PART - 1) + "/" + parts * PART)
                            .POST(body));
            };
        }

        private void page() throws IOException, InterruptedException {
            var answer = send(request("/files", "X-Session", "1").method("OPTIONS", BodyPublishers.noBody()));
            synchronized (FileSenders.this) {
                pages++;
            }
            if (answer.statusCode() != 204) {
                fault(what + ": page " + answer.statusCode());
            }
        }

        private HttpRequest.Builder request(String path, String... headers) {
            return absolute("/many" + path, headers);
        }

        private HttpRequest.Builder absolute(String path, String... headers) {
            return HttpRequest.newBuilder(URI.create(base).resolve(path))
                    .timeout(LIMIT)
                    .headers(headers);
        }

        /**
         * Sends it again where the front end closed a kept connection at the moment at which the client used it, as one does that reloads. A
         * browser sends again then too; if a node has had the part all the same, the same part a second time is out of place there, and a
         * loss.
         */
        private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
            for (int attempt = 0; ; attempt++) {
                try {
                    return browser.send(request.build(), BodyHandlers.ofString());
                } catch (IOException e) {
                    if (attempt == RETRY_MILLIS.length
                            || !String.valueOf(e.getMessage()).contains("received no bytes")) {
                        throw e;
                    }
                }
            }
        }

        /** Sends it until it is answered well, as often as a client does; an answer that no repetition changes is a loss. */
        private HttpResponse<String> again(HttpRequest.Builder request) throws IOException, InterruptedException {
            for (int attempt = 0; ; attempt++) {
                String failure;
                try {
                    var answer = send(request);
                    int status = answer.statusCode();
                    if (status >= 200 && status < 300) {
                        return answer;
                    }
                    failure = "status " + status;
                    if (status == 404 || status == 409) {
                        throw new UnknownThere(failure + " for " + target);
                    }
                } catch (java.net.ConnectException | java.net.http.HttpTimeoutException e) {
                    failure = e.toString();
                }
                if (attempt == RETRY_MILLIS.length) {
                    throw new IOException(failure + " for " + target);
                }
                pause(RETRY_MILLIS[attempt]);
            }
        }
    }
}
