package io.tomcatdrain.boot;

import java.util.List;
import org.apache.catalina.Valve;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.web.embedded.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.embedded.tomcat.TomcatReactiveWebServerFactory;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Adds the valves where the factory of embedded Tomcats has its name of Spring Boot up to 3. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(name = Boot3Tomcat.FACTORY)
class Boot3Tomcat {
    static final String FACTORY = "org.springframework.boot.web.embedded.tomcat.ConfigurableTomcatWebServerFactory";

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> drainBoot3Customizer(EngineValves valves) {
        return factory -> {
            if (factory instanceof TomcatServletWebServerFactory servlet) {
                servlet.setEngineValves(valves.joinedTo(servlet.getEngineValves()));
            } else if (factory instanceof TomcatReactiveWebServerFactory reactive) {
                List<Valve> there = reactive.getEngineValves(); // there is no setter
                List<Valve> all = valves.joinedTo(there);
                there.clear();
                there.addAll(all);
            } else {
                factory.addEngineValves(valves.toArray());
            }
        };
    }
}
