package io.tomcatdrain.boot;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tomcatdrain.Drain;
import io.tomcatdrain.metrics.DrainMetrics;
import io.tomcatdrain.valve.DrainValve;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Binds the drain's meters once the web server is there. Thread-safe. */
final class DrainMeterBinder implements MeterBinder, AutoCloseable {
    private final DrainValve valve;
    private final List<DrainMetrics> bound = new CopyOnWriteArrayList<>();

    DrainMeterBinder(DrainValve valve) {
        this.valve = valve;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Drain drain = valve.drain();
        if (drain != null) {
            DrainMetrics metrics = new DrainMetrics(drain);
            metrics.bindTo(registry);
            bound.add(metrics);
        }
    }

    @Override
    public void close() {
        bound.forEach(DrainMetrics::close);
        bound.clear();
    }
}
