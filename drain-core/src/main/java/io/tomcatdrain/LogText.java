package io.tomcatdrain;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Texts of log lines; what a client or an application gave is made safe to stand in a line. */
final class LogText {
    private static final int NAMED = 20;
    private static final int LONGEST = 200;
    private static final char CUT = '…';

    private LogText() {}

    /**
     * Returns the text as it may stand in a line of the log: with every control character replaced, so that it cannot begin a line of
     * its own, and cut where it is longer than a line can bear.
     *
     * @param text what came from outside; null is shown as a question mark
     */
    static String bounded(@Nullable String text) {
        String bounded = boundedOrNull(text);
        return bounded == null ? "?" : bounded;
    }

    /** Returns the same; null for null. */
    static @Nullable String boundedOrNull(@Nullable String text) {
        if (text == null) {
            return null;
        }
        boolean cut = text.length() > LONGEST;
        int end = cut ? LONGEST - 1 : text.length();
        if (cut && Character.isHighSurrogate(text.charAt(end - 1))) {
            end--; // half a character is none
        }
        for (int i = 0; i < end; i++) {
            if (breaksLines(text.charAt(i))) {
                return cleaned(text, end, cut);
            }
        }
        return cut ? text.substring(0, end) + CUT : text;
    }

    private static String cleaned(String text, int end, boolean cut) {
        StringBuilder cleaned = new StringBuilder(end + 1);
        for (int i = 0; i < end; i++) {
            char character = text.charAt(i);
            cleaned.append(breaksLines(character) ? '?' : character);
        }
        return cut ? cleaned.append(CUT).toString() : cleaned.toString();
    }

    /** Unicode's own line and paragraph separators end a line for some readers of a log, too. */
    private static boolean breaksLines(char character) {
        return Character.isISOControl(character) || character == '\u2028' || character == '\u2029';
    }

    /** Returns a time in seconds with one decimal. */
    static String seconds(long nanos) {
        long tenths = TimeUnit.NANOSECONDS.toMillis(nanos) / 100;
        return tenths / 10 + "." + tenths % 10 + " s";
    }

    /** Returns a number with its noun, whose plural has an s. */
    static String count(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    /** Returns the numbers of a report. */
    static String numbers(DrainReport report) {
        return "finished=" + report.finished() + ", failed=" + report.failed() + ", refused=" + report.refused();
    }

    /** Names what was given up. */
    static String givenUp(DrainReport report) {
        String uploads = "uploads given up: " + named(report.abandoned());
        return report.abandonedRequests().isEmpty()
                ? uploads
                : uploads + "; requests given up: " + namedRequests(report.abandonedRequests());
    }

    /** Names requests that are no uploads, the first ones. */
    static String namedRequests(List<DrainReport.AbandonedRequest> requests) {
        StringBuilder text = new StringBuilder("[");
        for (DrainReport.AbandonedRequest request : requests.subList(0, Math.min(NAMED, requests.size()))) {
            text.append(text.length() == 1 ? "" : "; ")
                    .append(bounded(request.method()))
                    .append(' ')
                    .append(bounded(request.path()));
            if (request.elapsedMillis() >= 0) {
                text.append(" since ").append(request.elapsedMillis()).append(" ms");
            }
        }
        if (requests.size() > NAMED) {
            text.append("; and ").append(requests.size() - NAMED).append(" more");
        }
        return text.append(']').toString();
    }

    /** Names uploads, the first ones at length. */
    static String named(List<ActiveUpload> uploads) {
        StringBuilder text = new StringBuilder("[");
        for (ActiveUpload upload : uploads.subList(0, Math.min(NAMED, uploads.size()))) {
            text.append(text.length() == 1 ? "" : "; ")
                    .append('#')
                    .append(upload.id())
                    .append(' ')
                    .append(upload.method())
                    .append(' ')
                    .append(bounded(upload.path()))
                    .append(" from ")
                    .append(bounded(upload.remote()))
                    .append(", ")
                    .append(upload.bytesReceived())
                    .append(" of ")
                    .append(upload.contentLength())
                    .append(" bytes in ")
                    .append(upload.elapsedMillis())
                    .append(" ms");
        }
        if (uploads.size() > NAMED) {
            text.append("; and ").append(uploads.size() - NAMED).append(" more");
        }
        return text.append(']').toString();
    }
}
