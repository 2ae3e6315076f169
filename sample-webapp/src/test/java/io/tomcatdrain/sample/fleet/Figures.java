package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Parts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What all restarts under faults gave so far, those of earlier runs included: a line for each in {@code target/fleet/faults.tsv}, their sums as
 * a table in {@code faults.md} beside it, and what was lost in {@code faults-lost.txt}. To begin anew, delete the first.
 */
final class Figures {
    private static final Path LINES = Parts.work().resolve("faults.tsv");
    private static final Path TABLE = Parts.work().resolve("faults.md");
    private static final Path LOSSES = Parts.work().resolve("faults-lost.txt");
    private static final String HEADING = """
            | | restarts | uploads | endangered | **lost** | at 95 % at most | files of several requests | endangered | **lost** | page reads | lost | longest stop s |
            |---|---|---|---|---|---|---|---|---|---|---|---|
            """;

    private Figures() {}

    /**
     * What one restart, or several, gave.
     *
     * @param endangered uploads that were under way on the node that stopped, from its stop to its end, the lost ones among them
     * @param filesEndangered the same of files that come in several requests
     */
    record Sum(
            int restarts,
            int uploads,
            int endangered,
            int lost,
            int files,
            int filesEndangered,
            int filesLost,
            int gets,
            int lostGets,
            long longestStopMillis) {
        static final Sum NOTHING = new Sum(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

        Sum plus(Sum other) {
            return new Sum(
                    restarts + other.restarts,
                    uploads + other.uploads,
                    endangered + other.endangered,
                    lost + other.lost,
                    files + other.files,
                    filesEndangered + other.filesEndangered,
                    filesLost + other.filesLost,
                    gets + other.gets,
                    lostGets + other.lostGets,
                    Math.max(longestStopMillis, other.longestStopMillis));
        }

        private String line() {
            return String.join(
                    "\t",
                    List.of(
                            "" + restarts,
                            "" + uploads,
                            "" + endangered,
                            "" + lost,
                            "" + files,
                            "" + filesEndangered,
                            "" + filesLost,
                            "" + gets,
                            "" + lostGets,
                            "" + longestStopMillis));
        }

        private static Sum of(List<String> fields) {
            var numbers = fields.stream().mapToInt(Integer::parseInt).toArray();
            return new Sum(
                    numbers[0],
                    numbers[1],
                    numbers[2],
                    numbers[3],
                    numbers[4],
                    numbers[5],
                    numbers[6],
                    numbers[7],
                    numbers[8],
                    numbers[9]);
        }

        /** A row of the table. Where none of n was lost, at most 3 of n are at 95 % (the rule of three). */
        private String row() {
            int all = endangered + filesEndangered;
            var bound = lost + filesLost == 0 && all > 0
                    ? String.format(Locale.ROOT, "%.2f %%", 300.0 / all)
                    : all == 0
                            ? ""
                            : String.format(Locale.ROOT, "%d %% were", Math.round(100.0 * (lost + filesLost) / all));
            return String.format(
                    Locale.ROOT,
                    "%d | %,d | %,d | **%d** | %s | %,d | %,d | **%d** | %,d | %d | %.1f |",
                    restarts,
                    uploads,
                    endangered,
                    lost,
                    bound,
                    files,
                    filesEndangered,
                    filesLost,
                    gets,
                    lostGets,
                    longestStopMillis / 1000.0);
        }
    }

    /** What a row has so far. */
    static synchronized Sum of(String row) {
        return all().getOrDefault(row, Sum.NOTHING);
    }

    /** Adds to a row. */
    static synchronized void add(String row, Sum more) {
        try {
            Files.createDirectories(Parts.work());
            Files.writeString(
                    LINES, row + "\t" + more.line() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            Files.writeString(TABLE, table());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Keeps what was lost, beside the figures. */
    static synchronized void tellLosses(String row, List<String> losses) {
        if (losses.isEmpty()) {
            return;
        }
        try {
            Files.writeString(
                    LOSSES,
                    losses.stream().map(loss -> row + ": " + loss + "\n").collect(Collectors.joining()),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static synchronized String table() {
        var table = new StringBuilder(HEADING);
        all().forEach((row, sum) ->
                table.append("| ").append(row).append(" | ").append(sum.row()).append('\n'));
        return table.toString();
    }

    private static Map<String, Sum> all() {
        var sums = new LinkedHashMap<String, Sum>();
        try {
            if (Files.exists(LINES)) {
                for (var line : Files.readAllLines(LINES)) {
                    var fields = Arrays.asList(line.split("\t"));
                    sums.merge(fields.get(0), Sum.of(fields.subList(1, fields.size())), Sum::plus);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sums;
    }
}
