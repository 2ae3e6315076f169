package io.tomcatdrain.boot;

import io.micrometer.core.instrument.binder.MeterBinder;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.valve.DrainValve;
import java.util.List;
import org.apache.catalina.valves.ValveBase;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnNotWarDeployment;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.cloud.client.serviceregistry.Registration;
import org.springframework.cloud.client.serviceregistry.ServiceRegistry;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Lazy;
import org.springframework.core.env.Environment;

/**
 * Puts a {@link DrainValve} into the embedded Tomcat of a Spring Boot application, with the settings of {@code drain.*}, and lets it
 * drain before anything of the application stops.
 *
 * <p>The application finds its {@link Drain} as a bean. A {@link DrainValve} that it declares as a bean itself is used instead. Without an embedded Tomcat, in a WAR on a Tomcat of its own, and with {@code
 * drain.enabled=false} nothing is registered.
 *
 * @since 1.0
 */
@AutoConfiguration
@ConditionalOnClass(ValveBase.class)
@ConditionalOnWebApplication
@ConditionalOnNotWarDeployment
@ConditionalOnProperty(name = DrainProperties.ENABLED, matchIfMissing = true)
@Import({Boot3Tomcat.class, Boot4Tomcat.class, Boot3Health.class, Boot4Health.class})
public final class DrainAutoConfiguration {

    /** Made by Spring. */
    public DrainAutoConfiguration() {}

    /** The application's own valve takes its place everywhere, with the settings that the application gives it. */
    @Bean
    @ConditionalOnMissingBean
    static DrainValve drainValve(Environment environment) {
        DrainValve valve = new DrainValve();
        DrainProperties.read(environment).forEach(valve::setProperty);
        return valve;
    }

    @Bean
    static EngineValves drainEngineValves(
            DrainValve valve, DrainReadiness readiness, ObjectProvider<ManagementValve> management) {
        valve.onlyReadyIf(readiness::isApplicationReady);
        ManagementValve first = management.getIfAvailable();
        return new EngineValves(first == null ? List.of(valve) : List.of(first, valve));
    }

    /** Lazy, since there is none in an application that uses another web server than Tomcat although it has Tomcat's classes. */
    @Bean(destroyMethod = "")
    @Lazy
    static Drain drain(DrainValve valve) {
        Drain drain = valve.drain();
        if (drain == null) {
            throw new IllegalStateException(
                    "There is no drain yet, or no embedded Tomcat: it begins with the web server. Inject"
                            + " ObjectProvider<Drain> where a bean is made before that, or where no server is, as in tests without one");
        }
        return drain;
    }

    @Bean(destroyMethod = "")
    static DrainReadiness drainReadiness(ApplicationContext context, ApplicationAvailability availability) {
        return new DrainReadiness(context, availability);
    }

    @Bean
    @Lazy(false)
    static DrainLifecycle drainLifecycle(
            DrainValve valve,
            ApplicationContext context,
            DrainReadiness readiness,
            ObjectProvider<DrainListener> listeners) {
        return new DrainLifecycle(valve, context, readiness, listeners);
    }

    /** Where Spring Cloud's service registries are, or may be. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(ServiceRegistry.class)
    static class Registry {
        @Bean
        static DrainListener drainRegistryListener(
                DrainValve valve,
                ObjectProvider<ServiceRegistry<?>> registries,
                ObjectProvider<Registration> registrations) {
            return new CloudRegistry(registries, registrations).listener(valve);
        }
    }

    /** Where there is a meter registry to bind to, or may be. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(MeterBinder.class)
    static class Metrics {
        @Bean
        static DrainMeterBinder drainMeterBinder(DrainValve valve) {
            return new DrainMeterBinder(valve);
        }
    }

    /** Where the actuator is. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(ManagementPortType.class)
    static class Management {
        @Bean
        static ManagementValve drainManagementValve(
                DrainValve valve, Environment environment, ObjectProvider<HealthGroups> groups) {
            return new ManagementValve(
                    () -> ManagementPaths.onMainPort(environment, HealthGroups.ofEither(groups)), valve, valve);
        }
    }
}
