package io.tomcatdrain.overhead;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Measures what an upload under way occupies beside what it occupies in a server without the valve: the same uploads are begun on a
 * server with the valve and on one without, on a pooled request each, and stay inside.
 */
public final class UploadMemory {
    private UploadMemory() {}

    /** Measures; the argument says with how many uploads, 10,000 without one. */
    public static void main(String[] arguments) throws Exception {
        Logger.getLogger("").setLevel(Level.WARNING);
        int uploads = arguments.length == 0 ? 10_000 : Integer.parseInt(arguments[0]);
        for (int round = 0; round < 3; round++) {
            long without = perUpload(Subject.NO_VALVE, uploads);
            long with = perUpload(Subject.DRAIN_VALVE, uploads);
            System.out.printf(
                    Locale.ROOT,
                    "%d uploads: %d bytes each with the valve, %d without: %d bytes for the valve%n",
                    uploads,
                    with,
                    without,
                    with - without);
        }
        System.exit(0);
    }

    private static long perUpload(Subject subject, int uploads) throws Exception {
        try (MeasuredServer server = new MeasuredServer(subject, "127.0.0.2", Files.createTempDirectory("memory"))) {
            // The first ones load classes and grow what grows once.
            List<InMemoryProcessor> inside = begin(server, 100);
            long before = usedHeap();
            inside.addAll(begin(server, uploads));
            long after = usedHeap();
            if (inside.size() != uploads + 100) {
                throw new IllegalStateException("only " + inside.size());
            }
            return (after - before) / uploads;
        }
    }

    private static List<InMemoryProcessor> begin(MeasuredServer server, int uploads) throws Exception {
        List<InMemoryProcessor> inside = new ArrayList<>(uploads);
        for (int i = 0; i < uploads; i++) {
            InMemoryProcessor processor = new InMemoryProcessor(server.adapter());
            // As from a socket: text of its own for each
            processor.serve(
                    Exchange.heldUpload(i),
                    new StringBuilder("203.0.113.").append(i % 256).toString());
            inside.add(processor);
        }
        return inside;
    }

    private static long usedHeap() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
            System.gc();
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }
}
