package io.tomcatdrain.cli;

import io.tomcatdrain.cli.Exchange.Kind;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** One user of the site, with a cookie jar or without, who does one thing after the other. Used by one thread. */
final class Visitor {
    private static final Duration SLICE = Duration.ofMillis(100);
    private static final Duration CONTINUE = Duration.ofSeconds(3);
    private static final int ANSWER_MILLIS = 60_000;

    private final LongSupplier clock;
    private final boolean sticky;
    private final @Nullable SSLContext trust;
    private final Map<String, String> cookies = new LinkedHashMap<>();
    private volatile @Nullable String server;

    /** What it waits for, as far as that is known; null if nothing. */
    private volatile @Nullable Exchange pending;

    /**
     * Makes one.
     *
     * @param clock the milliseconds since the check's beginning
     * @param sticky true to keep cookies
     * @param trust which certificates are accepted; null for those that this JVM trusts
     */
    Visitor(LongSupplier clock, boolean sticky, @Nullable SSLContext trust) {
        this.clock = clock;
        this.sticky = sticky;
        this.trust = trust;
    }

    /** Returns the header {@code Server} of the last answer; null if it had none. */
    @Nullable String server() {
        return server;
    }

    /** Returns the request that has no answer yet, as if it ended now without one; null if there is none. */
    @Nullable Exchange pending() {
        Exchange begun = pending;
        return begun == null
                ? null
                : new Exchange(
                        begun.kind(),
                        sticky,
                        begun.beganMillis(),
                        clock.getAsLong(),
                        begun.bytes(),
                        begun.bytes(),
                        0,
                        false,
                        begun.trouble());
    }

    /** Reads a page. */
    Exchange get(URI page) throws InterruptedException {
        return exchange(Kind.GET, page, Map.of(), new byte[0], Duration.ZERO);
    }

    /** Uploads, slowly: the body takes that long to send. */
    Exchange upload(Upload upload, Kind kind, byte[] body, Duration time) throws InterruptedException {
        return exchange(kind, upload.target(), upload.headers(), body, time);
    }

    private Exchange exchange(Kind kind, URI target, Map<String, String> headers, byte[] body, Duration time)
            throws InterruptedException {
        long began = clock.getAsLong();
        pending = new Exchange(kind, sticky, began, began, 0, body.length, 0, false, "no answer until the check's end");
        long[] sent = new long[1];
        int status = 0;
        boolean refused = false;
        String trouble = "";
        try (SiteConnection connection = new SiteConnection(target, trust, (int) time.toMillis() + ANSWER_MILLIS)) {
            connection.head(kind.isUpload() ? "POST" : "GET", target, allHeaders(kind, headers, body.length));
            SiteConnection.Answer answer =
                    kind.isUpload() ? answer(connection, kind, body, time, sent) : connection.read();
            status = answer.status();
            refused = answer.isRefused();
            server = answer.header("server");
            remember(answer);
        } catch (IOException cut) {
            String complaint = Trust.complaint(cut);
            trouble = complaint != null ? complaint : String.valueOf(cut.getMessage() == null ? cut : cut.getMessage());
        }
        pending = null;
        return new Exchange(kind, sticky, began, clock.getAsLong(), sent[0], body.length, status, refused, trouble);
    }

    private Map<String, String> allHeaders(Kind kind, Map<String, String> headers, int length) {
        Map<String, String> all = new TreeMap<>(headers);
        if (kind == Kind.CHUNKED) {
            all.put("Transfer-Encoding", "chunked");
        } else if (kind.isUpload()) {
            all.put("Content-Length", Integer.toString(length));
        }
        if (kind == Kind.EXPECT) {
            all.put("Expect", "100-continue");
        }
        if (!cookies.isEmpty()) {
            StringBuilder line = new StringBuilder();
            cookies.forEach((name, value) -> line.append(line.length() == 0 ? "" : "; ")
                    .append(name)
                    .append('=')
                    .append(value));
            all.put("Cookie", line.toString());
        }
        return all;
    }

    /** Sends the body while another thread reads, since an answer may come before the body's end, and then nothing more is sent. */
    private static SiteConnection.Answer answer(
            SiteConnection connection, Kind kind, byte[] body, Duration time, long[] sent)
            throws IOException, InterruptedException {
        CompletableFuture<Boolean> goOn = new CompletableFuture<>();
        CompletableFuture<SiteConnection.Answer> answer = new CompletableFuture<>();
        Thread reader = new Thread(() -> read(connection, goOn, answer), "check: answer");
        reader.setDaemon(true);
        reader.start();
        if (kind == Kind.EXPECT && !isTold(goOn)) {
            return result(answer);
        }
        int slices = (int) Math.max(1, time.toMillis() / SLICE.toMillis());
        int slice = Math.max(1, (body.length + slices - 1) / slices);
        try {
            for (int from = 0; from < body.length && !answer.isDone(); from += slice) {
                byte[] bytes = Arrays.copyOfRange(body, from, Math.min(body.length, from + slice));
                if (kind == Kind.CHUNKED) {
                    connection.chunk(bytes);
                } else {
                    connection.write(bytes);
                }
                sent[0] += bytes.length;
                waitForAnswer(answer, from + slice < body.length ? SLICE : Duration.ZERO);
            }
            if (kind == Kind.CHUNKED && !answer.isDone()) {
                connection.chunk(new byte[0]);
            }
        } catch (IOException broken) {
            waitForAnswer(answer, Duration.ofSeconds(2)); // it may have come before the connection broke
            if (!answer.isDone()) {
                throw broken;
            }
        }
        return result(answer);
    }

    private static void read(
            SiteConnection connection,
            CompletableFuture<Boolean> goOn,
            CompletableFuture<SiteConnection.Answer> whole) {
        try {
            SiteConnection.Answer answer = connection.read();
            while (answer.status() < 200) {
                goOn.complete(true);
                answer = connection.read();
            }
            whole.complete(answer);
            goOn.complete(false);
        } catch (IOException | RuntimeException | Error cut) {
            whole.completeExceptionally(cut);
            goOn.complete(false);
        }
    }

    /** Returns true if the client may send its body: the server said so, or says nothing for a while (RFC 9110, 10.1.1). */
    private static boolean isTold(CompletableFuture<Boolean> goOn) throws InterruptedException {
        try {
            return goOn.get(CONTINUE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException silent) {
            return true;
        } catch (ExecutionException never) {
            throw new IllegalStateException(never);
        }
    }

    private static void waitForAnswer(CompletableFuture<?> answer, Duration longest) throws InterruptedException {
        if (longest.isZero()) {
            return;
        }
        try {
            answer.get(longest.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException notYet) {
            // that is the rule
        } catch (ExecutionException cut) {
            // result() throws it
        }
    }

    private static SiteConnection.Answer result(CompletableFuture<SiteConnection.Answer> answer)
            throws IOException, InterruptedException {
        try {
            return answer.get();
        } catch (ExecutionException cut) {
            if (cut.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IOException(cut.getCause());
        }
    }

    private void remember(SiteConnection.Answer answer) {
        String lines = answer.header("set-cookie");
        if (!sticky || lines == null) {
            return;
        }
        for (String line : lines.split("\n", -1)) {
            int end = line.indexOf(';');
            String pair = end < 0 ? line : line.substring(0, end);
            int equals = pair.indexOf('=');
            if (equals > 0) {
                cookies.put(
                        pair.substring(0, equals).strip(),
                        pair.substring(equals + 1).strip());
            }
        }
    }
}
