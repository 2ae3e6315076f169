package io.tomcatdrain.sample;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The {@code console} blocks of a document: commands behind a {@code $}, and below each what it prints. A line that begins with a space
 * goes on with the line before, so that JSON can be read.
 */
final class Transcript {
    private static final String FENCE = "```";
    private static final String PROMPT = "$ ";
    private static final int WIDTH = 99;

    /** What is another on each run: times, how far an upload is, and when a refused client may come again. */
    private static final Pattern VOLATILE = Pattern.compile("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z|(?<=Date: ).*"
            + "|(?<=Retry-After: |again in )\\d+"
            + "|(?<=\"(?:elapsedMillis|bytesReceived|contentLength|bytesPerSecond|etaMillis|stalledMillis|remainingMillis"
            + "|drainingMillis|lameDuckMillis|drainMillis|uploadBytes)\":)-?\\d+"
            + "|\\[[#-]+] \\d+%|\\d+:\\d\\d|\\d+(?:\\.\\d)? [kM]?B\\b");

    /** What a table for people says on some runs only. Its columns are as wide as their numbers are long. */
    private static final Pattern OPTIONAL =
            Pattern.compile(", \\d+:\\d\\d of it as lame duck|, no byte for \\d+:\\d\\d|(?<= ) +");

    private final Path file;
    private final List<String> lines;
    private final List<Step> steps = new ArrayList<>();

    /** A command, what the document says that it prints, and from which to which line it does. */
    record Step(String command, String output, int from, int to) {}

    /** Runs a command and returns what it has printed to its standard output. */
    @FunctionalInterface
    interface Shell {
        String run(String command) throws Exception;
    }

    Transcript(Path file) throws IOException {
        this.file = file;
        this.lines = Files.readAllLines(file);
        boolean inside = false;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.startsWith(FENCE)) {
                inside = line.equals(FENCE + "console");
            } else if (inside && line.startsWith(PROMPT)) {
                int end = i + 1;
                while (!lines.get(end).startsWith(FENCE) && !lines.get(end).startsWith(PROMPT)) {
                    end++;
                }
                steps.add(new Step(
                        line.substring(PROMPT.length()),
                        unwrapped(String.join("\n", lines.subList(i + 1, end))),
                        i + 1,
                        end));
            }
        }
    }

    List<Step> steps() {
        return steps;
    }

    /** Returns an output without what depends on the run. */
    static String steady(String output) {
        String always = OPTIONAL.matcher(unwrapped(output)).replaceAll("");
        return VOLATILE.matcher(always).replaceAll("#").strip();
    }

    /** Replaces what the document says that the commands print, where more than what depends on the run is another. */
    void rewrite(List<String> outputs) throws IOException {
        for (int i = steps.size() - 1; i >= 0; i--) {
            Step step = steps.get(i);
            if (!steady(outputs.get(i)).equals(steady(step.output()))) {
                List<String> printed = lines.subList(step.from(), step.to());
                printed.clear();
                printed.addAll(wrapped(outputs.get(i)));
            }
        }
        Files.write(file, lines, StandardCharsets.UTF_8);
    }

    private static String unwrapped(String text) {
        return text.replaceAll("\n +", "");
    }

    private static List<String> wrapped(String output) {
        List<String> wrapped = new ArrayList<>();
        for (String line : output.strip().split("\n")) {
            String rest = line;
            int comma = rest.lastIndexOf(",\"", WIDTH);
            while (rest.length() > WIDTH && comma > 0) {
                wrapped.add(rest.substring(0, comma + 1));
                rest = " " + rest.substring(comma + 1);
                comma = rest.lastIndexOf(",\"", WIDTH);
            }
            wrapped.add(rest);
        }
        return wrapped;
    }
}
