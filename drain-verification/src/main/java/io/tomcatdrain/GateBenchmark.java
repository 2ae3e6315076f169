package io.tomcatdrain;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What it costs to count one request in and out. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GateBenchmark {
    private final InFlightGate gate = new InFlightGate(() -> {});
    private final AtomicLong counter = new AtomicLong();

    /** The gate alone. */
    @Benchmark
    public boolean gate() {
        boolean inside = gate.enter();
        gate.exit();
        return inside;
    }

    /** The least that any exact counter costs that all threads share. */
    @Benchmark
    public long atomicLong() {
        counter.getAndIncrement();
        return counter.getAndDecrement();
    }
}
