package io.tomcatdrain.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;

/** Shows the nodes again at each of their events, until none of them sends any more. Used once, by one thread. */
final class Follower {
    /** Clears a terminal and goes to its first line (ECMA-48). */
    private static final String CLEAR = "\u001b[H\u001b[2J";

    private final List<NodeClient> nodes;
    private final PrintStream out;

    /** The number of a node that has something new; of one that has ended, its complement. */
    private final BlockingQueue<Integer> news = new LinkedBlockingQueue<>();

    Follower(List<NodeClient> nodes, PrintStream out) {
        this.nodes = nodes;
        this.out = out;
    }

    /**
     * Shows them; returns when all have ended.
     *
     * @throws Terminal.NoAnswer if a node does not answer at the beginning
     */
    int follow() throws Terminal.NoAnswer, InterruptedException {
        List<String> shown = new ArrayList<>();
        for (NodeClient node : nodes) {
            shown.add(Terminal.answer(node, NodeClient::text).body());
        }
        for (int i = 0; i < nodes.size(); i++) {
            int number = i;
            Thread listener =
                    new Thread(() -> listen(number), "events of " + nodes.get(i).drain());
            listener.setDaemon(true);
            listener.start();
        }
        show(shown);
        int open = nodes.size();
        while (open > 0) {
            int number = news.take();
            if (number < 0) {
                open--;
                shown.set(
                        ~number,
                        nodes.get(~number).drain() + ": has ended its events; the node stops, or cannot be reached\n");
            } else {
                shown.set(number, text(nodes.get(number), shown.get(number)));
            }
            if (news.isEmpty()) {
                show(shown);
            }
        }
        return Terminal.WELL;
    }

    private static String text(NodeClient node, String before) throws InterruptedException {
        try {
            return Terminal.answer(node, NodeClient::text).body();
        } catch (Terminal.NoAnswer gone) {
            return before; // its events are about to end
        }
    }

    @SuppressWarnings("SystemConsoleNull") // Main asks for the one that is null without a terminal
    private void show(List<String> shown) {
        if (System.console() != null) {
            out.print(CLEAR);
        }
        shown.forEach(out::println);
        out.flush();
    }

    private void listen(int number) {
        try (Stream<String> lines = nodes.get(number).events().body()) {
            lines.filter(line -> line.startsWith("data:")).forEach(line -> news.add(number));
        } catch (IOException | UncheckedIOException ended) {
            // said below
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        } finally {
            news.add(~number);
        }
    }
}
