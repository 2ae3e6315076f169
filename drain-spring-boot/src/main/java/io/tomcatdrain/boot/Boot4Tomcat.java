package io.tomcatdrain.boot;

import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Adds the valves where the factory of embedded Tomcats has its name of Spring Boot from 4 on. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(name = Boot4Tomcat.FACTORY)
class Boot4Tomcat {
    static final String FACTORY = "org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory";

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> drainBoot4Customizer(EngineValves valves) {
        return factory -> {
            if (factory instanceof TomcatWebServerFactory tomcat) {
                tomcat.setEngineValves(valves.joinedTo(tomcat.getEngineValves()));
            } else {
                factory.addEngineValves(valves.toArray());
            }
        };
    }
}
