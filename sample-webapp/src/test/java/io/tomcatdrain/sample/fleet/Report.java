package io.tomcatdrain.sample.fleet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;

/** The figures of all runs, as a table that is printed and kept in {@code target/fleet/report.md}. */
final class Report {
    private static final String HEADING =
            """
            | front end | Tomcat | stops | uploads | lost | GETs | lost | median stop s | last upload to exit, median ms | worst |
            |---|---|---|---|---|---|---|---|---|---|
            """;

    private final List<String> rows = new ArrayList<>();

    void add(String frontEnd, int line, List<RollingRestart.Stopped> stops, Tally tally) {
        rows.add(String.format(
                Locale.ROOT,
                "| %s | %d | %d | %d | %d | %d | %d | %.1f | %d | %d |",
                frontEnd,
                line,
                stops.size(),
                tally.uploads(),
                tally.lostUploads().size(),
                tally.gets(),
                tally.lostGets().size(),
                median(stops, stop -> true, RollingRestart.Stopped::took).toMillis() / 1000.0,
                medianAfterLastUpload(stops).toMillis(),
                worstAfterLastUpload(stops).toMillis()));
    }

    /** From the last upload that a stop waited for to the end of the process. */
    static Duration medianAfterLastUpload(List<RollingRestart.Stopped> stops) {
        return median(stops, stop -> stop.heldUploads() > 0, RollingRestart.Stopped::afterLastUpload);
    }

    void print() {
        var table = HEADING + String.join("\n", rows) + "\n";
        System.out.print(table);
        try {
            Files.writeString(Files.createDirectories(Parts.work()).resolve("report.md"), table);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Duration worstAfterLastUpload(List<RollingRestart.Stopped> stops) {
        return stops.stream()
                .map(RollingRestart.Stopped::afterLastUpload)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    private static Duration median(
            List<RollingRestart.Stopped> stops,
            Predicate<RollingRestart.Stopped> counted,
            Function<RollingRestart.Stopped, Duration> figure) {
        var sorted = stops.stream().filter(counted).map(figure).sorted().toList();
        return sorted.isEmpty() ? Duration.ZERO : sorted.get(sorted.size() / 2);
    }
}
