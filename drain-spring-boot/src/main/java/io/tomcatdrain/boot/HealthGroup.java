package io.tomcatdrain.boot;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One group of the actuator's health endpoint, as Spring Boot itself knows it, whatever its types are called in a line of it.
 *
 * @param name its place below the endpoint
 * @param readiness true if it shows the readiness
 * @param serverPath its further path on the application's port; null if it has none there
 * @param managementPath its further path on a management port of its own; null if it has none there
 */
record HealthGroup(
        String name,
        boolean readiness,
        @Nullable String serverPath,
        @Nullable String managementPath) {

    /** A group that has liveness among its members, too, is health as a whole. */
    static boolean isReadiness(String name, Predicate<String> isMember) {
        return name.equals("readiness") || (isMember.test("readinessState") && !isMember.test("livenessState"));
    }
}
