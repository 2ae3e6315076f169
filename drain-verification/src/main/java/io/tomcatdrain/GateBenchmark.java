package io.tomcatdrain;

import io.micrometer.core.instrument.LongTaskTimer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to count one request in and out while the node serves: ours beside what others do for the same purpose. All threads
 * share one gate, and do nothing else, which no server does: the figures at several threads are those of the worst case.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class GateBenchmark {
    private final InFlightGate gate =
            new InFlightGate(InFlightGate.stripesFor(Runtime.getRuntime().availableProcessors()), () -> {});
    private final NodeDrain drain = new NodeDrain("benchmark", DrainSettings.defaults());
    private final AtomicLong counter = new AtomicLong();
    private final LongTaskTimer timer = LongTaskTimer.builder("requests").register(new SimpleMeterRegistry());

    /** The gate alone. */
    @Benchmark
    public boolean gate() {
        boolean inside = gate.enter();
        gate.exit();
        return inside;
    }

    /** The gate with all that a plain request gets: {@link NodeDrain#enterRequest}, and a ticket whose end is counted. */
    @Benchmark
    public boolean ticket() {
        Ticket ticket = drain.enterRequest();
        if (ticket == null) {
            return false;
        }
        ticket.close();
        return true;
    }

    /** The least that a counter costs which all threads share; it cannot refuse a request. */
    @Benchmark
    public long atomicLong() {
        counter.getAndIncrement();
        return counter.getAndDecrement();
    }

    /** Undertow's {@code GracefulShutdownHandler}: see {@link UndertowRequest}. */
    @Benchmark
    public Object undertow(UndertowRequest request) throws Exception {
        return request.pass();
    }

    /** Jetty's {@code GracefulHandler}: see {@link JettyRequest}. */
    @Benchmark
    public boolean jetty(JettyRequest request) throws Exception {
        return request.pass();
    }

    /** Micrometer's timer of tasks under way, which knows how many there are. */
    @Benchmark
    public long longTaskTimer() {
        return timer.start().stop();
    }
}
