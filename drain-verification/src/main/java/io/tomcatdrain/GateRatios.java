package io.tomcatdrain;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs {@link GateBenchmark} with several numbers of threads and prints one table, with everything as a multiple of {@code atomicLong}. */
public final class GateRatios {
    private static final List<Integer> THREADS = List.of(1, 2, 4, 8);

    private GateRatios() {}

    public static void main(String[] args) throws RunnerException {
        StringBuilder table =
                new StringBuilder("| counted by | threads | ns | of atomicLong | bytes |\n|---|---|---|---|---|\n");
        for (int threads : THREADS) {
            Options options = new OptionsBuilder()
                    .include("\\b" + GateBenchmark.class.getSimpleName() + "\\b")
                    .threads(threads)
                    .addProfiler(GCProfiler.class)
                    .build();
            Map<String, RunResult> results = new TreeMap<>();
            for (RunResult result : new Runner(options).run()) {
                results.put(result.getPrimaryResult().getLabel(), result);
            }
            double unit = nanos(named("atomicLong", results));
            results.forEach((name, result) -> table.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f ± %.1f | %.2f | %.0f |%n",
                    name,
                    threads,
                    nanos(result),
                    result.getPrimaryResult().getScoreError(),
                    nanos(result) / unit,
                    named("gc.alloc.rate.norm", result.getSecondaryResults()).getScore())));
        }
        System.out.println(table);
    }

    private static <T> T named(String name, Map<String, ? extends T> all) {
        return Objects.requireNonNull(all.get(name), name);
    }

    private static double nanos(RunResult result) {
        return result.getPrimaryResult().getScore();
    }
}
