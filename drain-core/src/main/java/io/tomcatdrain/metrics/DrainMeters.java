package io.tomcatdrain.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.jmx.DrainMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** The meters of one drain in one registry. */
final class DrainMeters implements AutoCloseable {
    /*
     * Function counters hold their object weakly; the gauges hold this one strongly and live as long as they do.
     *
     * Behind JMX a drain can be gone when it is read. A gauge is then not a number; a counter stays where it was, since
     * registries that push subtract its last value from the new one and would never recover from NaN. That is so for every Throwable,
     * errors of the JVM included: a registry reads all meters of the application one after the other, and one that throws would take
     * the others along.
     */

    private final MeterRegistry registry;
    private final String name;
    private final DrainMXBean drain;
    private final List<Meter> meters = new ArrayList<>();

    DrainMeters(MeterRegistry registry, String name, DrainMXBean drain) {
        this.registry = registry;
        this.name = name;
        this.drain = drain;
        try {
            register();
        } catch (Throwable fault) {
            closeAfter(fault);
            throw fault;
        }
    }

    private void register() {
        for (DrainState state : DrainState.values()) {
            gauge(
                    "drain.state",
                    "1 for the state that the node is in, 0 for the others",
                    "state",
                    state.name().toLowerCase(Locale.ROOT),
                    view -> view.getState().equals(state.name()) ? 1 : 0);
        }
        String inFlight = "Who is inside";
        gauge("drain.inflight", inFlight, "kind", "upload", DrainMXBean::getInFlightUploads);
        gauge("drain.inflight", inFlight, "kind", "request", DrainMXBean::getInFlightRequests);
        gauge("drain.inflight", inFlight, "kind", "hold", DrainMXBean::getHolds);
        gauge("drain.inflight", inFlight, "kind", "stream", DrainMXBean::getInFlightStreams);
        meters.add(Gauge.builder("drain.uploads.open", this, self -> self.read(DrainMXBean::getOpenUploadCount))
                .strongReference(true)
                .description("Uploads that come in several requests and are not whole")
                .tag("name", name)
                .register(registry));
        String completed = "What has ended: uploads that ended well, requests however they ended";
        count(counter("drain.completed", completed, DrainMXBean::getUploadsCompleted)
                .tag("kind", "upload"));
        count(counter("drain.completed", completed, DrainMXBean::getRequestsCompleted)
                .tag("kind", "request"));
        count(counter(
                        "drain.failed",
                        "Uploads that were aborted or answered with an error",
                        DrainMXBean::getUploadsFailed)
                .tag("kind", "upload"));
        count(counter("drain.refused", "Requests that were refused", DrainMXBean::getRefused));
        count(counter(
                        "drain.upload.bytes",
                        "Body bytes of uploads, those under way included",
                        DrainMXBean::getUploadBytes)
                .baseUnit("bytes"));
        duration("lame_duck", DrainMXBean::getLameDuckMillis);
        duration("draining", view -> view.getDrainingMillis() - view.getLameDuckMillis());
    }

    private void gauge(
            String meter, String description, String tag, String value, ToDoubleFunction<DrainMXBean> reading) {
        meters.add(Gauge.builder(meter, this, self -> self.read(reading))
                .strongReference(true)
                .description(description)
                .tag("name", name)
                .tag(tag, value)
                .register(registry));
    }

    private void duration(String phase, ToDoubleFunction<DrainMXBean> reading) {
        meters.add(TimeGauge.builder("drain.duration", this, TimeUnit.MILLISECONDS, self -> self.read(reading))
                .strongReference(true)
                .description("How long the phase of the drain that runs, or is over, has taken; 0 while serving")
                .tag("name", name)
                .tag("phase", phase)
                .register(registry));
    }

    private double read(ToDoubleFunction<DrainMXBean> reading) {
        try {
            return reading.applyAsDouble(drain);
        } catch (Throwable gone) {
            return Double.NaN;
        }
    }

    private FunctionCounter.Builder<DrainMeters> counter(
            String meter, String description, ToLongFunction<DrainMXBean> reading) {
        AtomicLong highest = new AtomicLong();
        return FunctionCounter.builder(meter, this, self -> self.readUp(reading, highest))
                .description(description)
                .tag("name", name);
    }

    private double readUp(ToLongFunction<DrainMXBean> reading, AtomicLong highest) {
        try {
            return highest.accumulateAndGet(reading.applyAsLong(drain), Math::max);
        } catch (Throwable gone) {
            return highest.get();
        }
    }

    private void count(FunctionCounter.Builder<DrainMeters> counter) {
        meters.add(counter.register(registry));
    }

    /** Takes out what was registered before a fault, which the caller passes on. */
    private void closeAfter(Throwable fault) {
        try {
            close();
        } catch (Throwable another) {
            fault.addSuppressed(another);
        }
    }

    /** Takes every meter out, also behind one that cannot be taken out. */
    @Override
    public void close() {
        Throwable first = null;
        for (Meter meter : meters) {
            try {
                registry.remove(meter);
            } catch (RuntimeException | Error fault) {
                first = first == null ? fault : first;
            }
        }
        if (first != null) {
            throw new IllegalStateException(
                    "a meter of drain [" + name + "] cannot be taken out of its registry", first);
        }
    }
}
