package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

class MetricsIT {
    @Test
    void theRegistryHasTheMetersOfTheDrain() {
        MeterRegistry registry;
        try (var application = TestApp.started(new Class<?>[] {TestApp.class, Registry.class})) {
            registry = application.getBean(MeterRegistry.class);
            assertThat(registry.get("drain.state")
                            .tag("state", "serving")
                            .gauge()
                            .value())
                    .isEqualTo(1);
        }
        assertThat(registry.find("drain.state").meters()).isEmpty();
    }

    @Configuration(proxyBeanMethods = false)
    static class Registry {
        @Bean(destroyMethod = "")
        static SimpleMeterRegistry registry() {
            return new SimpleMeterRegistry();
        }
    }
}
