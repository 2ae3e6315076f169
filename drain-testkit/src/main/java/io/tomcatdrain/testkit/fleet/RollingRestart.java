package io.tomcatdrain.testkit.fleet;

import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.Node.Stop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Stops and starts the nodes one after the other while the load goes on. */
public final class RollingRestart {
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);
    private static final int MOST_STOPS_WITHOUT_LOSS = 12;
    private static final Duration ANSWER_ON_ITS_WAY = Duration.ofSeconds(1);

    private final Fleet<?> fleet;
    private final FrontEnd frontEnd;
    private final Tally tally = new Tally();
    private final List<Stopped> stops = new ArrayList<>();

    /** When the next node may stop. */
    private long nextNanos = System.nanoTime();

    /** How long it goes on: for at least so many stops and uploads. */
    public record Extent(int stops, int uploads, Profile profile) {}

    /**
     * One stop of a node.
     *
     * @param took from the stop to the end of the process
     * @param lameDuck how long the node served everything first
     * @param slowestUpload how long the slowest of the uploads took that were under way on the node after that
     * @param heldUploads uploads that the node answered well after the stop had begun
     * @param afterLastUpload from the last of these answers to the end of the process; zero where there is none
     * @param uploads when they began and ended, in milliseconds since the stop
     */
    public record Stopped(
            String node,
            Stop way,
            Duration took,
            Duration lameDuck,
            Duration slowestUpload,
            int heldUploads,
            Duration afterLastUpload,
            String uploads) {
        /** How much longer it took than the slowest upload that the node had to wait for. */
        Duration beyondSlowestUpload() {
            return took.minus(lameDuck).minus(slowestUpload);
        }

        @Override
        public String toString() {
            return node + " by " + way + " in " + took.toMillis() + " ms, of these " + lameDuck.toMillis()
                    + " ms lame duck, slowest upload " + slowestUpload.toMillis() + " ms; " + heldUploads
                    + " uploads finished meanwhile, the last one " + afterLastUpload.toMillis()
                    + " ms before the end: " + uploads;
        }
    }

    public RollingRestart(Fleet<?> fleet, FrontEnd frontEnd) {
        this.fleet = fleet;
        this.frontEnd = frontEnd;
    }

    public void underLoad(Extent extent) {
        underLoad(extent.profile(), () -> stops.size() < extent.stops() || tally.uploads() < extent.uploads());
    }

    /**
     * For the proof that a test can see a loss: goes on until it has seen one. A single stop may lose nothing by luck, twelve cannot.
     */
    public void untilLossIsSeen(Profile profile, BooleanSupplier seen) {
        underLoad(profile, () -> stops.size() < MOST_STOPS_WITHOUT_LOSS && !seen.getAsBoolean());
    }

    private void underLoad(Profile profile, BooleanSupplier goesOn) {
        var load = Load.started(fleet.port(), profile, tally);
        try {
            long startedNanos = System.nanoTime();
            fleet.nodes().forEach(node -> tally.awaitUploadBy(node.name(), startedNanos, USE_LIMIT));
            while (goesOn.getAsBoolean()) {
                restart(fleet.nodes().get(stops.size() % fleet.nodes().size()));
            }
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(e.getMessage() + "\n" + stops + "\n" + fleet.logs(), e);
        } finally {
            tally.phase("the load ends");
            load.finish();
        }
    }

    public Tally tally() {
        return tally;
    }

    public List<Stopped> stops() {
        return stops;
    }

    Duration medianStop() {
        return median(stops.stream(), Stopped::took);
    }

    /** From the last upload that a stop waited for to the end of the process. */
    public Duration medianAfterLastUpload() {
        return median(stops.stream().filter(stop -> stop.heldUploads() > 0), Stopped::afterLastUpload);
    }

    public Duration medianBeyondSlowestUpload() {
        return median(stops.stream(), Stopped::beyondSlowestUpload);
    }

    Duration medianLameDuck() {
        return median(stops.stream(), Stopped::lameDuck);
    }

    Duration worstAfterLastUpload() {
        return stops.stream()
                .map(Stopped::afterLastUpload)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    private void restart(Node node) {
        // Each stop in another way than the one before.
        var way = node.ways().get(stops.size() % node.ways().size());
        var label = "stop " + stops.size() + ", " + node.name();
        // Not waiting for something else: a penalty on a node that was away must pass, as the example's README says.
        LockSupport.parkNanos(nextNanos - System.nanoTime());
        tally.phase(label + " stops by " + way);
        long stopNanos = System.nanoTime();
        long exitNanos = node.stop(way);
        var lameDuck = node.lameDuck();
        tally.phase(label + " starts again");
        node.start();
        long readyNanos = System.nanoTime();
        tally.phase(label + " is ready, not used yet");
        tally.awaitUploadBy(node.name(), readyNanos, USE_LIMIT);
        tally.phase(label + " is used again");
        nextNanos = readyNanos + frontEnd.betweenNodes().toNanos();
        stops.add(stopped(node, way, stopNanos, lameDuck, exitNanos));
    }

    private Stopped stopped(Node node, Stop way, long stopNanos, Duration lameDuck, long exitNanos) {
        var held = tally.answeredUploads(node.name(), stopNanos, exitNanos + ANSWER_ON_ITS_WAY.toNanos());
        long lastNanos = held.stream().mapToLong(Outcome::endedNanos).max().orElse(exitNanos);
        var slowest = tally.uploadsUnderWay(node.name(), stopNanos + lameDuck.toNanos()).stream()
                .map(Outcome::took)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
        return new Stopped(
                node.name(),
                way,
                Duration.ofNanos(exitNanos - stopNanos),
                lameDuck,
                slowest,
                held.size(),
                Duration.ofNanos(Math.max(0, exitNanos - lastNanos)),
                timeline(held, stopNanos));
    }

    /** When the uploads began and ended, in milliseconds since the stop. */
    private static String timeline(List<Outcome> uploads, long stopNanos) {
        return uploads.stream()
                .map(upload -> (upload.beganNanos() - stopNanos) / 1_000_000 + ".."
                        + (upload.endedNanos() - stopNanos) / 1_000_000)
                .collect(Collectors.joining(", "));
    }

    private static Duration median(Stream<Stopped> stops, Function<Stopped, Duration> figure) {
        var sorted = stops.map(figure).sorted().toList();
        return sorted.isEmpty() ? Duration.ZERO : sorted.get(sorted.size() / 2);
    }
}
