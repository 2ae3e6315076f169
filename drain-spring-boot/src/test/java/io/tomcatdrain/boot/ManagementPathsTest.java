package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class ManagementPathsTest {
    private final StandardEnvironment environment = new StandardEnvironment();

    @Test
    void actuatorIsBelowItsUsualPath() {
        assertThat(ManagementPaths.onMainPort(environment).all()).containsExactly("/actuator");
        assertThat(ManagementPaths.onMainPort(environment).readiness()).containsExactly("/actuator/health/readiness");
        assertThat(ManagementPaths.onManagementPort(environment).readiness())
                .containsExactly("/actuator/health/readiness");
    }

    @Test
    void pathsAreBelowThoseOfTheApplication() {
        set(Map.of(
                "server.servlet.context-path", "/app",
                "spring.mvc.servlet.path", "/mvc/",
                "management.endpoints.web.base-path", "manage",
                "management.endpoints.web.path-mapping.health", "check"));
        assertThat(ManagementPaths.onMainPort(environment).all()).containsExactly("/app/mvc/manage");
        assertThat(ManagementPaths.onMainPort(environment).readiness())
                .containsExactly("/app/mvc/manage/check/readiness");
    }

    @Test
    void anActuatorAtTheRootLeavesTheApplicationToTheDrain() {
        set(Map.of("management.endpoints.web.base-path", "/"));
        assertThat(ManagementPaths.onMainPort(environment).all()).containsExactly("/health");
        assertThat(ManagementPaths.onMainPort(environment).readiness()).containsExactly("/health/readiness");
    }

    @Test
    void anotherPortTakesManagementAwayFromTheMainOne() {
        set(Map.of("management.server.port", "8081", "management.server.base-path", "/admin"));
        assertThat(ManagementPaths.onMainPort(environment).all()).isEmpty();
        assertThat(ManagementPaths.onManagementPort(environment).readiness())
                .containsExactly("/admin/actuator/health/readiness");
    }

    @Test
    void additionalProbesAreOnTheMainPort() {
        set(Map.of("management.server.port", "8081", "management.endpoint.health.probes.add-additional-paths", "true"));
        assertThat(ManagementPaths.onMainPort(environment).all()).containsExactly("/livez", "/readyz");
        assertThat(ManagementPaths.onMainPort(environment).readiness()).containsExactly("/readyz");
    }

    private void set(Map<String, Object> properties) {
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
    }
}
