package io.tomcatdrain.testkit.fleet;

import io.tomcatdrain.testkit.fleet.Exchange.Answer;
import io.tomcatdrain.testkit.fleet.Outcome.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

/**
 * The users: clients that upload forms slowly, back to back, and clients that read pages all the time. Some stick to a
 * node by their session. Every request is on a connection of its own, and its outcome goes into the tally.
 */
public final class Load {
    private static final Pattern NODE = Pattern.compile("\"node\"\\s*:\\s*\"([^\"]+)\"");
    private static final Duration CONTINUE_LIMIT = Duration.ofSeconds(1);
    private static final Duration WRITE_INTERVAL = Duration.ofMillis(50);
    private static final Duration AFTER_LOSS = Duration.ofMillis(250);
    private static final Duration END_LIMIT = Duration.ofSeconds(120);

    private final int port;
    private final Profile profile;
    private final Tally tally;
    private final List<Thread> clients = new ArrayList<>();
    private volatile boolean ending;

    /** How much there is to do: each upload takes a random size and time between the least and the most. */
    public record Profile(
            int uploaders,
            int leastBytes,
            int mostBytes,
            Duration leastTime,
            Duration mostTime,
            int readers,
            Duration betweenGets) {
        public static final Profile SHORT_UPLOADS =
                new Profile(9, 1 << 20, 2 << 20, Duration.ofMillis(1500), Duration.ofMillis(4000), 6, everyReader(40));
        public static final Profile LONG_UPLOADS =
                new Profile(12, 2 << 20, 8 << 20, Duration.ofSeconds(4), Duration.ofSeconds(10), 6, everyReader(50));

        public static final Profile SMALL_UPLOADS =
                new Profile(24, 10_000, 200_000, Duration.ZERO, Duration.ofMillis(100), 6, everyReader(120));

        /** The pause between the GETs of one of 6 readers that together make so many a second. */
        private static Duration everyReader(int getsPerSecond) {
            return Duration.ofMillis(6 * 1000L / getsPerSecond);
        }
    }

    /** The forms in which a body travels. */
    private enum Way {
        FIXED_LENGTH,
        CHUNKED,
        EXPECT_CONTINUE,
        /** Taken by the node without a thread that waits for it. */
        NON_BLOCKING
    }

    private Load(int port, Profile profile, Tally tally) {
        this.port = port;
        this.profile = profile;
        this.tally = tally;
    }

    public static Load started(int port, Profile profile, Tally tally) {
        var load = new Load(port, profile, tally);
        for (int i = 0; i < profile.uploaders(); i++) {
            int number = i;
            load.client("uploader " + i, () -> load.upload(number));
        }
        for (int i = 0; i < profile.readers(); i++) {
            int number = i;
            load.client("reader " + i, () -> load.read(number));
        }
        load.clients.forEach(Thread::start);
        return load;
    }

    /** Begins no further request, and does not wait for those under way: they end with the fleet at the latest. */
    public void abandon() {
        ending = true;
    }

    /** Lets every client finish the request that it is at. */
    public void finish() {
        ending = true;
        long deadlineNanos = System.nanoTime() + END_LIMIT.toNanos();
        for (var client : clients) {
            try {
                client.join(Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (client.isAlive()) {
                throw new AssertionError(client.getName() + " has not ended after " + END_LIMIT);
            }
        }
    }

    private void client(String name, Runnable work) {
        var thread = new Thread(work, name);
        thread.setDaemon(true);
        clients.add(thread);
    }

    private void upload(int number) {
        var random = new Random(number);
        var session = new Session(number % 3 == 0);
        for (int n = number; !ending; n++) {
            var way = Way.values()[n % Way.values().length];
            var form = UploadForm.random(random, between(random, profile.leastBytes(), profile.mostBytes()));
            var time =
                    Duration.ofMillis(between(random, (int) profile.leastTime().toMillis(), (int)
                            profile.mostTime().toMillis()));
            if (session.isWanted()) {
                request(Kind.GET, "uploader " + number + ", session", () -> get("/session", session), answer -> "");
            }
            var what = "uploader " + number + ", " + way + (session.isWanted() ? ", sticky" : "") + ", " + form.length()
                    + " bytes";
            request(
                    Kind.UPLOAD,
                    what,
                    () -> post(form, way, time, session),
                    answer -> way == Way.NON_BLOCKING
                            ? form.differenceOfBody(answer.body())
                            : form.difference(answer.body()));
        }
    }

    private void read(int number) {
        var session = new Session(number % 3 == 0);
        var path = session.isWanted() ? "/session" : "/page";
        long nextNanos = System.nanoTime();
        while (!ending) {
            request(Kind.GET, "reader " + number + ", " + path, () -> get(path, session), answer -> "");
            nextNanos += profile.betweenGets().toNanos();
            Pause.until(nextNanos);
        }
    }

    /** One request of a client; may fail in any way. */
    private interface Request {
        Answer answer() throws IOException;
    }

    /** Says what is wrong with an answer 200; empty when nothing is. */
    private interface Check {
        String fault(Answer answer) throws IOException;
    }

    private void request(Kind kind, String what, Request request, Check check) {
        var begunIn = tally.phase();
        long beganNanos = System.nanoTime();
        var node = "?";
        String fault;
        long endedNanos;
        try {
            var answer = request.answer();
            endedNanos = System.nanoTime();
            node = node(answer);
            fault = answer.status() == 200 ? check.fault(answer) : describe(answer);
        } catch (IOException e) {
            endedNanos = System.nanoTime();
            fault = e.toString();
        }
        var outcome = new Outcome(kind, what, node, begunIn, tally.phase(), beganNanos, endedNanos, fault);
        tally.add(outcome);
        if (outcome.lost()) {
            Pause.until(endedNanos + AFTER_LOSS.toNanos());
        }
    }

    private Answer get(String path, Session session) throws IOException {
        var answer = Exchange.get(port, path, session.header());
        session.renew(answer);
        return answer;
    }

    private Answer post(UploadForm form, Way way, Duration time, Session session) throws IOException {
        boolean chunked = way == Way.CHUNKED;
        var headers = "Content-Type: " + form.contentType() + "\r\n"
                + (chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: " + form.length() + "\r\n")
                + (way == Way.EXPECT_CONTINUE ? "Expect: 100-continue\r\n" : "")
                + session.header();
        try (var exchange = Exchange.with(port)) {
            exchange.sendHead("POST", way == Way.NON_BLOCKING ? "/upload-stream" : "/upload", headers);
            if (way != Way.EXPECT_CONTINUE || exchange.mayContinue(CONTINUE_LIMIT)) {
                try {
                    new Body(exchange, chunked).send(form, time);
                } catch (IOException cut) {
                    return answerAfter(cut, exchange);
                }
            }
            return exchange.answer();
        }
    }

    /** A server that refuses a body closes its connection, and yet its answer may have come. */
    private static Answer answerAfter(IOException cut, Exchange exchange) throws IOException {
        try {
            return exchange.answer();
        } catch (IOException none) {
            cut.addSuppressed(none);
            throw cut;
        }
    }

    private static String node(Answer answer) {
        var header = answer.headers().get("x-node");
        if (header != null) {
            return header;
        }
        var matcher = NODE.matcher(answer.body());
        return matcher.find() ? matcher.group(1) : "?";
    }

    private static String describe(Answer answer) {
        var body = answer.body().replaceAll("\\s+", " ");
        return "status " + answer.status() + " " + answer.headers() + " "
                + body.substring(0, Math.min(120, body.length()));
    }

    private static int between(Random random, int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    /** A body on its way, at a steady pace, until it is complete or its answer comes. */
    private record Body(Exchange exchange, boolean chunked) {
        void send(UploadForm form, Duration time) throws IOException {
            long startNanos = System.nanoTime();
            send(form.head(), 0, form.head().length);
            int steps = Math.max(1, (int) (time.toNanos() / WRITE_INTERVAL.toNanos()));
            int sent = 0;
            for (int step = 1; step <= steps && !exchange.hasAnswer(); step++) {
                Pause.until(startNanos + step * WRITE_INTERVAL.toNanos());
                int next = (int) ((long) form.fileSize() * step / steps);
                send(form.fileSource(), form.fileOffset() + sent, next - sent);
                sent = next;
            }
            if (sent == form.fileSize()) {
                send(form.tail(), 0, form.tail().length);
                if (chunked) {
                    exchange.send(new byte[] {'0', '\r', '\n', '\r', '\n'});
                }
            }
        }

        private void send(byte[] bytes, int offset, int length) throws IOException {
            if (length > 0 && chunked) {
                exchange.send((Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            }
            exchange.send(bytes, offset, length);
            if (length > 0 && chunked) {
                exchange.send(new byte[] {'\r', '\n'});
            }
        }
    }

    /** The session cookie of one client, if it wants one. */
    private static final class Session {
        private final boolean wanted;
        private String cookie = "";

        Session(boolean wanted) {
            this.wanted = wanted;
        }

        boolean isWanted() {
            return wanted;
        }

        String header() {
            return cookie.isEmpty() ? "" : "Cookie: " + cookie + "\r\n";
        }

        void renew(Answer answer) {
            var set = answer.headers().get("set-cookie");
            if (wanted && set != null && set.startsWith("JSESSIONID=")) {
                cookie = set.split(";", 2)[0];
            }
        }
    }
}
