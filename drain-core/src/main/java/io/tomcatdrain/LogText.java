package io.tomcatdrain;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Words of the log; what came from outside is made safe to stand in a line. */
final class LogText {
    private static final int NAMED = 20;

    private LogText() {}

    /** Returns the text with every control character replaced, so that it cannot begin a line of its own. */
    static String clean(@Nullable String text) {
        if (text == null) {
            return "?";
        }
        StringBuilder cleaned = new StringBuilder(text.length());
        text.codePoints()
                .forEach(character -> cleaned.appendCodePoint(Character.isISOControl(character) ? '?' : character));
        return cleaned.toString();
    }

    /** Returns a time in seconds with one decimal. */
    static String seconds(long nanos) {
        long tenths = TimeUnit.NANOSECONDS.toMillis(nanos) / 100;
        return tenths / 10 + "." + tenths % 10 + " s";
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
                    .append(clean(upload.path()))
                    .append(" from ")
                    .append(clean(upload.remote()))
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
