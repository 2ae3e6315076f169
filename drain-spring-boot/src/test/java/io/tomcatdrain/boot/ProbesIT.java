package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.boot.Client.Upload;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** What the actuator's probes say of a drain, on the application's port and on one of their own. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ProbesIT {
    private static final String SAME_PORT = "management.server.base-path="; // as good as nothing
    private static final String OWN_PORT = "management.server.port=0";

    /** Who has asked once is shown for a third of that. */
    private static final String A_WHILE = "drain.lame-duck-timeout=10m";

    private static final Duration AT_ONCE = Duration.ofMillis(1);

    @ParameterizedTest
    @ValueSource(strings = {SAME_PORT, OWN_PORT})
    void readinessFollowsTheDrainAndComesBack(String management) {
        try (var application = TestApp.started(management, "drain.lame-duck=10m", "drain.drain-on-stop=false")) {
            int port = managementPort(application);
            var drain = application.getBean(Drain.class);
            assertThat(readiness(port)).contains(" 200 ").contains("UP");

            var unused = drain.start("test");
            assertThat(drain.state()).isEqualTo(DrainState.LAME_DUCK);
            assertThat(readiness(port)).contains(" 503 ").contains("OUT_OF_SERVICE");
            await().until(() -> applicationReadiness(application) == ReadinessState.REFUSING_TRAFFIC);
            assertThat(liveness(port)).contains(" 200 ").contains("UP");

            drain.resume();
            await().until(() -> applicationReadiness(application) == ReadinessState.ACCEPTING_TRAFFIC);
            assertThat(readiness(port)).contains(" 200 ").contains("UP");
        }
    }

    /** Each of the two has asked once before, and is waited for however long this test takes: a third of lameDuckTimeout. */
    @ParameterizedTest
    @ValueSource(strings = {SAME_PORT, OWN_PORT})
    void theLameDuckEndsWhenAllProbesHaveSeenItAndLivenessStaysUpAfterIt(String management) throws IOException {
        try (var application = TestApp.started(
                management, "drain.lame-duck=auto", "drain.probe-failures=2", "drain.lame-duck-timeout=10m")) {
            int port = managementPort(application);
            var drain = application.getBean(Drain.class);
            try (var upload = new Upload(TestApp.port(application))) {
                ApplicationStopIT.awaitUpload(drain);
                assertThat(readiness(port, "one")).contains(" 200 ");
                assertThat(readiness(port, "two")).contains(" 200 ");

                var unused = drain.start("test");
                for (String prober : List.of("one", "two")) {
                    assertThat(drain.state()).isEqualTo(DrainState.LAME_DUCK);
                    assertThat(readiness(port, prober)).contains(" 503 ");
                    assertThat(readiness(port, prober)).contains(" 503 ");
                }
                await().until(() -> drain.state() == DrainState.DRAINING);
                assertThat(Client.status(TestApp.port(application), "/page")).isEqualTo(503);
                assertThat(readiness(port)).contains(" 503 ").contains("OUT_OF_SERVICE");
                assertThat(liveness(port)).contains(" 200 ").contains("UP");
                assertThat(upload.finish()).contains(" 200 ");
            }
            await().until(() -> drain.state() == DrainState.DRAINED);
            assertThat(liveness(port)).contains(" 200 ").contains("UP");
        }
    }

    @Test
    void furtherPathsOfProbesAreProbes() throws Exception {
        try (var application = TestApp.started(
                "server.servlet.context-path=/app",
                "management.endpoint.health.group.liveness.include=livenessState",
                "management.endpoint.health.group.liveness.additional-path=server:/healthz",
                "management.endpoint.health.group.traffic.include=readinessState",
                "management.endpoint.health.group.traffic.additional-path=server:/traffic")) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            assertThat(Client.status(port, "/app/healthz")).isEqualTo(200);
            assertThat(drain.status().probers()).as("liveness is not readiness").isEmpty();
            assertThat(Client.status(port, "/app/traffic")).isEqualTo(200);
            assertThat(Client.status(port, "/app/actuator/health/traffic")).isEqualTo(200);
            drain.start("test").get();
            assertThat(Client.status(port, "/app/page")).isEqualTo(503);
            assertThat(Client.get(port, "/app/healthz")).contains(" 200 ").contains("UP");
            assertThat(Client.get(port, "/app/traffic")).contains(" 503 ").contains("OUT_OF_SERVICE");
            assertThat(Client.status(port, "/app/actuator/health/traffic")).isEqualTo(503);
            assertThat(drain.status().probers())
                    .extracting(DrainStatus.Prober::seenDown)
                    .containsExactly(2);
            drain.resume();
            await().until(() -> Client.status(port, "/app/traffic") == 200);
            assertThat(drain.status().totals().requestsCompleted()).isZero();
        }
    }

    @Test
    void furtherPathsOnAManagementPortAreProbesToo() {
        try (var application = TestApp.started(
                OWN_PORT,
                A_WHILE,
                "management.endpoint.health.group.readiness.include=readinessState",
                "management.endpoint.health.group.readiness.additional-path=management:/readyz")) {
            var drain = application.getBean(Drain.class);
            assertThat(Client.status(TestApp.managementPort(application), "/readyz"))
                    .isEqualTo(200);
            assertThat(drain.status().probers()).hasSize(1);
        }
    }

    @Test
    void switchedOnPathsOfProbesAreProbes() {
        try (var application = TestApp.started(
                OWN_PORT,
                A_WHILE,
                "management.endpoint.health.probes.add-additional-paths=true",
                "drain.lame-duck=10m",
                "drain.drain-on-stop=false")) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            assertThat(Client.status(port, "/readyz")).isEqualTo(200);
            assertThat(drain.status().probers()).hasSize(1);
            var unused = drain.start("test");
            assertThat(Client.status(port, "/readyz")).isEqualTo(503);
            assertThat(Client.status(port, "/livez")).isEqualTo(200);
        }
    }

    /** HAProxy's check asks by OPTIONS unless it is told otherwise; a browser sends one ahead. */
    @Test
    void whateverMethodABalancerChecksWithIsAPoll() {
        try (var application = TestApp.started(A_WHILE, "drain.lame-duck=10m", "drain.drain-on-stop=false")) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            String path = " /actuator/health/readiness?prober=";
            Client.exchange(
                    port,
                    "OPTIONS" + path + "browser",
                    "Origin: http://elsewhere\r\nAccess-Control-Request-Method: GET\r\n");
            assertThat(drain.status().probers()).isEmpty();
            var methods = List.of("GET", "HEAD", "OPTIONS");
            for (String method : methods) {
                assertThat(Client.exchange(port, method + path + method, "")).contains(" 200 ");
            }
            assertThat(drain.status().probers())
                    .extracting(DrainStatus.Prober::name)
                    .containsExactlyInAnyOrderElementsOf(methods);
            var unused = drain.start("test");
            for (String method : methods) {
                assertThat(Client.exchange(port, method + path + method, "")).contains(" 503 ");
            }
        }
    }

    @Test
    void theNodeIsNotReadyBeforeTheApplicationIs() throws Exception {
        var started =
                CompletableFuture.supplyAsync(() -> TestApp.started(new Class<?>[] {TestApp.class, SlowStart.class}));
        int port = SlowStart.PORT.get();
        assertThat(Client.get(port, "/drain/ready")).contains(" 503 ").endsWith("{\"status\":\"OUT_OF_SERVICE\"}");
        assertThat(Client.status(port, "/actuator/health/readiness")).isEqualTo(503);
        assertThat(Client.status(port, "/page")).as("it serves all the same").isEqualTo(200);
        SlowStart.MAY_END.countDown();
        try (var application = started.get()) {
            assertThat(Client.get(port, "/drain/ready")).contains(" 200 ").endsWith("{\"status\":\"UP\"}");
            assertThat(application.getBean(Drain.class).isReady()).isTrue();
        }
    }

    /** Has work to do before it is ready. */
    @Configuration(proxyBeanMethods = false)
    static class SlowStart {
        static final CompletableFuture<Integer> PORT = new CompletableFuture<>();
        static final CountDownLatch MAY_END = new CountDownLatch(1);

        @Bean
        static CommandLineRunner slowly(Environment environment) {
            return arguments -> {
                PORT.complete(environment.getRequiredProperty("local.server.port", Integer.class));
                MAY_END.await();
            };
        }
    }

    @Test
    void theNodeIsNotReadyWhileTheApplicationSaysSo() {
        try (var application = TestApp.started("drain.lame-duck=10m", "drain.drain-on-stop=false")) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            AvailabilityChangeEvent.publish(application, ReadinessState.REFUSING_TRAFFIC);
            assertThat(Client.get(port, "/drain/ready")).contains(" 503 ").contains("OUT_OF_SERVICE");
            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
            assertThat(drain.isReady()).isFalse();
            assertThat(drain.status().ready()).isFalse();
            var unused = drain.start("test");
            assertThat(Client.get(port, "/drain/ready")).contains(" 503 ").contains("DRAINING");
            drain.resume();
            assertThat(Client.status(port, "/drain/ready")).isEqualTo(503);
            AvailabilityChangeEvent.publish(application, ReadinessState.ACCEPTING_TRAFFIC);
            assertThat(Client.status(port, "/drain/ready")).isEqualTo(200);
        }
    }

    @Test
    void aResumeIsReadinessAtOnce() {
        try (var application = TestApp.started("drain.lame-duck=10m", "drain.drain-on-stop=false")) {
            var drain = application.getBean(Drain.class);
            for (int i = 0; i < 20; i++) {
                var unused = drain.start("test");
                await().pollInterval(AT_ONCE)
                        .until(() -> applicationReadiness(application) == ReadinessState.REFUSING_TRAFFIC);
                drain.resume();
                await().pollInterval(AT_ONCE).until(() -> {
                    assertThat(drain.isReady()).isTrue(); // at every moment until the application's follows
                    return applicationReadiness(application) == ReadinessState.ACCEPTING_TRAFFIC;
                });
            }
        }
    }

    @Test
    void urlsOfTheApplicationsTellThatTheNodeLeaves() {
        try (var application = TestApp.started(
                A_WHILE,
                "drain.ready-paths=/page,/actuator/health",
                "drain.lame-duck=10m",
                "drain.drain-on-stop=false")) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            var urls = List.of("/page?prober=application", "/actuator/health?prober=actuator");
            urls.forEach(url -> assertThat(Client.status(port, url)).isEqualTo(200));
            assertThat(drain.status().probers())
                    .extracting(DrainStatus.Prober::name)
                    .containsExactlyInAnyOrder("application", "actuator");
            var unused = drain.start("test");
            urls.forEach(url -> assertThat(Client.status(port, url)).isEqualTo(503));
            assertThat(liveness(port)).contains(" 200 ");
            drain.resume();
            for (String url : urls) {
                await().until(() -> Client.status(port, url) == 200); // the application's own readiness follows
            }
        }
    }

    /** Whatever is counted holds the drain until it has been. */
    @Test
    void managementIsNoWork() {
        try (var application = TestApp.started()) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            for (String method : List.of("HEAD", "GET")) {
                Client.exchange(port, method + " /actuator/health", "");
                Client.exchange(port, method + " /page", "");
            }
            assertThat(drain.start("test").join().outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            assertThat(drain.status().totals().requestsCompleted()).isEqualTo(2);
        }
    }

    private static int managementPort(ConfigurableApplicationContext application) {
        return application.getEnvironment().getProperty("local.management.port") == null
                ? TestApp.port(application)
                : TestApp.managementPort(application);
    }

    private static String readiness(int port) {
        return Client.get(port, "/actuator/health/readiness");
    }

    private static String readiness(int port, String prober) {
        return Client.get(port, "/actuator/health/readiness?prober=" + prober);
    }

    private static String liveness(int port) {
        return Client.get(port, "/actuator/health/liveness");
    }

    private static ReadinessState applicationReadiness(ConfigurableApplicationContext application) {
        return application.getBean(ApplicationAvailability.class).getReadinessState();
    }
}
