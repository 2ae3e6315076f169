package io.tomcatdrain.boot;

import io.tomcatdrain.valve.DrainValve;
import java.util.List;
import org.apache.catalina.valves.ValveBase;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/**
 * Lets polls of readiness on a management port of its own count as probers', so that a drain waits until they have seen it. Nothing is
 * counted or refused there.
 */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
@ConditionalOnClass(ValveBase.class)
@ConditionalOnBean(DrainValve.class)
@Import({Boot3Tomcat.class, Boot4Tomcat.class})
class DrainManagementConfiguration {

    /** Hides the bean of the same name that is for the application's own Tomcat. */
    @Bean
    static EngineValves drainEngineValves(ManagementValve valve) {
        return new EngineValves(List.of(valve));
    }

    /** Hides the bean of the same name that is for the application's own Tomcat. */
    @Bean
    static ManagementValve drainManagementValve(
            DrainValve valve, Environment environment, ObjectProvider<HealthGroups> groups) {
        return new ManagementValve(
                () -> ManagementPaths.onManagementPort(environment, HealthGroups.ofEither(groups)), valve);
    }
}
