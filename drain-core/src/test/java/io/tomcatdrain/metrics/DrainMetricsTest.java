package io.tomcatdrain.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.simple.CountingMode;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.jmx.DrainRegistration;
import io.tomcatdrain.jmx.FixedUpload;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try") // what is opened in a try need not be named in it
class DrainMetricsTest {
    private final NodeDrain drain = new NodeDrain("node", DrainSettings.of(Map.of("lameDuck", "off")));
    private final MeterRegistry registry = new SimpleMeterRegistry();

    @AfterEach
    void end() {
        drain.close();
        registry.close();
    }

    /** The value of every meter, by its name and tags. */
    private static Map<String, Double> values(MeterRegistry registry) {
        Map<String, Double> values = new TreeMap<>();
        for (Meter meter : registry.getMeters()) {
            String tags = meter.getId().getTags().stream()
                    .map(tag -> tag.getKey() + "=" + tag.getValue())
                    .collect(Collectors.joining(",", "{", "}"));
            meter.measure().forEach(measurement -> values.put(meter.getId().getName() + tags, measurement.getValue()));
        }
        return values;
    }

    private double value(String meter) {
        assertThat(values(registry)).containsKey(meter);
        return values(registry).get(meter);
    }

    private DrainMetrics bind(boolean throughJmx) {
        DrainMetrics metrics = throughJmx ? DrainMetrics.ofNode() : new DrainMetrics(drain);
        metrics.bindTo(registry);
        return metrics;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void showsEveryNumberOfTheStatus(boolean throughJmx) {
        try (var registration = DrainRegistration.register(drain);
                var metrics = bind(throughJmx)) {
            var upload = drain.enterUpload(new FixedUpload("/upload", 25, 100));
            drain.enterUpload(new FixedUpload("/upload", 40, 40)).close();
            drain.enterUpload(new FixedUpload("/upload", 7, 40)).close(true);
            drain.enterRequest().close();
            drain.enterRequest().close();
            var request = drain.enterRequest();
            var hold = drain.hold("import");
            drain.start("upgrade");
            assertThat(drain.enterRequest()).isNull();

            Map<String, Double> values = values(registry);
            for (String phase : List.of("lame_duck", "draining")) {
                assertThat(values.remove("drain.duration{name=node,phase=" + phase + "}"))
                        .isBetween(0.0, 60.0);
            }
            assertThat(values)
                    .containsExactlyInAnyOrderEntriesOf(Map.ofEntries(
                            Map.entry("drain.state{name=node,state=serving}", 0.0),
                            Map.entry("drain.state{name=node,state=lame_duck}", 0.0),
                            Map.entry("drain.state{name=node,state=draining}", 1.0),
                            Map.entry("drain.state{name=node,state=drained}", 0.0),
                            Map.entry("drain.state{name=node,state=expired}", 0.0),
                            Map.entry("drain.inflight{kind=upload,name=node}", 1.0),
                            Map.entry("drain.inflight{kind=request,name=node}", 1.0),
                            Map.entry("drain.inflight{kind=hold,name=node}", 1.0),
                            Map.entry("drain.inflight{kind=stream,name=node}", 0.0),
                            Map.entry("drain.completed{kind=upload,name=node}", 1.0),
                            Map.entry("drain.completed{kind=request,name=node}", 2.0),
                            Map.entry("drain.failed{kind=upload,name=node}", 1.0),
                            Map.entry("drain.refused{name=node}", 1.0),
                            Map.entry("drain.uploads.open{name=node}", 0.0),
                            Map.entry("drain.upload.bytes{name=node}", 72.0)));
            upload.close();
            request.close();
            hold.close();
        }
    }

    @Test
    void durationsAreInTheTimeUnitOfTheRegistry() throws Exception {
        new DrainMetrics(drain).bindTo(registry);
        var upload = drain.enterUpload(new FixedUpload("/upload", 25, 100));

        drain.start("upgrade");
        await().until(() -> drain.status().drainingMillis() >= 30);
        upload.close();
        drain.awaitDrained(Duration.ofMillis(10_000));

        double seconds = drain.status().report().drainMillis() / 1000.0;
        assertThat(value("drain.duration{name=node,phase=draining}")).isBetween(0.03, seconds + 0.002);
        assertThat(registry.get("drain.duration").timeGauge().getId().getBaseUnit())
                .isEqualTo("seconds");
        assertThat(registry.get("drain.upload.bytes").functionCounter().getId().getBaseUnit())
                .isEqualTo("bytes");
    }

    @Test
    void everyMeterIsDescribed() {
        new DrainMetrics(drain).bindTo(registry);

        assertThat(registry.getMeters())
                .isNotEmpty()
                .allMatch(meter -> meter.getId().getDescription().length() > 10);
    }

    @Test
    void metersOutliveTheBinderThatNobodyKeeps() {
        var weak = boundAndForgotten();
        drain.enterRequest().close();
        for (int i = 0; i < 50 && weak.get() != null; i++) {
            System.gc();
        }

        assertThat(value("drain.completed{kind=request,name=node}")).isEqualTo(1);
        assertThat(value("drain.state{name=node,state=serving}")).isEqualTo(1);
    }

    private WeakReference<DrainMetrics> boundAndForgotten() {
        DrainMetrics metrics = new DrainMetrics(drain);
        metrics.bindTo(registry);
        return new WeakReference<>(metrics);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void closingTakesTheMetersOutOfEveryRegistry(boolean throughJmx) {
        MeterRegistry second = new SimpleMeterRegistry();
        try (var registration = DrainRegistration.register(drain)) {
            DrainMetrics metrics = bind(throughJmx);
            metrics.bindTo(second);
            assertThat(second.getMeters()).hasSameSizeAs(registry.getMeters()).isNotEmpty();

            metrics.close();
            metrics.close();

            assertThat(registry.getMeters()).isEmpty();
            assertThat(second.getMeters()).isEmpty();
        }
    }

    @Test
    void followsTheDrainsOfTheNodeAcrossClassLoaders() throws Exception {
        try (var lib = new OtherLoader();
                var metrics = DrainMetrics.ofNode()) {
            assertThat(lib.load("io.tomcatdrain.Drain")).isNotSameAs(Drain.class);
            AutoCloseable early = lib.register("early");
            metrics.bindTo(registry);
            AutoCloseable late = lib.register("late, \"quoted\"");

            assertThat(value("drain.state{name=early,state=serving}")).isEqualTo(1);
            assertThat(value("drain.state{name=late, \"quoted\",state=serving}"))
                    .isEqualTo(1);

            early.close();
            assertThat(values(registry).keySet()).isNotEmpty().noneMatch(meter -> meter.contains("early"));

            early = lib.register("early");
            assertThat(value("drain.state{name=early,state=serving}")).isEqualTo(1);
            assertThat(value("drain.completed{kind=request,name=early}")).isZero();

            early.close();
            late.close();
            assertThat(registry.getMeters()).isEmpty();
        }
    }

    @Test
    void aDrainThatIsGoneWhenItIsReadHurtsNoRegistry() throws Exception {
        MockClock clock = new MockClock();
        MeterRegistry pushing = new SimpleMeterRegistry(
                new SimpleConfig() {
                    @Override
                    public CountingMode mode() {
                        return CountingMode.STEP;
                    }

                    @Override
                    public Duration step() {
                        return Duration.ofMinutes(1);
                    }

                    @Override
                    public String get(String key) {
                        return null;
                    }
                },
                clock);
        try (var registration = DrainRegistration.register(drain)) {
            FlakyView flaky = new FlakyView(DrainRegistration.view(drain));
            var meters = new DrainMeters(pushing, "node", flaky.proxy());
            drain.enterRequest().close();
            values(pushing);
            flaky.gone = true;
            assertThat(values(pushing).get("drain.state{name=node,state=serving}"))
                    .isNaN();
            flaky.gone = false;
            drain.enterRequest().close();
            values(pushing);
            clock.add(Duration.ofMinutes(1));

            assertThat(values(pushing).get("drain.completed{kind=request,name=node}"))
                    .isEqualTo(2);
            meters.close();
        }
        pushing.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatFailsHalfWayLeavesNothingBehind(boolean throughJmx) throws Exception {
        var failing = new AtomicInteger(7);
        registry.config().onMeterAdded(meter -> {
            if (failing.decrementAndGet() == 0) {
                throw new AssertionError("for this test");
            }
        });
        DrainMetrics metrics = throughJmx ? DrainMetrics.ofNode() : new DrainMetrics(drain);
        try (var registration = DrainRegistration.register(drain)) {
            assertThatThrownBy(() -> metrics.bindTo(registry)).isInstanceOf(AssertionError.class);
            assertThat(meters()).isEmpty();
            metrics.close();
            assertThat(failing.get()).isNotPositive();
        }

        try (var another = DrainRegistration.register(new NodeDrain("another", DrainSettings.defaults()))) {
            assertThat(meters()).as("nothing of it listens for drains").isEmpty();
        }
        registry.clear();
        metrics.bindTo(registry);
        metrics.close();
        assertThat(meters()).isEmpty();
    }

    private Set<String> meters() {
        return values(registry).keySet();
    }

    @Test
    void oneRegistryThatCannotLetGoKeepsNoOther() {
        MeterRegistry first = new SimpleMeterRegistry();
        first.config().onMeterRemoved(meter -> {
            throw new AssertionError("for this test");
        });
        DrainMetrics metrics = new DrainMetrics(drain);
        metrics.bindTo(first);
        metrics.bindTo(registry);

        assertThatThrownBy(metrics::close).isInstanceOf(IllegalStateException.class);
        assertThat(meters()).isEmpty();
        metrics.close();
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                IllegalStateException.class,
                NoClassDefFoundError.class,
                StackOverflowError.class,
                AssertionError.class
            })
    void whateverAReadingThrowsHurtsNoRegistry(Class<? extends Throwable> fault) throws Exception {
        FlakyView flaky = new FlakyView(DrainRegistration.view(drain));
        try (var meters = new DrainMeters(registry, "node", flaky.proxy())) {
            drain.enterRequest().close();
            assertThat(value("drain.completed{kind=request,name=node}")).isEqualTo(1);
            flaky.fault = fault.getDeclaredConstructor().newInstance();

            assertThat(value("drain.state{name=node,state=serving}")).isNaN();
            assertThat(value("drain.duration{name=node,phase=draining}")).isNaN();
            assertThat(value("drain.completed{kind=request,name=node}")).isEqualTo(1);
        }
    }

    @Test
    void withoutMicrometerOnlyThisPackageIsMissing() throws Exception {
        try (var lib = new OtherLoader()) {
            assertThatThrownBy(() -> lib.load("io.micrometer.core.instrument.MeterRegistry"))
                    .isInstanceOf(ClassNotFoundException.class);
            lib.register("without").close();
            for (String name : List.of("io.tomcatdrain.Drain", "io.tomcatdrain.jmx.DrainMXBean")) {
                assertThat(lib.load(name).getMethods()).isNotEmpty();
            }
            assertThatThrownBy(() -> lib.load("io.tomcatdrain.metrics.DrainMetrics"))
                    .isInstanceOf(NoClassDefFoundError.class)
                    .hasMessageContaining("io/micrometer");
        }
    }
}
