package io.tomcatdrain.testkit.fleet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The figures of all runs, as a table that is printed, and kept with every stop in {@code target/fleet/report.md}. Thread-safe. */
public final class Report {
    private static final String HEADING = """
            | front end | Tomcat | stops | uploads | lost | GETs | lost | slowest GET ms | median stop s | of these lame duck s | median beyond the slowest upload s | last upload to exit: median ms | worst ms |
            |---|---|---|---|---|---|---|---|---|---|---|---|---|
            """;

    private final List<String> rows = new ArrayList<>();
    private final List<String> stops = new ArrayList<>();

    public synchronized void add(String frontEnd, int line, RollingRestart restart) {
        var tally = restart.tally();
        rows.add(String.format(
                Locale.ROOT,
                "| %s | %d | %d | %d | %d | %d | %d | %d | %.1f | %.1f | %.1f | %d | %d |",
                frontEnd,
                line,
                restart.stops().size(),
                tally.uploads(),
                tally.lostUploads().size(),
                tally.gets(),
                tally.lostGets().size(),
                tally.slowestGet().toMillis(),
                restart.medianStop().toMillis() / 1000.0,
                restart.medianLameDuck().toMillis() / 1000.0,
                restart.medianBeyondSlowestUpload().toMillis() / 1000.0,
                restart.medianAfterLastUpload().toMillis(),
                restart.worstAfterLastUpload().toMillis()));
        restart.stops().forEach(stop -> stops.add("- " + frontEnd + ", Tomcat " + line + ": " + stop));
        write();
    }

    public synchronized void skip(String frontEnd, String reason) {
        rows.add("| " + frontEnd + " | skipped: " + reason + " |");
    }

    public synchronized void print() {
        System.out.print(table());
    }

    private String table() {
        return HEADING + String.join("\n", rows) + "\n";
    }

    private void write() {
        try {
            Files.writeString(
                    Files.createDirectories(Parts.work()).resolve("report.md"),
                    table() + "\n" + String.join("\n", stops) + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
