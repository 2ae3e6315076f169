package io.tomcatdrain.boot;

import java.util.ArrayList;
import java.util.List;
import org.apache.catalina.connector.Request;
import org.apache.tomcat.util.buf.MessageBytes;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.core.env.Environment;

/**
 * Where a Tomcat answers for the actuator.
 *
 * @param all what it answers at or below these paths is management, not work
 * @param readiness those of them that show the readiness
 */
record ManagementPaths(List<String> all, List<String> readiness) {

    /** Returns the paths on the application's own port: all of them, or those that are there although management has another port. */
    static ManagementPaths onMainPort(Environment environment, List<HealthGroup> groups) {
        String servlet = joined(
                environment.getProperty("server.servlet.context-path", ""),
                joined(
                        environment.getProperty("spring.mvc.servlet.path", ""),
                        environment.getProperty("spring.webflux.base-path", "")));
        List<String> all = new ArrayList<>();
        List<String> readiness = new ArrayList<>();
        if (ManagementPortType.get(environment) == ManagementPortType.SAME) {
            String base = joined(servlet, actuator(environment));
            String health = joined(base, health(environment));
            // The path of an actuator at the root does not distinguish it from the application, except for its health.
            all.add(base.equals(servlet) ? health : base);
            addReadiness(readiness, health, groups);
        }
        for (HealthGroup group : groups) {
            add(all, readiness, servlet, group.serverPath(), group);
        }
        return new ManagementPaths(List.copyOf(all), List.copyOf(readiness));
    }

    /** Returns the paths on a management port of its own. */
    static ManagementPaths onManagementPort(Environment environment, List<HealthGroup> groups) {
        String root = joined(environment.getProperty("management.server.base-path", ""), "");
        List<String> readiness = new ArrayList<>();
        addReadiness(readiness, joined(joined(root, actuator(environment)), health(environment)), groups);
        for (HealthGroup group : groups) {
            add(new ArrayList<>(), readiness, root, group.managementPath(), group);
        }
        return new ManagementPaths(List.copyOf(readiness), List.copyOf(readiness));
    }

    /** The group of that name is there by convention, even where Spring Boot has none. */
    private static void addReadiness(List<String> readiness, String health, List<HealthGroup> groups) {
        readiness.add(joined(health, "readiness"));
        groups.stream()
                .filter(group -> group.readiness() && !group.name().equals("readiness"))
                .forEach(group -> readiness.add(joined(health, group.name())));
    }

    private static void add(
            List<String> all, List<String> readiness, String root, @Nullable String path, HealthGroup group) {
        if (path != null) {
            all.add(joined(root, path));
            if (group.readiness()) {
                readiness.add(joined(root, path));
            }
        }
    }

    private static String actuator(Environment environment) {
        return environment.getProperty("management.endpoints.web.base-path", "/actuator");
    }

    private static String health(Environment environment) {
        return environment.getProperty("management.endpoints.web.path-mapping.health", "health");
    }

    /** Joins two paths that may be empty, begin or end with a slash; the result begins with one, and ends with none. */
    private static String joined(String first, String second) {
        String end = second.startsWith("/") ? second.substring(1) : second;
        String both = first + (end.isEmpty() || first.endsWith("/") ? "" : "/") + end;
        return both.endsWith("/") ? both.substring(0, both.length() - 1) : both;
    }

    boolean isManagement(Request request) {
        return isAtOrBelow(request, all);
    }

    boolean isReadiness(Request request) {
        return isAtOrBelow(request, readiness);
    }

    private static boolean isAtOrBelow(Request request, List<String> paths) {
        MessageBytes uri = request.getDecodedRequestURIMB();
        for (int i = 0; i < paths.size(); i++) { // no iterator: this is on every request's way
            String path = paths.get(i);
            if (!uri.isNull() && uri.startsWithIgnoreCase(path, 0)) {
                String decoded = uri.toString();
                if (decoded.startsWith(path)
                        && (decoded.length() == path.length() || decoded.charAt(path.length()) == '/')) {
                    return true;
                }
            }
        }
        return false;
    }
}
