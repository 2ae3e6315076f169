package io.tomcatdrain.http;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes a status as lines and a table for people. Programs read the JSON; this may change in any version. Not thread-safe. */
final class StatusTable {
    /** More rows are of no use in a terminal. */
    private static final int MOST_UPLOADS = 40;

    private static final int BAR = 20;

    /** A shorter pause between two reads is no silence: an upload that moves has one at almost every look. */
    private static final long SILENCE_MILLIS = 1_000;

    private final StringBuilder out = new StringBuilder(512);

    private StatusTable() {}

    /** Returns the status, each line with its end. */
    static String of(DrainStatus status) {
        StatusTable text = new StatusTable();
        text.status(status);
        return text.out.toString();
    }

    private void status(DrainStatus status) {
        line(status.name() + ": " + status.state() + (status.reason() == null ? "" : ", reason: " + status.reason()));
        if (status.state() == DrainState.SERVING) {
            line("  since " + seconds(status.since()));
        } else {
            line("  " + progress(status));
        }
        DrainStatus.InFlight inFlight = status.inFlight();
        line("  in flight: " + count(inFlight.uploads(), "upload") + ", " + count(inFlight.requests(), "other request")
                + ", " + count(inFlight.holds(), "hold")
                + (inFlight.streams() > 0
                        ? "; " + count(inFlight.streams(), "stream")
                                + (inFlight.streams() == 1 ? " that holds nothing" : " that hold nothing")
                        : ""));
        DrainStatus.Totals totals = status.totals();
        line("  since the start: " + count(totals.uploadsCompleted(), "upload") + " completed, "
                + totals.uploadsFailed()
                + " failed, " + bytes(totals.uploadBytes()) + "; " + count(totals.requestsCompleted(), "other request")
                + " completed; " + totals.refused() + " refused");
        uploads("uploads in flight", status.uploads());
        uploads("files that come in several requests", status.openUploads());
        if (!status.probers().isEmpty()) {
            line("");
            line("probers:");
            status.probers().forEach(this::prober);
        }
        DrainReport report = status.report();
        if (report != null) {
            report(report);
        }
    }

    private static String progress(DrainStatus status) {
        StringBuilder text = new StringBuilder();
        text.append(status.state().isOver() ? "took " : "running for ").append(time(status.drainingMillis()));
        if (status.lameDuckMillis() > 0) {
            text.append(", ").append(time(status.lameDuckMillis())).append(" of it as lame duck");
        }
        if (status.lameDuckRemainingMillis() >= 0) {
            text.append("; new work is refused in at most ").append(time(status.lameDuckRemainingMillis()));
        }
        if (status.deadline() != null) {
            text.append("; over in at most ")
                    .append(time(status.remainingMillis()))
                    .append(" (")
                    .append(seconds(status.deadline()))
                    .append(')');
        }
        if (status.resumeMillis() >= 0) {
            text.append("; serves again in ").append(time(status.resumeMillis()));
        }
        return text.toString();
    }

    private void uploads(String title, List<ActiveUpload> uploads) {
        if (uploads.isEmpty()) {
            return;
        }
        line("");
        line(title + ":");
        line(row("id", "", "received", "of", "per second", "left", "request"));
        uploads.stream()
                .limit(MOST_UPLOADS)
                .forEach(upload -> line(row(
                        Long.toString(upload.id()),
                        bar(upload.bytesReceived(), upload.contentLength()),
                        bytes(upload.bytesReceived()),
                        bytes(upload.contentLength()),
                        bytes(upload.bytesPerSecond()),
                        upload.etaMillis() < 0 ? "?" : time(upload.etaMillis()),
                        request(upload))));
        if (uploads.size() > MOST_UPLOADS) {
            line("  and " + (uploads.size() - MOST_UPLOADS) + " more");
        }
    }

    private static String request(ActiveUpload upload) {
        return upload.method() + " " + known(upload.path()) + " from " + known(upload.remote())
                + (upload.stalledMillis() >= SILENCE_MILLIS ? ", no byte for " + time(upload.stalledMillis()) : "");
    }

    private static String row(
            String id, String bar, String received, String of, String rate, String left, String request) {
        return String.format(
                Locale.ROOT, "  %6s  %-27s %9s %9s %10s %8s  %s", id, bar, received, of, rate, left, request);
    }

    private void prober(DrainStatus.Prober prober) {
        String agent = prober.agent() == null ? "" : " [" + prober.agent() + "]";
        String name = prober.name() == null ? "" : prober.name() + " ";
        line("  " + name + "at " + known(prober.remote()) + agent
                + (prober.seenDown() > 0
                        ? ", was told " + count(prober.seenDown(), "time") + " that the node is not ready"
                        : ""));
    }

    private void report(DrainReport report) {
        line("");
        line("last drain: " + report.outcome() + ", reason: " + report.reason());
        line("  lame duck " + time(report.lameDuckMillis()) + ", then " + time(report.drainMillis()) + "; "
                + report.finished() + " finished, " + report.failed() + " failed, " + report.refused() + " refused");
        uploads("uploads given up", report.abandoned());
        report.abandonedRequests()
                .forEach(request -> line("  given up: " + known(request.method()) + " " + known(request.path())
                        + (request.elapsedMillis() < 0 ? "" : ", after " + time(request.elapsedMillis()))));
        uploads("files that no request continued", report.openUploads().abandoned());
        uploads("files that were cut off", report.openUploads().cut());
    }

    private void line(String line) {
        out.append(line.stripTrailing()).append('\n');
    }

    // ---------------------------------------------------------------- units

    private static String known(@Nullable String text) {
        return text == null ? "?" : text;
    }

    private static String count(long number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    private static String seconds(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** Returns minutes and seconds, and hours where there are any. */
    static String time(long millis) {
        long seconds = (Math.max(0, millis) + 999) / 1_000;
        return seconds < 3_600
                ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }

    /** Returns decimal units, as the network's and the disk's makers count; a question mark for what is not known. */
    static String bytes(long bytes) {
        if (bytes < 0) {
            return "?";
        }
        if (bytes < 1_000) {
            return bytes + " B";
        }
        String[] units = {"kB", "MB", "GB", "TB", "PB", "EB"};
        double value = bytes / 1_000.0;
        int unit = 0;
        while (value >= 999.95 && unit < units.length - 1) {
            value /= 1_000;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }

    /** Returns how much of a known length has come; nothing where that cannot be said. */
    static String bar(long received, long length) {
        if (received < 0 || length <= 0) {
            return "";
        }
        double part = Math.min(1, (double) received / length);
        int full = (int) (part * BAR);
        return "[" + "#".repeat(full) + "-".repeat(BAR - full) + "] " + (int) (part * 100) + "%";
    }
}
