package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.sample.fleet.OneMachine.Speaks;
import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Node;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Pause;
import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The same with more: six nodes rolled two at a time behind one front end, beside two nodes rolled one after the other, and up to 10,000
 * uploads on a node whose socket is handed over. Runs with {@code -Dfleet=growth} only; {@code -Dfleet.rolls=3} rolls each fleet so often.
 */
@ResourceLock(providers = LongForm.class)
@Timeout(value = 2, unit = TimeUnit.HOURS)
final class GrowthIT {
    private static final FrontEnd FRONT_END = FrontEnd.MOD_JK;
    private static final int ROLLS = Integer.getInteger("fleet.rolls", 2);
    private static final Duration USE_LIMIT = Duration.ofSeconds(120);
    private static final Duration DRIP = Duration.ofSeconds(60);

    /** The stops of one step of a roll, from the first stop to the last end. */
    private record Step(int uploads, Duration took) {}

    /** Nodes, and how many of them stop at a time. */
    static Stream<Arguments> fleets() {
        return LongForm.GROWTH ? Stream.of(Arguments.of(2, 1), Arguments.of(6, 2)) : Stream.empty();
    }

    static IntStream uploads() {
        return LongForm.GROWTH ? IntStream.of(100, 1_000, 10_000) : IntStream.empty();
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("fleets")
    void losesNothingOfAFleetThatIsRolledInSteps(int size, int atATime) {
        FleetIT.needs(FRONT_END);
        var profile = new Profile(
                12 * size,
                50_000,
                300_000,
                Duration.ofMillis(2000),
                Duration.ofMillis(4000),
                6,
                Duration.ofMillis(150));
        try (var fleet = Fleet.started(
                FRONT_END,
                "growth-" + size,
                size,
                (directory, name) -> TomcatNode.installed(directory, name, 11, FRONT_END.valveAttributes()),
                configuration -> ofSize(configuration, size))) {
            var tally = new Tally();
            var load = Load.started(fleet.port(), profile, tally);
            var steps = new ArrayList<Step>();
            long beganNanos = System.nanoTime();
            long tookNanos;
            try {
                fleet.nodes().forEach(node -> tally.awaitUploadBy(node.name(), beganNanos, USE_LIMIT));
                long rollNanos = System.nanoTime();
                for (int roll = 0; roll < ROLLS; roll++) {
                    for (int at = 0; at < size; at += atATime) {
                        tally.phase("roll " + roll + " from node " + at);
                        steps.add(step(fleet.nodes().subList(at, at + atATime), tally));
                    }
                }
                tookNanos = System.nanoTime() - rollNanos;
            } finally {
                load.finish();
            }
            var times = steps.stream().map(Step::took).sorted().toList();
            tell(String.format(
                    Locale.ROOT,
                    "| %d nodes, %d at a time | %d | %,d | %,d | **%d** | %,d | %d | %.1f | %.1f |",
                    size,
                    atATime,
                    steps.size() * atATime,
                    tally.uploads(),
                    steps.stream().mapToInt(Step::uploads).sum(),
                    tally.lostUploads().size(),
                    tally.gets(),
                    tally.lostGets().size(),
                    times.get(times.size() / 2).toMillis() / 1000.0,
                    tookNanos / 1e9 / ROLLS));
            assertThat(tally.lostUploads()).as(fleet.logs()).isEmpty();
            assertThat(tally.lostGets()).as(fleet.logs()).isEmpty();
        }
    }

    private static Step step(List<TomcatNode> nodes, Tally tally) {
        long stopNanos = System.nanoTime();
        var exits = nodes.stream()
                .map(node -> CompletableFuture.supplyAsync(
                        () -> node.stop(Node.Stop.SIGTERM), work -> new Thread(work, "stops " + node.name()).start()))
                .toList();
        int uploads = 0;
        long lastNanos = stopNanos;
        for (int i = 0; i < nodes.size(); i++) {
            long exitNanos = exits.get(i).join();
            lastNanos = Math.max(lastNanos, exitNanos);
            uploads += tally.uploadsDuring(nodes.get(i).name(), stopNanos, exitNanos);
        }
        nodes.forEach(TomcatNode::launch);
        nodes.forEach(node -> tally.awaitUploadBy(node.name(), stopNanos + (System.nanoTime() - stopNanos), USE_LIMIT));
        Pause.until(System.nanoTime() + FRONT_END.betweenNodes().toNanos());
        return new Step(uploads, Duration.ofNanos(lastNanos - stopNanos));
    }

    /** The example's two workers, and more of them. */
    private static String ofSize(String configuration, int size) {
        var names = new StringBuilder("n1,n2");
        var more = new StringBuilder();
        for (int i = 3; i <= size; i++) {
            names.append(",n").append(i);
            more.append("JkWorkerProperty worker.n" + i + ".reference=worker.node\nJkWorkerProperty worker.n" + i
                    + ".host=${NODE" + i + "_HOST}\nJkWorkerProperty worker.n" + i + ".port=${NODE" + i + "_PORT}\n");
        }
        if (!configuration.contains("balance_workers=n1,n2")) {
            return configuration; // a file of the example that names no nodes
        }
        return WebServer.replaced(
                WebServer.replaced(configuration, "balance_workers=n1,n2", "balance_workers=" + names),
                "JkWorkerProperty worker.n1.reference",
                more + "JkWorkerProperty worker.n1.reference");
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("uploads")
    void losesNoneOfManyUploadsWhenTheSocketIsHandedOver(int count) throws IOException {
        try (var machine = new OneMachine("growth-hand-over-" + count, 11, Speaks.HTTP, "", GrowthIT::forMany);
                var crowd = new DrippingUploads(machine.port(), count)) {
            crowd.begin();
            var upgrade = CompletableFuture.supplyAsync(
                    () -> machine.upgrade(null), work -> new Thread(work, "upgrade").start());
            // The rest of each body comes while the next instance starts and the first one waits.
            crowd.finish(DRIP, () -> hasLeftServing(machine.node("blue")));
            var printed = upgrade.join();
            tell(String.format(
                    Locale.ROOT,
                    "| %,d uploads, hand-over | %,d by the old instance | **%d** lost | last answer to the end of the upgrade %d ms |",
                    count,
                    crowd.answeredBy("blue"),
                    crowd.losses().size(),
                    (System.nanoTime() - crowd.lastAnswerNanos()) / 1_000_000));
            assertThat(printed).as(machine.logs()).endsWith("status 0\n");
            assertThat(crowd.losses()).as(machine.logs()).isEmpty();
            assertThat(crowd.answeredBy("blue")).isEqualTo(count);
        }
    }

    private static boolean hasLeftServing(TomcatNode node) {
        try {
            return !Trouble.state(node).equals("SERVING");
        } catch (IOException away) {
            return true;
        }
    }

    /** Room for many connections, which Tomcat's defaults have not. */
    private static void forMany(TomcatNode node) {
        node.changeServerXml(xml ->
                xml.replace("useInheritedChannel=\"true\"", "useInheritedChannel=\"true\" maxConnections=\"20000\""));
        try {
            Files.writeString(
                    Files.createDirectories(node.base().resolve("bin")).resolve("setenv.sh"),
                    "CATALINA_OPTS=\"$CATALINA_OPTS -Xmx2g\"\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Says it, and adds it to {@code target/fleet/growth.md}. */
    private static void tell(String row) {
        System.out.println(row);
        try {
            Files.writeString(
                    Files.createDirectories(Parts.work()).resolve("growth.md"),
                    row + "\n",
                    java.nio.file.StandardOpenOption.CREATE,
                    java.nio.file.StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
