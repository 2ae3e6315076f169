package io.tomcatdrain.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What {@link ParsersTest} does in a moment, for long, and with texts that Jazzer makes from what it has seen of the code: run by
 * {@code -Pfuzz} only, as CONTRIBUTING.md tells.
 */
class LongFuzz {
    private static final int LONGEST_TEXT = 2_048;
    private static final int SHORT = 2_000;
    private static final int TIMES = 10;

    /** Work that grows with the square of the text would be a hundred times as much. */
    private static final int MOST_TIMES_WORK = 40;

    private static final long NOISE_NANOS = 3_000_000;

    static List<Parser> parsers() {
        return Parsers.all();
    }

    @Test
    void millionsOfTextsAreReadOrRefused() throws Exception {
        Path target = Path.of("").toAbsolutePath();
        Path corpus = Files.createDirectories(target.resolve("fuzz"));
        for (int parser = 0; parser < Parsers.all().size(); parser++) {
            List<String> seeds = Parsers.all().get(parser).seeds();
            for (int seed = 0; seed < seeds.size(); seed++) {
                Files.write(corpus.resolve(parser + "-" + seed), Parsers.asInput(parser, seeds.get(seed)));
            }
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + Parsers.class.getName(),
                "--instrumentation_includes=io.tomcatdrain.**",
                "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.*",
                "-runs=" + Long.getLong("fuzz.inputs", 10_000_000),
                "-max_len=" + LONGEST_TEXT,
                "-print_final_stats=1",
                "-reduce_inputs=0",
                corpus.toString()));
        Path log = target.resolve("fuzz.log");

        int exit = new ProcessBuilder(command)
                .directory(target.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start()
                .waitFor();

        assertThat(exit).as("see " + log).isZero();
        try (Stream<String> lines = Files.lines(log)) {
            lines.filter(line -> line.startsWith("stat::")).forEach(System.out::println);
        }
    }

    /** A text ten times as long costs about ten times as much, whatever it repeats. */
    @ParameterizedTest
    @MethodSource("parsers")
    void workGrowsNoFasterThanTheText(Parser parser) {
        for (String seed : parser.seeds()) {
            for (int from = 0; from < seed.length(); from++) {
                for (int length : new int[] {1, 2, seed.length() - from}) {
                    String unit = seed.substring(from, Math.min(seed.length(), from + length));
                    String head = seed.substring(0, from);
                    requireLinear(parser, head, unit);
                }
            }
        }
    }

    private static void requireLinear(Parser parser, String head, String unit) {
        String once = head + unit.repeat(Math.max(1, SHORT / unit.length()));
        String tenTimes = head + unit.repeat(Math.max(1, SHORT * TIMES / unit.length()));
        long most = 0;
        long least = 0;
        for (int attempt = 0; attempt < 4; attempt++) { // once more before it is believed
            least = nanos(parser, once);
            most = nanos(parser, tenTimes);
            if (most <= MOST_TIMES_WORK * least + NOISE_NANOS) {
                return;
            }
        }
        throw new AssertionError(parser + " takes " + least / 1_000 + " us for " + SHORT + " characters of [" + head
                + "](" + unit + ")*, and " + most / 1_000 + " us for ten times as many");
    }

    private static long nanos(Parser parser, String text) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            long began = System.nanoTime();
            parser.check().accept(text);
            least = Math.min(least, System.nanoTime() - began);
        }
        return least;
    }
}
