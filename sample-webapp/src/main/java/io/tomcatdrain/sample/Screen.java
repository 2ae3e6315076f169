package io.tomcatdrain.sample;

import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * Lines that stay, and below them, on a terminal, progress bars that move. Elsewhere the bars
 * become an ordinary line now and then. Thread-safe.
 */
final class Screen {
    private static final int WIDTH = 24;
    private static final long PLAIN_INTERVAL_NANOS = Duration.ofSeconds(2).toNanos();

    private final PrintWriter out;
    private final boolean terminal;
    private final long startNanos = System.nanoTime();
    private Supplier<List<Bar>> bars = List::of;
    private int drawn;
    private long lastPlainNanos = startNanos;

    /** What is done of something that has a name, and a remark. */
    record Bar(String name, long done, long total, String remark) {
        int percent() {
            return total == 0 ? 100 : (int) (100 * done / total);
        }

        private String draw() {
            int filled = WIDTH * percent() / 100;
            return "         %-14s [%s%s] %3d %%  %s"
                    .formatted(name, "#".repeat(filled), "-".repeat(WIDTH - filled), percent(), remark);
        }
    }

    Screen(PrintWriter out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    /** Replaces the bars by those that {@code bars} gives each time. */
    synchronized void show(Supplier<List<Bar>> bars) {
        erase();
        this.bars = bars;
        draw();
        out.flush();
    }

    /** Says whether standard output is a terminal that can move its cursor. */
    @SuppressWarnings("SystemConsoleNull") // null before JDK 22, asked for a terminal from there on
    static boolean isTerminal() {
        Console console = System.console();
        if (console == null || "dumb".equals(System.getenv("TERM"))) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException e) {
            return true;
        }
    }

    /** Adds a line that stays, with the time since the start. */
    synchronized void say(String line) {
        erase();
        out.printf("%5.1f s  %s%n", (System.nanoTime() - startNanos) / 1e9, line);
        draw();
        out.flush();
    }

    /** Shows how far things are by now. */
    synchronized void refresh() {
        if (terminal) {
            erase();
            draw();
            out.flush();
        } else if (System.nanoTime() - lastPlainNanos >= PLAIN_INTERVAL_NANOS) {
            lastPlainNanos = System.nanoTime();
            var line = new StringBuilder("progress:");
            for (Bar bar : bars.get()) {
                line.append(' ')
                        .append(bar.name())
                        .append(' ')
                        .append(bar.percent())
                        .append(" %,");
            }
            if (line.charAt(line.length() - 1) == ',') {
                line.setLength(line.length() - 1);
                say(line.toString());
            }
        }
    }

    private void erase() {
        if (drawn > 0) {
            out.print("\033[" + drawn + "A\r\033[J");
            drawn = 0;
        }
    }

    private void draw() {
        if (terminal) {
            for (Bar bar : bars.get()) {
                out.println(bar.draw());
                drawn++;
            }
        }
    }
}
