package io.tomcatdrain.overhead;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Measures what the drain valve costs a request beside a server without it, and beside two of Tomcat's own valves.
 *
 * <p>Each of several JVMs runs one server of each kind and drives them in turn, in an order that is drawn anew for each round; so the
 * machine's moods hit all alike. What is counted is the processor time and the allocation of the server's threads, not time on the
 * wall. Within a JVM a server keeps its advantage or disadvantage of some tens of nanoseconds over an equal one, by how it was compiled
 * and where its objects lie; so what makes the result exact are many JVMs.
 */
public final class Overhead {
    private Overhead() {}

    /** Runs the comparison; the first argument says in how many JVMs, 12 without one, the others which forms, all without one. */
    public static void main(String[] arguments) throws Exception {
        int jvms = arguments.length == 0 ? 12 : Integer.parseInt(arguments[0]);
        List<String> names = arguments.length < 2
                ? Stream.of(Form.values()).map(Form::name).toList()
                : List.of(arguments).subList(1, arguments.length);
        Map<Form, Samples> all = new EnumMap<>(Form.class);
        for (int i = 0; i < jvms; i++) {
            collect(i, names, all);
        }
        System.out.printf(
                Locale.ROOT,
                "%d JVMs, %s %s, %d processors; intervals hold 95 %% of the resamples%n",
                jvms,
                System.getProperty("java.vm.name"),
                System.getProperty("java.version"),
                Runtime.getRuntime().availableProcessors());
        all.forEach((form, samples) -> print(System.out, form, samples));
    }

    private static void collect(int seed, List<String> forms, Map<Form, Samples> all)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms1g",
                "-Xmx1g",
                "-cp",
                System.getProperty("java.class.path"),
                OneJvm.class.getName(),
                Integer.toString(seed)));
        command.addAll(forms);
        Process jvm =
                new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
        Map<Form, Map<Integer, Costs>> rounds = new EnumMap<>(Form.class);
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(jvm.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                rounds.computeIfAbsent(Form.valueOf(words[0]), form -> new TreeMap<>())
                        .computeIfAbsent(Integer.valueOf(words[1]), round -> new Costs(new EnumMap<>(Subject.class)))
                        .bySubject()
                        .put(
                                Subject.valueOf(words[2]),
                                new Cost(Double.parseDouble(words[3]), Double.parseDouble(words[4])));
            }
        }
        if (jvm.waitFor() != 0) {
            throw new IOException("a measuring JVM ended with " + jvm.exitValue());
        }
        rounds.forEach((form, byNumber) ->
                all.computeIfAbsent(form, first -> new Samples()).add(List.copyOf(byNumber.values())));
    }

    private static void print(PrintStream out, Form form, Samples samples) {
        Costs middle = samples.middle();
        Cost base = middle.of(Subject.NO_VALVE);
        out.printf(
                Locale.ROOT,
                "%n%s: without a valve %.2f us of CPU, %.0f bytes a request%n",
                form,
                base.cpuNanos() / 1000,
                base.bytes());
        for (Subject subject : Subject.values()) {
            if (subject != Subject.NO_VALVE) {
                Samples.Estimate ratio = samples.estimate(drawn -> drawn.ratio(subject));
                Samples.Estimate added = samples.estimate(drawn -> drawn.addedNanos(subject));
                out.printf(
                        Locale.ROOT,
                        "  %-28s CPU x %.4f [%.4f, %.4f], %+6.0f ns [%.0f, %.0f], %+.0f bytes%n",
                        subject,
                        ratio.middle(),
                        ratio.low(),
                        ratio.high(),
                        added.middle(),
                        added.low(),
                        added.high(),
                        middle.addedBytes(subject));
            }
        }
        for (Subject comparison : List.of(Subject.STUCK_THREAD_DETECTION_VALVE, Subject.ACCESS_LOG_VALVE)) {
            Samples.Estimate share = samples.estimate(drawn -> drawn.share(comparison));
            out.printf(
                    Locale.ROOT,
                    "  the drain valve adds %.2f [%.2f, %.2f] of what %s adds%n",
                    share.middle(),
                    share.low(),
                    share.high(),
                    comparison);
        }
    }
}
