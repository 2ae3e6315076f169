package io.tomcatdrain.valve;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainReport;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Repeats on the process's standard error which uploads were given up, where the log may be closed before a stop can say it.
 *
 * <p>When a JVM shuts down, the JDK's log manager, Log4j and others close their logs by JVM hooks of their own, at the same time as
 * another hook stops Tomcat. Only Tomcat's own log manager, where Tomcat's launcher stops the server, waits.
 */
final class LastWord {
    private static final int NAMED = 20;

    private LastWord() {}

    /**
     * Says it where something was given up, the JVM shuts down, and the log does not wait for the stop. Never throws. The texts are clean:
     * they come from a report.
     */
    static void say(String drain, @Nullable DrainReport report) {
        if (report != null
                && report.outcome() == DrainReport.Outcome.EXPIRED
                && isShuttingDown()
                && !JuliShutdown.isLogKept()) {
            write("drain[" + drain + "] EXPIRED while the process ends; uploads given up: " + named(report.abandoned())
                    + "\n");
        }
    }

    private static boolean isShuttingDown() {
        try {
            Runtime.getRuntime().removeShutdownHook(new Thread("never a hook"));
            return false;
        } catch (IllegalStateException shuttingDown) {
            return true;
        }
    }

    private static String named(List<ActiveUpload> uploads) {
        String named = uploads.stream()
                .limit(NAMED)
                .map(upload -> "#" + upload.id() + " " + upload.method() + " " + upload.path() + " from "
                        + upload.remote() + ", " + upload.bytesReceived() + " of " + upload.contentLength()
                        + " bytes")
                .collect(Collectors.joining("; ", "[", "]"));
        return uploads.size() > NAMED ? named + " and " + (uploads.size() - NAMED) + " more" : named;
    }

    /** Not by System.out or System.err, which Tomcat or a log framework may have led into the log. */
    private static void write(String line) {
        try {
            // Not closed: the descriptor is the process's.
            new FileOutputStream(FileDescriptor.err).write(line.getBytes(StandardCharsets.UTF_8));
        } catch (IOException closed) {
            // There is nowhere left to say it.
        }
    }
}
