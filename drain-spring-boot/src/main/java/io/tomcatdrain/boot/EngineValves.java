package io.tomcatdrain.boot;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.catalina.Valve;

/** The valves for one embedded Tomcat's engine, in the order in which a request meets them. */
record EngineValves(List<Valve> valves) {

    /**
     * Returns the valves of a factory with these among them. Where the last of these, which the others must be in front of, is there already,
     * since the application has added its bean itself, they take its place: Tomcat's pipeline loses a valve that is added twice, and others with it.
     */
    List<Valve> joinedTo(Collection<? extends Valve> there) {
        Valve last = valves.get(valves.size() - 1);
        List<Valve> all = new ArrayList<>();
        boolean placed = false;
        for (Valve valve : there) {
            if (valve == last && !placed) {
                all.addAll(valves);
                placed = true;
            } else if (!valves.contains(valve)) {
                all.add(valve);
            }
        }
        if (!placed) {
            all.addAll(valves);
        }
        return all;
    }

    Valve[] toArray() {
        return valves.toArray(Valve[]::new);
    }
}
