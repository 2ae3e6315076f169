package io.tomcatdrain.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The one node that this process drains, which serves again if the process ends before it was restarted or resumed. Thread-safe. */
final class LeavingNode implements AutoCloseable {
    private final AtomicReference<@Nullable NodeClient> draining = new AtomicReference<>();
    private final Thread hook = new Thread(this::undo, "drain-undo");
    private final PrintStream err;

    LeavingNode(PrintStream err) {
        this.err = err;
    }

    /** Lets an end of the process, Ctrl-C among others, undo the drain. */
    void hook() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Notes that a node is about to be drained. */
    void begin(NodeClient node) {
        draining.set(node);
    }

    /** What happens to it from now on is not undone. */
    void forget() {
        draining.set(null);
    }

    /** Lets a node serve again that was drained in vain. */
    private void undo() {
        NodeClient node = draining.getAndSet(null);
        if (node == null) {
            return;
        }
        try {
            NodeClient.Answer answer = node.resume();
            if (answer.status() == 200) {
                err.println(node.drain() + ": serves again");
            } else {
                err.println(node.drain() + ": may still drain: " + Json.text(answer.json(), "error"));
            }
        } catch (IOException gone) {
            err.println(node.drain() + ": may still drain, or be stopped: it does not answer ("
                    + NodeClient.reason(gone) + ")");
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        undo();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            // It runs, and finds nothing to do.
        }
    }
}
