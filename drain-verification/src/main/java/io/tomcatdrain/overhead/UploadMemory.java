package io.tomcatdrain.overhead;

import io.tomcatdrain.TemporaryDirectories;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.management.ObjectName;

/**
 * Measures what an upload under way occupies beside what it occupies in a server without the valve: the same uploads are begun on a
 * server without the valve and on one with it, on a pooled request each, and stay inside. What is compared are the JVM's histograms
 * of live objects.
 */
public final class UploadMemory {
    private static final Pattern ROW = Pattern.compile("(?m)^ *\\d+: +\\d+ +(\\d+) +(\\S+)");

    /** Kept, as its level is forgotten with it. */
    private static final Logger LOG = Logger.getLogger("");

    /** All requests, so that none is freed meanwhile. */
    private static final List<InMemoryProcessor> INSIDE = new ArrayList<>(100_000);

    private UploadMemory() {}

    /** Measures; the argument says with how many uploads, 10,000 without one. */
    public static void main(String[] arguments) throws Exception {
        LOG.setLevel(Level.SEVERE);
        int uploads = arguments.length == 0 ? 10_000 : Integer.parseInt(arguments[0]);
        Map<String, Long> without = grown(Subject.NO_VALVE, uploads);
        Map<String, Long> difference = minus(grown(Subject.DRAIN_VALVE, uploads), without);
        System.out.printf(
                Locale.ROOT,
                "%d uploads: %d bytes each without the valve, and %d for the valve:%n",
                uploads,
                sum(without) / uploads,
                sum(difference) / uploads);
        difference.forEach((type, bytes) -> {
            if (Math.abs(bytes) >= uploads) {
                System.out.printf(Locale.ROOT, "  %+5d %s%n", bytes / uploads, type);
            }
        });
        System.out.flush();
        TemporaryDirectories.delete();
        Runtime.getRuntime().halt(0); // a stop would wait for the uploads
    }

    /** Returns by how many bytes the objects of each class have grown with so many uploads. */
    private static Map<String, Long> grown(Subject subject, int uploads) throws Exception {
        MeasuredServer server = new MeasuredServer(subject, "127.0.0.2", TemporaryDirectories.make("memory"));
        begin(server, 100); // the first ones load classes and grow what grows once
        Map<String, Long> before = liveBytes();
        begin(server, uploads);
        return minus(liveBytes(), before);
    }

    private static void begin(MeasuredServer server, int uploads) throws Exception {
        for (int i = 0; i < uploads; i++) {
            InMemoryProcessor processor = new InMemoryProcessor(server.adapter());
            // As from a socket: text of its own for each
            processor.serve(Exchange.heldUpload(i), "203.0.113." + i % 256);
            INSIDE.add(processor);
        }
    }

    /** Collects garbage and returns what is left, by class. */
    private static Map<String, Long> liveBytes() throws Exception {
        String histogram = (String) ManagementFactory.getPlatformMBeanServer()
                .invoke(
                        new ObjectName("com.sun.management:type=DiagnosticCommand"),
                        "gcClassHistogram",
                        new Object[] {new String[0]},
                        new String[] {String[].class.getName()});
        Map<String, Long> bytes = new TreeMap<>();
        for (MatchResult row : ROW.matcher(histogram).results().toList()) {
            bytes.merge(row.group(2), Long.valueOf(row.group(1)), Long::sum);
        }
        return bytes;
    }

    private static Map<String, Long> minus(Map<String, Long> from, Map<String, Long> what) {
        Map<String, Long> difference = new TreeMap<>(from);
        what.forEach((type, bytes) -> difference.merge(type, -bytes, Long::sum));
        return difference;
    }

    private static long sum(Map<String, Long> bytes) {
        return bytes.values().stream().mapToLong(Long::longValue).sum();
    }
}
