package io.tomcatdrain.testkit.fleet;

import java.time.Duration;

/**
 * How one request of the load ended. Times are of {@link System#nanoTime()}.
 *
 * @param what the client and the kind of its request
 * @param node the node that answered, or {@code ?}
 * @param begunIn what happened to the fleet when the request began
 * @param endedIn what happened to it when the request ended
 * @param fault why the request counts as lost; empty when it does not
 */
record Outcome(
        Kind kind,
        String what,
        String node,
        String begunIn,
        String endedIn,
        long beganNanos,
        long endedNanos,
        String fault) {

    /** What is counted apart. */
    enum Kind {
        UPLOAD,
        GET
    }

    boolean lost() {
        return !fault.isEmpty();
    }

    Duration took() {
        return Duration.ofNanos(endedNanos - beganNanos);
    }

    @Override
    public String toString() {
        return what + " by node " + node + ", " + took().toMillis() + " ms, begun while " + begunIn + ", ended while "
                + endedIn + (lost() ? ": " + fault : "");
    }
}
