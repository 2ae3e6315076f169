package io.tomcatdrain.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Restarts a fleet, node by node: each is drained, restarted by the operator's own command, and waited for. Ends at the first node that
 * is not well. Used once, by one thread.
 */
final class Roll {
    /** How long after the longest drain a node serves again by itself, should this process be killed. */
    private static final Duration SAFETY = Duration.ofMinutes(5);

    private static final Duration LOOK = Duration.ofSeconds(1);

    private final List<NodeClient> nodes;
    private final String command;
    private final Duration wait;
    private final Duration ready;
    private final Duration between;
    private final PrintStream out;
    private final PrintStream err;

    /** The node that was told to drain, and has not been restarted yet. */
    private final AtomicReference<@Nullable NodeClient> draining = new AtomicReference<>();

    Roll(
            List<NodeClient> nodes,
            String command,
            Duration wait,
            Duration ready,
            Duration between,
            PrintStream out,
            PrintStream err) {
        this.nodes = nodes;
        this.command = command;
        this.wait = wait;
        this.ready = ready;
        this.between = between;
        this.out = out;
        this.err = err;
    }

    /** Rolls; returns the exit status. */
    int run() throws Terminal.NoAnswer, InterruptedException {
        Thread undo = new Thread(this::undo, "drain-undo");
        Runtime.getRuntime().addShutdownHook(undo);
        try {
            for (int i = 0; i < nodes.size(); i++) {
                if (i > 0) {
                    Terminal.pause(between);
                }
                if (!areAllServing() || !restart(nodes.get(i))) {
                    return Terminal.NOT_WELL;
                }
            }
            out.println("all " + nodes.size() + " nodes are restarted");
            return Terminal.WELL;
        } finally {
            undo();
            try {
                Runtime.getRuntime().removeShutdownHook(undo);
            } catch (IllegalStateException ending) {
                // It runs, and finds nothing to do.
            }
        }
    }

    /** Two nodes out at once are an outage. */
    private boolean areAllServing() throws Terminal.NoAnswer, InterruptedException {
        for (NodeClient node : nodes) {
            NodeClient.Answer answer = Terminal.answer(node, NodeClient::status);
            if (!"SERVING".equals(answer.state())) {
                err.println(Terminal.line(node, answer) + ": it is not serving, so no node is drained");
                return false;
            }
        }
        return true;
    }

    private boolean restart(NodeClient node) throws Terminal.NoAnswer, InterruptedException {
        out.println(node.drain() + ": drains");
        draining.set(node);
        Map<String, @Nullable String> parameters = new HashMap<>();
        parameters.put("wait", wait.toMillis() + "ms");
        parameters.put("resumeAfter", wait.plus(SAFETY).toMillis() + "ms");
        parameters.put("reason", "roll");
        NodeClient.Answer answer = Terminal.answer(node, asked -> asked.drain(parameters, wait));
        out.println(Terminal.line(node, answer));
        if (answer.status() != 200) {
            err.println(node.drain() + ": not drained; nothing was done to it");
            return false;
        }
        String before = String.valueOf(Json.text(answer.json(), "since"));
        if (!runsCommand(node)) {
            return false;
        }
        draining.set(null);
        if (!servesAgain(node, before)) {
            err.println(node.drain() + ": does not serve again " + ready.toSeconds()
                    + " s after the command; no further node is touched");
            return false;
        }
        out.println(node.drain() + ": serves again");
        return true;
    }

    private boolean runsCommand(NodeClient node) throws InterruptedException {
        boolean windows = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
        ProcessBuilder shell =
                windows ? new ProcessBuilder("cmd", "/c", command) : new ProcessBuilder("sh", "-c", command);
        shell.environment().remove("DRAIN_TOKEN"); // the command does not need it
        shell.environment().put("DRAIN_URL", node.drain().toString());
        shell.environment().put("DRAIN_HOST", node.drain().getHost());
        try {
            int status = shell.inheritIO().start().waitFor();
            if (status != 0) {
                err.println(node.drain() + ": the command ended with status " + status);
            }
            return status == 0;
        } catch (IOException unable) {
            err.println(node.drain() + ": the command cannot be run: " + unable);
            return false;
        }
    }

    /** Asks for the status, since polls of {@code ready} would make this process a prober. */
    private boolean servesAgain(NodeClient node, String before) throws InterruptedException {
        long until = System.nanoTime() + ready.toNanos();
        do {
            try {
                NodeClient.Answer answer = node.status();
                String since = Json.text(answer.json(), "since");
                if ("SERVING".equals(answer.state()) && !before.equals(since)) {
                    return true;
                }
            } catch (IOException away) {
                // that is what it is waited for
            }
            Terminal.pause(LOOK);
        } while (System.nanoTime() - until < 0);
        return false;
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
            err.println(node.drain() + ": may still drain, or be stopped: it does not answer (" + gone + ")");
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        }
    }
}
