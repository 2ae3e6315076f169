package io.tomcatdrain.testkit.fleet;

import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.Node.Stop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Stops and starts the nodes one after the other while the load goes on. */
public final class RollingRestart {
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);
    private static final int MOST_STOPS_WITHOUT_LOSS = 12;
    private static final Duration ANSWER_ON_ITS_WAY = Duration.ofSeconds(1);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(50);

    private final Fleet<?> fleet;
    private final FrontEnd frontEnd;
    private final Tally tally = new Tally();
    private final List<Exit> exits = new ArrayList<>();

    /** A node's process from its stop to its end. */
    private record Exit(String node, Stop way, long stopNanos, long exitNanos, Duration lameDuck) {}

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

    /**
     * For the proof that a test can see a loss: goes on until it has seen one. A single stop may lose nothing by luck, twelve cannot. The node
     * that has lost one is not started again, and the load's last requests are not waited for.
     */
    public void untilLossIsSeen(Profile profile, BooleanSupplier seen) {
        var load = Load.started(fleet.port(), profile, tally);
        try {
            awaitUseOfAll();
            while (exits.size() < MOST_STOPS_WITHOUT_LOSS && !seen.getAsBoolean()) {
                var node = next();
                stop(node);
                if (!isSoon(seen)) {
                    startAgain(node);
                }
            }
        } catch (AssertionError | RuntimeException e) {
            throw withLogs(e);
        } finally {
            load.abandon();
        }
    }

    /** Whether it comes within the time that an answer takes to its client. */
    private static boolean isSoon(BooleanSupplier condition) {
        long endNanos = System.nanoTime() + ANSWER_ON_ITS_WAY.toNanos();
        while (!condition.getAsBoolean() && endNanos - System.nanoTime() > 0) {
            Pause.until(System.nanoTime() + BETWEEN_LOOKS.toNanos());
        }
        return condition.getAsBoolean();
    }

    public void underLoad(Extent extent) {
        var load = Load.started(fleet.port(), extent.profile(), tally);
        try {
            awaitUseOfAll();
            while (exits.size() < extent.stops() || tally.uploads() < extent.uploads()) {
                var node = next();
                stop(node);
                startAgain(node);
            }
        } catch (AssertionError | RuntimeException e) {
            throw withLogs(e);
        } finally {
            tally.phase("the load ends");
            load.finish();
        }
    }

    private void awaitUseOfAll() {
        long startedNanos = System.nanoTime();
        fleet.nodes().forEach(node -> tally.awaitUploadBy(node.name(), startedNanos, USE_LIMIT));
    }

    private AssertionError withLogs(Throwable e) {
        return new AssertionError(e.getMessage() + "\n" + stops() + "\n" + fleet.logs(), e);
    }

    public Tally tally() {
        return tally;
    }

    /** What the stops so far gave; complete when the load has ended. */
    public List<Stopped> stops() {
        return exits.stream().map(this::stopped).toList();
    }

    Duration medianStop() {
        return median(stops().stream(), Stopped::took);
    }

    /** From the last upload that a stop waited for to the end of the process. */
    public Duration medianAfterLastUpload() {
        return median(stops().stream().filter(stop -> stop.heldUploads() > 0), Stopped::afterLastUpload);
    }

    public Duration medianBeyondSlowestUpload() {
        return median(stops().stream(), Stopped::beyondSlowestUpload);
    }

    Duration medianLameDuck() {
        return median(stops().stream(), Stopped::lameDuck);
    }

    Duration worstAfterLastUpload() {
        return stops().stream()
                .map(Stopped::afterLastUpload)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    private Node next() {
        return fleet.nodes().get(exits.size() % fleet.nodes().size());
    }

    private void stop(Node node) {
        // Each stop in another way than the one before.
        var way = node.ways().get(exits.size() % node.ways().size());
        // Not waiting for something else: a penalty on a node that was away must pass, as the example's README says.
        Pause.until(nextNanos);
        tally.phase("stop " + exits.size() + ", " + node.name() + " stops by " + way);
        long stopNanos = System.nanoTime();
        long exitNanos = node.stop(way);
        exits.add(new Exit(node.name(), way, stopNanos, exitNanos, node.lameDuck()));
    }

    private void startAgain(Node node) {
        var label = "after stop " + (exits.size() - 1) + " " + node.name();
        tally.phase(label + " starts again");
        node.start();
        long readyNanos = System.nanoTime();
        tally.phase(label + " is ready, not used yet");
        tally.awaitUploadBy(node.name(), readyNanos, USE_LIMIT);
        tally.phase(label + " is used again");
        nextNanos = readyNanos + frontEnd.betweenNodes().toNanos();
    }

    private Stopped stopped(Exit exit) {
        var held = tally.answeredUploads(exit.node(), exit.stopNanos(), exit.exitNanos() + ANSWER_ON_ITS_WAY.toNanos());
        long lastNanos = held.stream().mapToLong(Outcome::endedNanos).max().orElse(exit.exitNanos());
        var slowest = tally
                .uploadsUnderWay(exit.node(), exit.stopNanos() + exit.lameDuck().toNanos())
                .stream()
                .map(Outcome::took)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
        return new Stopped(
                exit.node(),
                exit.way(),
                Duration.ofNanos(exit.exitNanos() - exit.stopNanos()),
                exit.lameDuck(),
                slowest,
                held.size(),
                Duration.ofNanos(Math.max(0, exit.exitNanos() - lastNanos)),
                timeline(held, exit.stopNanos()));
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
