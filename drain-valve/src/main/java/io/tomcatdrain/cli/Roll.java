package io.tomcatdrain.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Restarts a fleet, node by node: each is drained, restarted by the operator's own command, and waited for. Ends at the first node that
 * is not well. Used once, by one thread.
 */
final class Roll {
    /** How long after the longest drain a node serves again by itself, should this process be killed. */
    private static final Duration SAFETY = Duration.ofMinutes(5);

    private final List<NodeClient> nodes;
    private final Restart restart;
    private final Duration wait;
    private final Duration between;
    private final PrintStream out;
    private final PrintStream err;

    private final LeavingNode leaving;

    Roll(
            List<NodeClient> nodes,
            String command,
            Duration wait,
            Duration ready,
            Duration between,
            PrintStream out,
            PrintStream err) {
        this.nodes = nodes;
        this.restart = new Restart(command, ready, err);
        this.wait = wait;
        this.between = between;
        this.out = out;
        this.err = err;
        this.leaving = new LeavingNode(err);
    }

    /** Rolls; returns the exit status. */
    int run() throws Terminal.NoAnswer, InterruptedException {
        try (leaving) {
            leaving.hook();
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
        leaving.begin(node);
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
        if (!restart.run(node)) {
            return false;
        }
        leaving.forget();
        if (!restart.servesAgain(node, before)) {
            err.println(node.drain() + ": does not serve again "
                    + restart.ready().toSeconds() + " s after the command; no further node is touched");
            return false;
        }
        out.println(node.drain() + ": serves again");
        return true;
    }
}
