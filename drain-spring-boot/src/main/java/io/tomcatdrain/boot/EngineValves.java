package io.tomcatdrain.boot;

import java.util.List;
import org.apache.catalina.Valve;

/** The valves for one embedded Tomcat's engine, in the order in which a request meets them. */
record EngineValves(List<Valve> valves) {
    Valve[] toArray() {
        return valves.toArray(Valve[]::new);
    }
}
