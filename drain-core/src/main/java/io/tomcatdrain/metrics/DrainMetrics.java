package io.tomcatdrain.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tomcatdrain.Drain;
import io.tomcatdrain.jmx.DrainRegistration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Binds the numbers of a drain to a Micrometer registry. The meters are views: they read the drain when the registry asks, and a request
 * does no work for them. Thread-safe.
 *
 * <p>An application whose drain comes from a valve in Tomcat's {@code lib/} shares no class with it and uses {@link #ofNode()}:
 *
 * <pre>{@code
 * DrainMetrics metrics = DrainMetrics.ofNode();
 * metrics.bindTo(registry);
 * // when the application stops
 * metrics.close();
 * }</pre>
 *
 * @since 1.0
 */
public final class DrainMetrics implements MeterBinder, AutoCloseable {
    private final Function<MeterRegistry, AutoCloseable> binding;

    /** What was bound and is not closed yet, guarded by itself. */
    private final List<AutoCloseable> bound = new ArrayList<>();

    /** Makes a binder for one drain. The registry keeps that drain reachable until the binder is closed. */
    public DrainMetrics(Drain drain) {
        this(registry -> new DrainMeters(registry, drain.name(), DrainRegistration.view(drain)));
    }

    private DrainMetrics(Function<MeterRegistry, AutoCloseable> binding) {
        this.binding = binding;
    }

    /**
     * Returns a binder for all drains that JMX shows in this process, now and later, whatever class loader they come from. The meters
     * of one that goes away go with it. To be closed before the caller's class loader is given up.
     */
    public static DrainMetrics ofNode() {
        return new DrainMetrics(JmxDrainMeters::new);
    }

    /** Binds the meters; where the registry fails half-way, what it throws is passed on and none of them stays. */
    @Override
    public void bindTo(MeterRegistry registry) {
        synchronized (bound) {
            bound.add(binding.apply(registry));
        }
    }

    /** Takes the meters out of every registry they were bound to. */
    @Override
    public void close() {
        List<AutoCloseable> closing;
        synchronized (bound) {
            closing = List.copyOf(bound);
            bound.clear();
        }
        Throwable first = null;
        for (AutoCloseable one : closing) {
            try {
                one.close();
            } catch (Exception | Error fault) {
                first = first == null ? fault : first;
            }
        }
        if (first != null) {
            throw new IllegalStateException("not all meters can be taken out of their registries", first);
        }
    }
}
