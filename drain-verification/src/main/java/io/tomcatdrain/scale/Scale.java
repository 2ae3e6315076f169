package io.tomcatdrain.scale;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Runs the {@link Scenario} with more and more uploads, and prints what was seen; fails if one was lost. */
public final class Scale {
    private static final int CONTENT_LENGTH = 16 * 1024;

    private Scale() {}

    /** Runs; the arguments are numbers of uploads, 100, 1,000 and 10,000 without any. */
    public static void main(String[] arguments) throws Exception {
        List<Integer> sizes = arguments.length == 0
                ? List.of(100, 1_000, 10_000)
                : Stream.of(arguments).map(Integer::valueOf).toList();
        System.out.printf(
                "%s %s, %d processors%n",
                System.getProperty("java.vm.name"),
                System.getProperty("java.version"),
                Runtime.getRuntime().availableProcessors());
        boolean whole = true;
        for (Mode mode : Mode.values()) {
            if (mode == Mode.BLOCKING && !mode.hasVirtualThreads()) {
                System.out.println("BLOCKING is left out: this JDK has no virtual threads");
                continue;
            }
            for (int uploads : sizes) {
                // 500 pieces a second, at most for half a minute: what two cores can do besides
                Duration dripping = Duration.ofSeconds(Math.max(3, Math.min(30, uploads * 15 / 2_000)));
                Scenario.Seen seen = Scenario.run(mode, uploads, CONTENT_LENGTH, dripping);
                print(mode, seen);
                whole &= seen.right() == uploads && seen.listed() == uploads && seen.inJmx() == uploads;
            }
        }
        System.exit(whole ? 0 : 1);
    }

    private static void print(Mode mode, Scenario.Seen seen) {
        System.out.printf(
                Locale.ROOT,
                "%s %d uploads: %d in the status, %d in JMX, a late one answered %d; %d right, %d lost; %s, exit %d%n"
                        + "  GET /drain %.1f ms (%d KiB), ActiveUploads %.1f ms, POST /drain %.1f ms%n"
                        + "  DRAINED %.1f ms after the last byte was sent, %.1f ms after the last answer had come%n"
                        + "  heap of the node per upload, Tomcat's share included: %d bytes%n",
                mode,
                seen.uploads(),
                seen.listed(),
                seen.inJmx(),
                seen.refused(),
                seen.right(),
                seen.others().size(),
                seen.outcome(),
                seen.exit(),
                seen.statusMillis(),
                seen.statusBytes() / 1024,
                seen.jmxMillis(),
                seen.drainMillis(),
                seen.lastByteMillis(),
                seen.drainedMillis(),
                seen.heapPerUpload());
        seen.others().stream().limit(5).forEach(other -> System.out.println("  " + other));
    }
}
