package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.boot.Client.Upload;
import java.io.IOException;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ConfigurableApplicationContext;

/** What the actuator's probes say of a drain, on the application's port and on one of their own. */
@Timeout(60)
class ProbesIT {
    private static final String SAME_PORT = "management.server.base-path="; // as good as nothing
    private static final String OWN_PORT = "management.server.port=0";

    @ParameterizedTest
    @ValueSource(strings = {SAME_PORT, OWN_PORT})
    void readinessFollowsTheDrainAndComesBack(String management) {
        try (var application = TestApp.started(management, "drain.lame-duck=1m", "drain.drain-on-stop=false")) {
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

    @ParameterizedTest
    @ValueSource(strings = {SAME_PORT, OWN_PORT})
    void livenessStaysUpWhileEverythingElseIsRefused(String management) throws IOException {
        try (var application = TestApp.started(management)) {
            int port = managementPort(application);
            var drain = application.getBean(Drain.class);
            try (var upload = new Upload(TestApp.port(application))) {
                ApplicationStopIT.awaitUpload(drain);
                var unused = drain.start("test");
                assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
                assertThat(Client.status(TestApp.port(application), "/page")).isEqualTo(503);
                assertThat(readiness(port)).contains(" 503 ").contains("OUT_OF_SERVICE");
                assertThat(liveness(port)).contains(" 200 ").contains("UP");
                assertThat(upload.finish()).contains(" 200 ");
            }
            await().until(() -> drain.state() == DrainState.DRAINED);
            assertThat(liveness(port)).contains(" 200 ").contains("UP");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SAME_PORT, OWN_PORT})
    void theLameDuckEndsWhenTheProbesHaveSeenIt(String management) {
        try (var application = TestApp.started(management, "drain.probe-failures=2", "drain.lame-duck-timeout=10m")) {
            int port = managementPort(application);
            var drain = application.getBean(Drain.class);
            assertThat(readiness(port)).contains(" 200 ");
            assertThat(readiness(port)).contains(" 200 ");

            var unused = drain.start("test");
            assertThat(drain.state()).isEqualTo(DrainState.LAME_DUCK);
            assertThat(readiness(port)).contains(" 503 ");
            assertThat(drain.state()).isEqualTo(DrainState.LAME_DUCK);
            assertThat(readiness(port)).contains(" 503 ");
            await().until(() -> drain.state() == DrainState.DRAINED);
            assertThat(drain.status().report()).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/page", "/actuator/health"})
    void aUrlOfTheApplicationsTellsThatTheNodeLeaves(String path) {
        try (var application =
                TestApp.started("drain.ready-paths=" + path, "drain.lame-duck=1m", "drain.drain-on-stop=false")) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            assertThat(Client.status(port, path)).isEqualTo(200);
            assertThat(drain.status().probers()).hasSize(1);
            var unused = drain.start("test");
            assertThat(Client.status(port, path)).isEqualTo(503);
            assertThat(liveness(port)).contains(" 200 ");
            drain.resume();
            assertThat(Client.status(port, path)).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HEAD", "GET"})
    void managementIsNoWork(String method) {
        try (var application = TestApp.started()) {
            int port = TestApp.port(application);
            var drain = application.getBean(Drain.class);
            Client.exchange(port, method + " /actuator/health", "");
            assertThat(drain.status().totals().requestsCompleted()).isZero();
            Client.exchange(port, method + " /page", "");
            await().until(() -> drain.status().totals().requestsCompleted() == 1);
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

    private static String liveness(int port) {
        return Client.get(port, "/actuator/health/liveness");
    }

    private static ReadinessState applicationReadiness(ConfigurableApplicationContext application) {
        return application.getBean(ApplicationAvailability.class).getReadinessState();
    }
}
