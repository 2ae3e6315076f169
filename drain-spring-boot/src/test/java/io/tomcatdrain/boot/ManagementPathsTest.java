package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class ManagementPathsTest {
    private final StandardEnvironment environment = new StandardEnvironment();
    private List<HealthGroup> groups = List.of();

    @Test
    void actuatorIsBelowItsUsualPath() {
        assertThat(ManagementPaths.onMainPort(environment, groups).all()).containsExactly("/actuator");
        assertThat(ManagementPaths.onMainPort(environment, groups).readiness())
                .containsExactly("/actuator/health/readiness");
        assertThat(ManagementPaths.onManagementPort(environment, groups).readiness())
                .containsExactly("/actuator/health/readiness");
    }

    @Test
    void pathsAreBelowThoseOfTheApplication() {
        set(Map.of(
                "server.servlet.context-path", "/app",
                "spring.mvc.servlet.path", "/mvc/",
                "management.endpoints.web.base-path", "manage",
                "management.endpoints.web.path-mapping.health", "check"));
        assertThat(ManagementPaths.onMainPort(environment, groups).all()).containsExactly("/app/mvc/manage");
        assertThat(ManagementPaths.onMainPort(environment, groups).readiness())
                .containsExactly("/app/mvc/manage/check/readiness");
    }

    @Test
    void anActuatorAtTheRootLeavesTheApplicationToTheDrain() {
        set(Map.of("management.endpoints.web.base-path", "/"));
        assertThat(ManagementPaths.onMainPort(environment, groups).all()).containsExactly("/health");
        assertThat(ManagementPaths.onMainPort(environment, groups).readiness()).containsExactly("/health/readiness");
    }

    @Test
    void anotherPortTakesManagementAwayFromTheMainOne() {
        set(Map.of("management.server.port", "8081", "management.server.base-path", "/admin"));
        assertThat(ManagementPaths.onMainPort(environment, groups).all()).isEmpty();
        assertThat(ManagementPaths.onManagementPort(environment, groups).readiness())
                .containsExactly("/admin/actuator/health/readiness");
    }

    @Test
    void furtherPathsOfGroupsAreWhereTheyAreToBe() {
        set(Map.of(
                "server.servlet.context-path", "/app",
                "management.server.port", "8081",
                "management.server.base-path", "/admin"));
        groups = List.of(
                new HealthGroup("liveness", false, "/healthz", null),
                new HealthGroup("readiness", true, "/readyz", null),
                new HealthGroup("backend", true, null, "backendz"),
                new HealthGroup("disk", false, null, "/diskz"));
        assertThat(ManagementPaths.onMainPort(environment, groups).all())
                .containsExactly("/app/healthz", "/app/readyz");
        assertThat(ManagementPaths.onMainPort(environment, groups).readiness()).containsExactly("/app/readyz");
        assertThat(ManagementPaths.onManagementPort(environment, groups).readiness())
                .containsExactly(
                        "/admin/actuator/health/readiness", "/admin/actuator/health/backend", "/admin/backendz");
    }

    @Test
    void groupsThatTellTheReadinessAreReadinessWhateverTheirName() {
        assertThat(HealthGroup.isReadiness("readiness", "db"::equals)).isTrue();
        assertThat(HealthGroup.isReadiness("traffic", "readinessState"::equals)).isTrue();
        assertThat(HealthGroup.isReadiness("liveness", "livenessState"::equals)).isFalse();
        assertThat(HealthGroup.isReadiness("everything", member -> true)).isFalse();
        groups = List.of(new HealthGroup("traffic", true, null, null));
        assertThat(ManagementPaths.onMainPort(environment, groups).readiness())
                .containsExactly("/actuator/health/readiness", "/actuator/health/traffic");
    }

    private void set(Map<String, Object> properties) {
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
    }
}
