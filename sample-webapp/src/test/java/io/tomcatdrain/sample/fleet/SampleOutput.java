package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The output of a command that a document shows below the comment {@code <!-- printed by NAME -->}. Figures and lost requests are others in
 * each run; the words must be the same. {@code -Dtranscripts=write} lets the document show this run's.
 */
final class SampleOutput {
    private static final boolean WRITE = "write".equals(System.getProperty("transcripts"));

    /** How many lost requests a document shows. */
    private static final int LOST = 2;

    /** What a user saw, and who asks a node: others in each run. */
    private static final Pattern ENDS =
            Pattern.compile(" *\\d+, slowest .*|; (?:nobody asks|asked whether it is ready).*");

    private static final Pattern FIGURES = Pattern.compile("(?: x)? ?\\d+(?:\\.\\d+)*");

    private SampleOutput() {}

    /** Compares what was printed with what the document shows, or lets the document show it. */
    static void isIn(Path document, String name, String printed) throws IOException {
        List<String> lines = new ArrayList<>(Files.readAllLines(document));
        int from = lines.indexOf("<!-- printed by " + name + " -->") + 2;
        assertThat(from).as(name + " in " + document).isGreaterThan(1);
        List<String> shown =
                lines.subList(from, from + lines.subList(from, lines.size()).indexOf("```"));
        if (WRITE) {
            shown.clear();
            shown.addAll(shortened(printed));
            Files.write(document, lines);
            return;
        }
        assertThat(words(String.join("\n", shown)))
                .as("%s shows something else; -Dtranscripts=write rewrites it", document)
                .isEqualTo(words(printed));
    }

    private static boolean isLost(String line) {
        return line.startsWith("  lost: ");
    }

    private static List<String> shortened(String printed) {
        List<String> lines = new ArrayList<>();
        int lost = 0;
        for (String line : printed.lines().toList()) {
            lost += isLost(line) ? 1 : 0;
            if (!isLost(line) || lost <= LOST) {
                lines.add(line);
            }
        }
        return lines;
    }

    private static String words(String output) {
        return String.join(
                "\n",
                output.lines()
                        .filter(line -> !isLost(line))
                        .map(line -> ENDS.matcher(line).replaceAll(""))
                        .map(line -> FIGURES.matcher(line).replaceAll(""))
                        .toList());
    }
}
