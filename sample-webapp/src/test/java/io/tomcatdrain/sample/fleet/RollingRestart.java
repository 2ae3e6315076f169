package io.tomcatdrain.sample.fleet;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Stops and starts the nodes one after the other while the load goes on. */
final class RollingRestart {
    private static final Duration USE_LIMIT = Duration.ofSeconds(60);

    private final List<TomcatNode> nodes;
    private final FrontEnd frontEnd;
    private final Tally tally;
    private final List<Stopped> stops = new ArrayList<>();

    /**
     * One stop of a node.
     *
     * @param took from the stop to the end of the process
     * @param heldUploads uploads that the node answered well after the stop had begun
     * @param afterLastUpload from the last of these answers to the end of the process; zero where there is none
     */
    record Stopped(String node, TomcatNode.Stop way, Duration took, int heldUploads, Duration afterLastUpload) {
        @Override
        public String toString() {
            return node + " by " + way + " in " + took.toMillis() + " ms; " + heldUploads
                    + " uploads finished meanwhile, the last one " + afterLastUpload.toMillis() + " ms before the end";
        }
    }

    RollingRestart(List<TomcatNode> nodes, FrontEnd frontEnd, Tally tally) {
        this.nodes = nodes;
        this.frontEnd = frontEnd;
        this.tally = tally;
    }

    /** Stops each node once, in turn, each stop in another way than the one before. */
    void round() {
        for (var node : nodes) {
            restart(node, TomcatNode.Stop.values()[stops.size() % TomcatNode.Stop.values().length]);
        }
    }

    /** Waits until the front end uses every node. */
    void awaitAllUsed(long sinceNanos) {
        nodes.forEach(node -> tally.awaitAnswerBy(node.name(), sinceNanos, USE_LIMIT));
    }

    List<Stopped> stops() {
        return stops;
    }

    private void restart(TomcatNode node, TomcatNode.Stop way) {
        tally.phase("stop " + stops.size() + ", " + node.name() + " stops by " + way);
        long stopNanos = System.nanoTime();
        long exitNanos = node.stop(way);
        tally.phase("stop " + stops.size() + ", " + node.name() + " starts again");
        node.start();
        long readyNanos = System.nanoTime();
        tally.phase("stop " + stops.size() + ", " + node.name() + " is ready, not used yet");
        tally.awaitAnswerBy(node.name(), readyNanos, USE_LIMIT);
        tally.phase("stop " + stops.size() + ", " + node.name() + " is used again");
        // The pause is a part of what is tested: a front end's penalty on a node that was away must pass.
        LockSupport.parkNanos(frontEnd.betweenNodes().toNanos());
        stops.add(stopped(node, way, stopNanos, exitNanos));
    }

    private Stopped stopped(TomcatNode node, TomcatNode.Stop way, long stopNanos, long exitNanos) {
        var held = tally.answeredUploads(node.name(), stopNanos, exitNanos + Duration.ofSeconds(1).toNanos());
        long lastNanos = held.stream().mapToLong(Outcome::endedNanos).max().orElse(exitNanos);
        return new Stopped(
                node.name(),
                way,
                Duration.ofNanos(exitNanos - stopNanos),
                held.size(),
                Duration.ofNanos(Math.max(0, exitNanos - lastNanos)));
    }
}
