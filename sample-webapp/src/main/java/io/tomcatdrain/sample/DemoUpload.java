package io.tomcatdrain.sample;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.math.BigInteger;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One upload of the demo: sends its body at a steady pace, and knows what the right answer is. */
final class DemoUpload {
    private static final String BOUNDARY = "tomcat-drain-demo";
    private static final int PIECE = 16 * 1024;

    private final String name;
    private final String path;
    private final String contentType;
    private final boolean chunked;
    private final byte[] body;
    private final Duration duration;
    private final Map<String, Object> rightAnswer;
    private volatile int sent;
    private volatile String remark = "";

    /** How an upload ended; complete if the server answered 200 and has received every byte. */
    record Outcome(boolean complete, String text) {}

    private DemoUpload(
            String name,
            String path,
            String contentType,
            boolean chunked,
            byte[] body,
            Duration duration,
            Map<String, Object> rightAnswer) {
        this.name = name;
        this.path = path;
        this.contentType = contentType;
        this.chunked = chunked;
        this.body = body;
        this.duration = duration;
        this.rightAnswer = rightAnswer;
    }

    /** A form with fields and a file, as a browser sends it. */
    static DemoUpload form(String name, int size, boolean chunked, Duration duration) {
        byte[] content = content(name, size);
        var body = new ByteArrayOutputStream(size + 1000);
        body.writeBytes(part("name=\"title\"", "Title of " + name));
        body.writeBytes(part("name=\"category\"", "demo"));
        body.writeBytes(("--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name
                        + "\"\r\nContent-Type: application/octet-stream\r\n\r\n")
                .getBytes(StandardCharsets.UTF_8));
        body.writeBytes(content);
        body.writeBytes(("\r\n--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
        Map<String, Object> file =
                Map.of("field", "file", "name", name, "size", BigInteger.valueOf(size), "sha256", sha256Hex(content));
        return new DemoUpload(
                name,
                "/upload",
                "multipart/form-data; boundary=" + BOUNDARY,
                chunked,
                body.toByteArray(),
                duration,
                Map.of("fields", Map.of("title", "Title of " + name, "category", "demo"), "files", List.of(file)));
    }

    /** A bare body for a servlet that reads without blocking, of a type that resumable protocols use. */
    static DemoUpload stream(String name, int size, boolean chunked, Duration duration) {
        byte[] content = content(name, size);
        return new DemoUpload(
                name,
                "/upload-stream",
                "application/offset+octet-stream",
                chunked,
                content,
                duration,
                Map.of("size", BigInteger.valueOf(size), "sha256", sha256Hex(content)));
    }

    String name() {
        return name;
    }

    String path() {
        return path;
    }

    String contentType() {
        return contentType;
    }

    /** The body, sent over {@code duration} from the first time that a client asks for it. */
    BodyPublisher body() {
        BodyPublisher paced = BodyPublishers.ofInputStream(PacedBody::new);
        return chunked ? paced : BodyPublishers.fromPublisher(paced, body.length);
    }

    Screen.Bar bar() {
        String how =
                remark.isEmpty() ? "%4.1f MB, %s".formatted(body.length / 1e6, chunked ? "chunked" : "fixed") : remark;
        return new Screen.Bar(name, sent, body.length, how);
    }

    /** Compares the answer with the right one, and shows what came of it. */
    Outcome judge(@Nullable HttpResponse<String> response, @Nullable Throwable failure) {
        Outcome outcome = compare(response, failure);
        remark = outcome.complete() ? "arrived" : "LOST";
        return outcome;
    }

    private Outcome compare(@Nullable HttpResponse<String> response, @Nullable Throwable failure) {
        if (response == null) {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            return new Outcome(
                    false, "no answer after %.1f of %.1f MB: %s".formatted(sent / 1e6, body.length / 1e6, cause));
        }
        if (response.statusCode() != 200) {
            return new Outcome(false, "answer " + response.statusCode());
        }
        try {
            Map<String, Object> answer = JsonText.parse(response.body());
            answer.remove("node");
            return answer.equals(rightAnswer)
                    ? new Outcome(true, "200, size, fields and SHA-256 are right")
                    : new Outcome(false, "answer [" + answer + "] is not [" + rightAnswer + "]");
        } catch (IOException e) {
            return new Outcome(false, "answer " + e.getMessage());
        }
    }

    private static byte[] content(String name, int size) {
        byte[] content = new byte[size];
        new Random(name.hashCode()).nextBytes(content);
        return content;
    }

    private static byte[] part(String disposition, String value) {
        return ("--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + value + "\r\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    private static String sha256Hex(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** The body, each piece when its time has come. */
    private final class PacedBody extends InputStream {
        private final long startNanos = System.nanoTime();
        private int position;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            sent = position;
            if (position == body.length) {
                return -1;
            }
            long dueNanos = (long) ((double) duration.toNanos() * position / body.length);
            try {
                TimeUnit.NANOSECONDS.sleep(startNanos + dueNanos - System.nanoTime());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while sending " + name);
            }
            int n = Math.min(Math.min(length, PIECE), body.length - position);
            System.arraycopy(body, position, buffer, offset, n);
            position += n;
            return n;
        }
    }
}
