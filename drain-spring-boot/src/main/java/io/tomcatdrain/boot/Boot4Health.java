package io.tomcatdrain.boot;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.endpoint.web.WebServerNamespace;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.health.actuate.endpoint.AdditionalHealthEndpointPath;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroup;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroups;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Knows the groups of the health endpoint where their types have the names of Spring Boot from 4 on. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(name = Boot4Health.GROUPS)
class Boot4Health {
    static final String GROUPS = "org.springframework.boot.health.actuate.endpoint.HealthEndpointGroups";

    @Bean
    static HealthGroups drainBoot4HealthGroups(ObjectProvider<HealthEndpointGroups> groups) {
        return () -> {
            HealthEndpointGroups known = groups.getIfAvailable();
            return known == null
                    ? List.of()
                    : known.getNames().stream()
                            .flatMap(name -> Stream.ofNullable(known.get(name)).map(group -> group(name, group)))
                            .toList();
        };
    }

    private static HealthGroup group(String name, HealthEndpointGroup group) {
        return new HealthGroup(
                name,
                HealthGroup.isReadiness(name, group::isMember),
                path(group, WebServerNamespace.SERVER),
                path(group, WebServerNamespace.MANAGEMENT));
    }

    private static @Nullable String path(HealthEndpointGroup group, WebServerNamespace server) {
        AdditionalHealthEndpointPath path = group.getAdditionalPath();
        return path != null && path.hasNamespace(server) ? path.getValue() : null;
    }
}
