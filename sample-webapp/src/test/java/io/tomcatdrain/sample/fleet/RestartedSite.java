package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.util.List;

/** What is restarted again and again under faults: the nodes behind a front end, or the two instances of one machine. */
interface RestartedSite extends AutoCloseable {

    /** One restart: who stopped from when to when, by {@link System#nanoTime()}, and what befell it meanwhile. */
    record Restart(String node, long stopNanos, long exitNanos, Trouble trouble) {}

    /** Where its users are answered. */
    int port();

    /** The ports at which its nodes speak HTTP/1.1 and HTTP/2 without a front end. */
    int[] directPorts();

    int[] ajpPorts();

    /** Whether its nodes have an application below {@code /full} that has no room for temporary files. */
    boolean hasFullDisk();

    /** The nodes that are answering. */
    List<TomcatNode> serving();

    /** Restarts the next node and waits until its users are answered by what comes back. */
    Restart restart(int number, Tally tally);

    /** The ends of all logs, for a failure message. */
    String logs();

    @Override
    void close();
}
