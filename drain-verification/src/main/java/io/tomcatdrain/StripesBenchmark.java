package io.tomcatdrain;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.ThreadParams;

/** What the words of the gate are good for: how its cost depends on the numbers that threads happen to have, and on their number. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class StripesBenchmark {

    /** Which numbers the threads of a benchmark have. */
    public enum Numbers {
        /** As those of a pool that was filled at once. */
        CONSECUTIVE(1, false),
        /** As those of threads that were each made together with 63 others. */
        EVERY_64TH(64, false),
        /** As those of virtual threads, each of which serves one request. */
        NEW_EACH_TIME(1, true);

        private final int apart;
        private final boolean newEachTime;

        Numbers(int apart, boolean newEachTime) {
            this.apart = apart;
            this.newEachTime = newEachTime;
        }
    }

    @Param({"1", "4", "64"})
    private int stripes = 1;

    @Param
    private Numbers numbers = Numbers.CONSECUTIVE;

    private InFlightGate gate = new InFlightGate(1, () -> {});

    @Setup
    public void make() {
        gate = new InFlightGate(stripes, () -> {});
    }

    /** A thread with the number that the benchmark gives it. */
    @State(Scope.Thread)
    public static class Numbered {
        private long number;
        private long step;

        @Setup
        public void number(StripesBenchmark benchmark, ThreadParams threads) {
            number = (long) threads.getThreadIndex() * benchmark.numbers.apart;
            step = benchmark.numbers.newEachTime ? 2L * threads.getThreadIndex() + 1 : 0; // each at its own pace
        }
    }

    @Benchmark
    public boolean gate(Numbered thread) {
        long number = thread.number += thread.step;
        boolean inside = gate.enterAs(number);
        gate.exitAs(number);
        return inside;
    }
}
