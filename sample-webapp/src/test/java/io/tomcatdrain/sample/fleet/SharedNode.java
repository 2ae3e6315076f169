package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Node;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.time.Duration;
import java.util.List;

/**
 * A Tomcat that several fleets take for a node of theirs, one after the other or at once, and that none of them starts or stops.
 *
 * @param name what the fleet calls it
 */
record SharedNode(TomcatNode node, String name) implements Node {
    @Override
    public int httpPort() {
        return node.httpPort();
    }

    @Override
    public int ajpPort() {
        return node.ajpPort();
    }

    @Override
    public int controlPort() {
        return node.controlPort();
    }

    @Override
    public List<Stop> ways() {
        return List.of();
    }

    @Override
    public void start() {}

    @Override
    public long stop(Stop way) {
        throw new UnsupportedOperationException(name + " is shared");
    }

    @Override
    public Duration lameDuck() {
        return Duration.ZERO;
    }

    @Override
    public String tail() {
        return node.tail();
    }

    @Override
    public void close() {}
}
