package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.valve.DrainValve;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.util.ServerInfo;
import org.apache.catalina.valves.ValveBase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.PropertyAccessorFactory;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.server.ConfigurableWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.SpringVersion;

/** What the dependency alone does, and where it does nothing. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RegistrationIT {
    private static final AutoConfigurations OURS = AutoConfigurations.of(DrainAutoConfiguration.class);

    /** Guards the build: each of its two runs of the integration tests must be on the line that it is named after. */
    @Test
    void runsOnTheLineThatTheBuildMeant() {
        assertThat(SpringBootVersion.getVersion()).isEqualTo(System.getProperty("boot.version"));
        assertThat(ServerInfo.getServerNumber()).startsWith(System.getProperty("tomcat.version"));
        assertThat(SpringVersion.getVersion())
                .startsWith(System.getProperty("boot.version").startsWith("3.") ? "6." : "7.");
    }

    @Test
    void theDependencyAloneIsEnough() {
        try (var application = TestApp.started()) {
            int port = TestApp.port(application);
            assertThat(Client.get(port, "/drain/ready")).contains("200").endsWith("{\"status\":\"UP\"}");
            assertThat(Client.get(port, "/page")).endsWith("page");
            var drain = application.getBean(Drain.class);
            assertThat(drain).isSameAs(application.getBean(DrainValve.class).drain());
            assertThat(application.getBean(ServletContext.class).getAttribute(Drain.ATTRIBUTE))
                    .isSameAs(drain);
        }
    }

    @Test
    void propertiesSetTheValve() {
        try (var application =
                TestApp.started("drain.path=/leaving", "drain.upload-timeout=7m", "drain.requestTimeout=8m")) {
            assertThat(Client.status(TestApp.port(application), "/leaving/ready"))
                    .isEqualTo(200);
            var settings = application.getBean(Drain.class).settings();
            assertThat(settings.uploadTimeout()).hasMinutes(7);
            assertThat(settings.requestTimeout()).hasMinutes(8);
        }
    }

    @Test
    void twoApplicationsInOneProcessHaveADrainEachAndLeaveNothing() throws MalformedObjectNameException {
        try (var one = TestApp.started();
                var two = TestApp.started()) {
            assertThat(one.getBean(Drain.class).name())
                    .isNotEqualTo(two.getBean(Drain.class).name());
            assertThat(mbeans()).isEqualTo(2);
        }
        assertThat(mbeans()).isZero();
        try (var again = TestApp.started()) {
            assertThat(again.isRunning()).isTrue();
            assertThat(mbeans()).isEqualTo(1);
        }
        assertThat(mbeans()).isZero();
    }

    @ParameterizedTest
    @ValueSource(classes = {OwnValve.class, OwnValveOfTheSameName.class})
    void theApplicationsOwnValveIsUsedByAllThatNeedsOne(Class<?> configuration) throws Exception {
        Drain drain;
        try (var application =
                TestApp.started(new Class<?>[] {TestApp.class, configuration, Meters.class}, "drain.path=/unused")) {
            int port = TestApp.port(application);
            var valve = application.getBean(DrainValve.class);
            drain = application.getBean(Drain.class);
            assertThat(drain).isSameAs(valve.drain());
            assertThat(drain.settings().uploadTimeout()).hasMinutes(7);
            assertThat(mbeans()).isEqualTo(1);
            assertThat(Client.status(port, "/leaving/ready")).isEqualTo(200);
            assertThat(Client.status(port, "/unused/ready")).isEqualTo(404);
            var registry = application.getBean(MeterRegistry.class);
            assertThat(registry.get("drain.state")
                            .tag("state", "serving")
                            .gauge()
                            .value())
                    .isEqualTo(1);
            drain.start("test").get();
            assertThat(Client.status(port, "/page")).isEqualTo(503);
            assertThat(Client.status(port, "/actuator/health/liveness")).isEqualTo(200);
            assertThat(Client.status(port, "/actuator/health/readiness")).isEqualTo(503);
            drain.resume();
        }
        assertThat(drain.state()).as("the close drains").isEqualTo(DrainState.DRAINED);
        assertThat(mbeans()).isZero();
    }

    @Test
    void theApplicationsOwnValveIsToldOfPollsOnAManagementPort() {
        try (var application =
                TestApp.started(new Class<?>[] {TestApp.class, OwnValve.class}, "management.server.port=0")) {
            var drain = application.getBean(Drain.class);
            assertThat(Client.status(TestApp.managementPort(application), "/actuator/health/readiness"))
                    .isEqualTo(200);
            assertThat(drain.status().probers()).hasSize(1);
        }
    }

    /** Tomcat's pipeline loses a valve that is added twice, and those between. */
    @Test
    void theApplicationsOwnValveMayBeAmongTheEnginesValvesAlready() throws Exception {
        try (var application = TestApp.started(new Class<?>[] {TestApp.class, OwnValve.class, OwnValveAdded.class})) {
            var valve = application.getBean(DrainValve.class);
            assertThat(valve.getContainer().getPipeline().getValves())
                    .filteredOn(each -> each.getClass()
                            != valve.getContainer().getPipeline().getBasic().getClass())
                    .extracting(each -> each.getClass().getSimpleName())
                    .startsWith("Marking", "ManagementValve", "DrainValve", "Marking")
                    .hasSize(4);
            int port = TestApp.port(application);
            assertThat(Client.get(port, "/page")).contains("X-First: seen").contains("X-Last: seen");
            valve.drain().start("test").get();
            assertThat(Client.get(port, "/page"))
                    .contains(" 503 ")
                    .contains("X-First: seen")
                    .doesNotContain("X-Last");
            assertThat(Client.status(port, "/actuator/health/liveness")).isEqualTo(200);
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnValveAdded {
        /** By the name of the property, since the type that has it has another name in each line of Spring Boot. */
        @Bean
        static WebServerFactoryCustomizer<ConfigurableWebServerFactory> adding(DrainValve valve) {
            return factory -> PropertyAccessorFactory.forBeanPropertyAccess(factory)
                    .setPropertyValue("engineValves", List.of(new Marking("X-First"), valve, new Marking("X-Last")));
        }
    }

    /** Leaves a mark on each answer. */
    private static final class Marking extends ValveBase {
        private final String header;

        Marking(String header) {
            super(true);
            this.header = header;
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            response.setHeader(header, "seen");
            getNext().invoke(request, response);
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnValve {
        @Bean
        static DrainValve mine() {
            var valve = new DrainValve();
            valve.setPath("/leaving");
            valve.setUploadTimeout("7m");
            valve.setLameDuck("off");
            valve.setLameDuckTimeout("10m"); // who has asked once is shown for a third of that
            return valve;
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnValveOfTheSameName {
        @Bean
        static DrainValve drainValve() {
            return OwnValve.mine();
        }
    }

    @Test
    void theRegistryHasTheMetersOfTheDrain() {
        MeterRegistry registry;
        try (var application = TestApp.started(new Class<?>[] {TestApp.class, Meters.class})) {
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
    static class Meters {
        @Bean(destroyMethod = "")
        static SimpleMeterRegistry registry() {
            return new SimpleMeterRegistry();
        }
    }

    @Test
    void switchedOffItDoesNothingNorOnAManagementPort() {
        try (var application = TestApp.started("drain.enabled=false", "management.server.port=0")) {
            assertThat(application.getBeansOfType(DrainValve.class)).isEmpty();
            assertThat(Client.status(TestApp.port(application), "/drain/ready")).isEqualTo(404);
            assertThat(Client.status(TestApp.managementPort(application), "/actuator/health/readiness"))
                    .isEqualTo(200);
        }
    }

    @Test
    void aLazyApplicationIsProtectedToo() {
        try (var application = TestApp.started("spring.main.lazy-initialization=true")) {
            assertThat(application.getBeanFactory().containsSingleton("drainLifecycle"))
                    .isTrue();
        }
    }

    @Test
    void nothingIsRegisteredWithoutAWebApplication() {
        new ApplicationContextRunner()
                .withConfiguration(OURS)
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(DrainValve.class));
    }

    @Test
    void nothingIsRegisteredWhereAServletContextIsGiven() {
        // As in a WAR on a Tomcat of its own, and in tests without a server.
        new WebApplicationContextRunner()
                .withConfiguration(OURS)
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(DrainValve.class));
    }

    @Test
    void nothingIsRegisteredWithoutTomcat() {
        new WebApplicationContextRunner()
                .withConfiguration(OURS)
                .withClassLoader(new FilteredClassLoader(ValveBase.class))
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("drainValve"));
    }

    @Test
    void aMistakeInAPropertyStopsTheStartAndIsExplained() throws Exception {
        var failure = catchThrowable(() -> TestApp.started("drain.uplaod-timeout=10m"));
        assertThat(failure).hasRootCauseInstanceOf(IllegalArgumentException.class);
        assertThat(new InvalidDrainPropertyAnalyzer().analyze(failure).getDescription())
                .isEqualTo("drain.uplaod-timeout: unknown attribute [uplaodTimeout]; did you mean [uploadTimeout]?");
        assertThat(registeredAnalyzers())
                .anyMatch(names -> names.contains(InvalidDrainPropertyAnalyzer.class.getName()));
    }

    @Test
    void aControlPortThatNoConnectorHasStopsTheStartAndIsExplained() throws Exception {
        var failure = catchThrowable(() -> TestApp.started("drain.control-port=1"));
        assertThat(new InvalidDrainValveAnalyzer().analyze(failure).getDescription())
                .startsWith("DrainValve[")
                .contains("]: controlPort [1]: no connector of service");
        assertThat(registeredAnalyzers()).anyMatch(names -> names.contains(InvalidDrainValveAnalyzer.class.getName()));
        assertThat(new InvalidDrainValveAnalyzer().analyze(new IllegalArgumentException("not of a valve")))
                .isNull();
    }

    private static List<String> registeredAnalyzers() throws IOException {
        var analyzers = new ArrayList<String>();
        for (var url :
                Collections.list(RegistrationIT.class.getClassLoader().getResources("META-INF/spring.factories"))) {
            var factories = new Properties();
            try (var in = url.openStream()) {
                factories.load(in);
            }
            analyzers.add(factories.getProperty(FailureAnalyzer.class.getName(), ""));
        }
        return analyzers;
    }

    private static int mbeans() throws MalformedObjectNameException {
        return ManagementFactory.getPlatformMBeanServer()
                .queryNames(new ObjectName("io.tomcatdrain:type=Drain,*"), null)
                .size();
    }
}
