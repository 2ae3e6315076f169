package io.tomcatdrain.overhead;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/** What one form has cost: the rounds of each JVM. */
final class Samples {
    private static final int RESAMPLES = 1_000;

    private final List<List<Costs>> jvms = new ArrayList<>();

    /** One number with the interval that 95 % of the resamples lie in. */
    record Estimate(double low, double middle, double high) {}

    void add(List<Costs> rounds) {
        jvms.add(rounds);
    }

    /** Returns the costs in the middle of everything. */
    Costs middle() {
        return middle(jvms);
    }

    /** Draws JVMs, and rounds of each, again and again with replacement, and looks at what comes out. */
    Estimate estimate(ToDoubleFunction<Costs> number) {
        Random random = new Random(42);
        double[] drawn = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            List<List<Costs>> resample = new ArrayList<>();
            for (List<Costs> jvm : draw(jvms, random)) {
                resample.add(draw(jvm, random));
            }
            drawn[i] = number.applyAsDouble(middle(resample));
        }
        Arrays.sort(drawn);
        int tail = RESAMPLES / 40;
        return new Estimate(drawn[tail], number.applyAsDouble(middle()), drawn[RESAMPLES - 1 - tail]);
    }

    private static <T> List<T> draw(List<T> from, Random random) {
        List<T> drawn = new ArrayList<>(from.size());
        for (int i = 0; i < from.size(); i++) {
            drawn.add(from.get(random.nextInt(from.size())));
        }
        return drawn;
    }

    /** In each JVM the median of the differences to the first server in the same round; of those, the mean over the JVMs. */
    private static Costs middle(List<List<Costs>> jvms) {
        double nanos = meanOfMedians(jvms, round -> round.of(Subject.NO_VALVE).cpuNanos());
        double bytes = meanOfMedians(jvms, round -> round.of(Subject.NO_VALVE).bytes());
        Map<Subject, Cost> middle = new EnumMap<>(Subject.class);
        for (Subject subject : Subject.values()) {
            middle.put(
                    subject,
                    new Cost(
                            nanos + meanOfMedians(jvms, round -> round.addedNanos(subject)),
                            bytes + meanOfMedians(jvms, round -> round.addedBytes(subject))));
        }
        return new Costs(middle);
    }

    private static double meanOfMedians(List<List<Costs>> jvms, ToDoubleFunction<Costs> number) {
        double sum = 0;
        for (List<Costs> rounds : jvms) {
            double[] sorted = rounds.stream().mapToDouble(number).sorted().toArray();
            sum += (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
        }
        return sum / jvms.size();
    }
}
