package io.tomcatdrain.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/**
 * How the operator restarts one node.
 *
 * @param command for the shell
 * @param ready how long it may take until the node serves
 * @param err for what goes wrong
 */
record Restart(String command, Duration ready, PrintStream err) {
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** Runs the command for a node; returns false if it fails. */
    boolean run(NodeClient node) throws InterruptedException {
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

    /**
     * Waits until it serves; returns false if it does not in time. Asks for the status, since polls of {@code ready} would make this process a prober.
     *
     * @param before since when it was in the state that it had before
     */
    boolean servesAgain(NodeClient node, String before) throws InterruptedException {
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
}
