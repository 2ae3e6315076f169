package io.tomcatdrain.boot;

import java.util.List;
import org.springframework.beans.factory.ObjectProvider;

/** Asks Spring Boot for the groups of the health endpoint; complete once all beans are there. */
@FunctionalInterface
interface HealthGroups {
    List<HealthGroup> all();

    /** Returns the groups as the line of Spring Boot knows them that is there; none where there is no health endpoint. */
    static List<HealthGroup> ofEither(ObjectProvider<HealthGroups> lines) {
        return lines.stream().flatMap(line -> line.all().stream()).toList();
    }
}
