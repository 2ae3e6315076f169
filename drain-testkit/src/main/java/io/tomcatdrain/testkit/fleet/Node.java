package io.tomcatdrain.testkit.fleet;

import java.time.Duration;
import java.util.List;

/** One server of a fleet, which is stopped and started while the load goes on. */
public interface Node extends AutoCloseable {

    /** The ways in which an operator's tools stop a node. */
    enum Stop {
        SIGTERM,
        CATALINA_SH,
        /** What systemd does with {@code ExecStop=catalina.sh stop}. */
        SHUTDOWN_PORT_THEN_SIGTERM
    }

    String name();

    int httpPort();

    int ajpPort();

    /** The port of the connector that is there for probes and control: the HTTP port where it has no own. */
    default int controlPort() {
        return httpPort();
    }

    /** The ways to stop it. */
    List<Stop> ways();

    /** Starts it and waits until it is ready for requests. */
    void start();

    /** Stops it and waits for the end of its process; returns when, by {@link System#nanoTime()}. */
    long stop(Stop way);

    /** How long the lame duck of the latest drain was, as the node has logged it; zero where there was none. */
    Duration lameDuck();

    /** The end of what this node has logged, for a failure message. */
    String tail();

    @Override
    void close();
}
