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

/** What an upload costs beyond a plain request, while others are under way. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class RegistryBenchmark {
    @Param({"0", "10000"})
    private int underWay;

    private final NodeDrain drain = new NodeDrain("benchmark", DrainSettings.defaults());

    @Setup
    public void fill() {
        for (int i = 0; i < underWay; i++) {
            drain.enterUpload(SteadyUpload.INSTANCE);
        }
    }

    /** Admits an upload, registers it, takes it out again and counts it. */
    @Benchmark
    public boolean upload() {
        Ticket ticket = drain.enterUpload(SteadyUpload.INSTANCE);
        if (ticket == null) {
            return false;
        }
        ticket.close();
        return true;
    }
}
