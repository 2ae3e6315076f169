package io.tomcatdrain.http;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainStatus;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Writes one JSON text by hand, since the published jars bring no library along. Not thread-safe. */
final class StatusJson {
    private final StringBuilder out = new StringBuilder(512);

    private StatusJson() {}

    /** Returns the status as the endpoints show it, in one line. */
    static String of(DrainStatus status) {
        StatusJson json = new StatusJson();
        json.object(() -> json.status(status));
        return json.out.toString();
    }

    /** Returns which node has taken a canary upload, and how much it was. */
    static String ofCanary(String name, long bytes) {
        StatusJson json = new StatusJson();
        json.object(() -> {
            json.text("name", name);
            json.number("bytes", bytes);
        });
        return json.out.toString();
    }

    /** Returns what a check needs to know of a node before it drains it. */
    static String ofFacts(String name, @Nullable String version, boolean replays, DrainSettings settings) {
        StatusJson json = new StatusJson();
        json.object(() -> {
            json.text("name", name);
            json.text("version", version);
            json.number("probeFailures", settings.probeFailures());
            json.number("lameDuckTimeoutMillis", settings.lameDuckTimeout().toMillis());
            json.literal("closeListener", Boolean.toString(settings.closeListener()));
            json.literal("frontEndReplays", Boolean.toString(replays));
            json.number("refusalStatus", settings.refusalStatus());
            json.text("refuse", settings.refuse().name().toLowerCase(Locale.ROOT));
        });
        return json.out.toString();
    }

    /** Returns {@code {"error":message}}. */
    static String ofError(String message) {
        StatusJson json = new StatusJson();
        json.object(() -> json.text("error", message));
        return json.out.toString();
    }

    /** Returns the text as bytes; what {@link #of} writes has no lone surrogate that UTF-8 could not hold. */
    static byte[] utf8(String json) {
        return json.getBytes(StandardCharsets.UTF_8);
    }

    private void status(DrainStatus status) {
        text("name", status.name());
        text("state", status.state().name());
        literal("ready", Boolean.toString(status.ready()));
        instant("since", status.since());
        text("reason", status.reason());
        instant("deadline", status.deadline());
        number("remainingMillis", status.remainingMillis());
        number("lameDuckRemainingMillis", status.lameDuckRemainingMillis());
        number("drainingMillis", status.drainingMillis());
        number("lameDuckMillis", status.lameDuckMillis());
        number("resumeMillis", status.resumeMillis());
        literal("resumable", Boolean.toString(status.resumable()));
        number("etaMillis", status.etaMillis());
        DrainStatus.InFlight inFlight = status.inFlight();
        key("inFlight").object(() -> {
            number("uploads", inFlight.uploads());
            number("requests", inFlight.requests());
            number("holds", inFlight.holds());
            number("streams", inFlight.streams());
        });
        DrainStatus.Totals totals = status.totals();
        key("totals").object(() -> {
            number("uploadsCompleted", totals.uploadsCompleted());
            number("uploadsFailed", totals.uploadsFailed());
            number("requestsCompleted", totals.requestsCompleted());
            number("refused", totals.refused());
            number("uploadBytes", totals.uploadBytes());
        });
        array("probers", status.probers(), prober -> {
            text("remote", prober.remote());
            text("name", prober.name());
            text("agent", prober.agent());
            number("seenDown", prober.seenDown());
        });
        array("uploads", status.uploads(), this::upload);
        array("openUploads", status.openUploads(), this::openUpload);
        DrainReport report = status.report();
        if (report != null) {
            key("report").object(() -> report(report));
        }
    }

    private void upload(ActiveUpload upload) {
        number("id", upload.id());
        text("method", upload.method());
        text("path", upload.path());
        text("remote", upload.remote());
        instant("started", upload.started());
        number("elapsedMillis", upload.elapsedMillis());
        number("bytesReceived", upload.bytesReceived());
        number("contentLength", upload.contentLength());
        number("bytesPerSecond", upload.bytesPerSecond());
        number("etaMillis", upload.etaMillis());
        number("stalledMillis", upload.stalledMillis());
    }

    /** One that comes in several requests: all numbers are the whole file's. */
    private void openUpload(ActiveUpload upload) {
        number("id", upload.id());
        text("path", upload.path());
        number("bytesReceived", upload.bytesReceived());
        number("length", upload.contentLength());
        number("bytesPerSecond", upload.bytesPerSecond());
        number("etaMillis", upload.etaMillis());
        number("waitingMillis", upload.stalledMillis());
    }

    private void report(DrainReport report) {
        text("outcome", report.outcome().name());
        text("reason", report.reason());
        number("lameDuckMillis", report.lameDuckMillis());
        number("drainMillis", report.drainMillis());
        number("finished", report.finished());
        number("failed", report.failed());
        number("refused", report.refused());
        array("abandoned", report.abandoned(), this::upload);
        array("abandonedRequests", report.abandonedRequests(), request -> {
            text("method", request.method());
            text("path", request.path());
            number("elapsedMillis", request.elapsedMillis());
        });
        DrainReport.OpenUploads open = report.openUploads();
        key("openUploads").object(() -> {
            number("finished", open.finished());
            array("abandoned", open.abandoned(), this::openUpload);
            array("cut", open.cut(), this::openUpload);
        });
    }

    private void object(Runnable members) {
        out.append('{');
        members.run();
        out.append('}');
    }

    private <T> void array(String name, List<T> elements, Consumer<T> members) {
        key(name).out.append('[');
        for (T element : elements) {
            separate();
            object(() -> members.accept(element));
        }
        out.append(']');
    }

    private StatusJson key(String name) {
        separate();
        quoted(name);
        out.append(':');
        return this;
    }

    private void separate() {
        char before = out.charAt(out.length() - 1);
        if (before != '{' && before != '[') {
            out.append(',');
        }
    }

    private void number(String name, long value) {
        literal(name, Long.toString(value));
    }

    private void instant(String name, @Nullable Instant value) {
        text(name, value == null ? null : value.truncatedTo(ChronoUnit.MILLIS).toString());
    }

    private void text(String name, @Nullable String value) {
        if (value == null) {
            literal(name, "null");
        } else {
            key(name).quoted(value);
        }
    }

    private void literal(String name, String value) {
        key(name).out.append(value);
    }

    private void quoted(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c == 0x7F || isLoneSurrogate(text, i)) {
                out.append("\\u").append(HexFormat.of().toHexDigits(c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private static boolean isLoneSurrogate(String text, int at) {
        char c = text.charAt(at);
        if (Character.isHighSurrogate(c)) {
            return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
        }
        return Character.isLowSurrogate(c) && (at == 0 || !Character.isHighSurrogate(text.charAt(at - 1)));
    }
}
