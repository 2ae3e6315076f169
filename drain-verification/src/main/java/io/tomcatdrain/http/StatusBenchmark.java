package io.tomcatdrain.http;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.SteadyUpload;
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

/** What it costs to look at a node with many uploads under way. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class StatusBenchmark {
    @Param({"0", "100", "1000", "10000"})
    private int underWay;

    private final NodeDrain drain = new NodeDrain("benchmark", DrainSettings.defaults());

    @Setup
    public void fill() {
        for (int i = 0; i < underWay; i++) {
            drain.enterUpload(SteadyUpload.INSTANCE);
        }
    }

    /** Numbers only, as JMX attributes and metrics read them. */
    @Benchmark
    public DrainStatus summary() {
        return drain.summary();
    }

    /** With every upload. */
    @Benchmark
    public DrainStatus status() {
        return drain.status();
    }

    /** The same as the bytes that {@code GET /drain} answers. */
    @Benchmark
    public byte[] statusAsJson() {
        return StatusJson.utf8(StatusJson.of(drain.status()));
    }
}
