package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.tomcat.util.IntrospectionUtils;

/** A Tomcat with the valve in one of its containers, or without it. */
final class TestServer extends EmbeddedTomcat {
    private final DrainValve valve;

    private TestServer(Builder builder) throws IOException {
        super(builder);
        valve = null;
    }

    private TestServer(Builder builder, DrainValve valve) throws IOException {
        super(builder, valve);
        this.valve = valve;
    }

    /** Sets an attribute as Tomcat does: by its setter, or by name. */
    static void set(DrainValve valve, String name, String value) {
        if (!IntrospectionUtils.setProperty(valve, name, value)) {
            throw new IllegalArgumentException(name);
        }
    }

    /** Plans a server with the valve in this position, whose lame duck is off. */
    static Builder with(Position position) {
        return new Builder(position, true);
    }

    /** Plans a server without the valve. */
    static Builder bare() {
        return new Builder(Position.ENGINE, false);
    }

    static final class Builder extends Plan<TestServer, Builder> {
        private final boolean drains;
        private final Map<String, String> settings = new LinkedHashMap<>(Map.of("lameDuck", "off"));

        private Builder(Position position, boolean drains) {
            super(position);
            this.drains = drains;
        }

        /** Sets an attribute of the valve. */
        Builder set(String name, String value) {
            settings.put(name, value);
            return this;
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        protected TestServer make() throws IOException {
            if (!drains) {
                return new TestServer(this);
            }
            DrainValve valve = new DrainValve();
            settings.forEach((name, value) -> TestServer.set(valve, name, value));
            return new TestServer(this, valve);
        }
    }

    DrainValve valve() {
        return valve;
    }

    Drain drain() {
        return valve.drain();
    }
}
