package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Pause;
import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Two nodes behind a front end, the second of which may have a clock that jumps. */
final class FleetSite implements RestartedSite {
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);

    private final Fleet<TomcatNode> fleet;
    private final FrontEnd frontEnd;
    private final boolean drains;
    private final Set<Trouble> troubles;
    private long nextNanos = System.nanoTime();
    private final Map<String, FaultyNode> faulty = new ConcurrentHashMap<>();

    /** Starts them; the valve's attributes are null for Tomcats without it. With everything there is a full disk, and a clock where one can be had. */
    FleetSite(FrontEnd frontEnd, String name, int line, @Nullable String valveAttributes, boolean everything) {
        this.frontEnd = frontEnd;
        this.drains = valveAttributes != null;
        // A freeze is for a machine of its own: on a slow one it lasts longer than the front end waits for a node.
        this.troubles = everything ? EnumSet.allOf(Trouble.class) : EnumSet.of(Trouble.RELOAD);
        try {
            Fleet.Maker<TomcatNode> maker = (directory, node) -> {
                var made = TomcatNode.installed(directory, node, line, valveAttributes);
                FilesOfSeveralRequestsIT.takeFiles(made);
                faulty.put(node, new FaultyNode(made, everything, everything && node.equals("n2")));
                return made;
            };
            // A Tomcat without the valve is asked for a page, as it has no readiness.
            fleet = Fleet.started(
                    frontEnd,
                    name,
                    maker,
                    configuration ->
                            drains ? configuration : configuration.replaceAll("/drain/ready\\?prober=\\w+", "/page"));
            if (everything) {
                tellWhatIsLeftOut(name);
            }
        } catch (RuntimeException | Error e) {
            faulty.values().forEach(FaultyNode::close);
            throw e;
        }
    }

    private void tellWhatIsLeftOut(String name) {
        if (!hasFullDisk()) {
            System.out.println("skipped: " + name + " without a full disk, which takes root and a tmpfs");
        }
        if (faulty.values().stream().noneMatch(FaultyNode::hasClock)) {
            System.out.println(
                    "skipped: " + name + " without a clock that jumps, which takes faketime to be installed");
        }
    }

    @Override
    public int port() {
        return fleet.port();
    }

    @Override
    public int[] directPorts() {
        return faulty.values().stream().mapToInt(FaultyNode::directPort).toArray();
    }

    @Override
    public int[] ajpPorts() {
        return fleet.nodes().stream().mapToInt(TomcatNode::ajpPort).toArray();
    }

    @Override
    public boolean hasFullDisk() {
        return faulty.values().stream().allMatch(FaultyNode::hasFullDisk);
    }

    @Override
    public List<TomcatNode> serving() {
        return fleet.nodes();
    }

    @Override
    public Restart restart(int number, Tally tally) {
        Pause.until(nextNanos);
        int size = fleet.nodes().size();
        var node = fleet.nodes().get(number % size);
        var trouble = troubles(node)
                .get((number / size + number % size) % troubles(node).size());
        var way = node.ways().get(number % node.ways().size());
        var label = "restart " + number + ", " + node.name();
        tally.phase(label + " stops by " + way + ", " + trouble);
        long stopNanos = System.nanoTime();
        long exitNanos;
        var watch = trouble.over(node, drains, maker(node));
        try {
            exitNanos = node.stop(way);
        } finally {
            watch.close();
        }
        tally.phase(label + " starts again");
        node.start();
        long readyNanos = System.nanoTime();
        tally.phase(label + " is ready, not used yet");
        tally.awaitUploadBy(node.name(), readyNanos, USE_LIMIT);
        tally.phase(label + " is used again");
        nextNanos = readyNanos + frontEnd.betweenNodes().toNanos();
        return new Restart(node.name(), stopNanos, exitNanos, trouble);
    }

    private List<Trouble> troubles(TomcatNode node) {
        var list = new ArrayList<>(troubles);
        if (!faulty.get(node.name()).hasClock()) {
            list.remove(Trouble.CLOCK);
        }
        return list;
    }

    private Trouble.Maker maker(TomcatNode node) {
        return new Trouble.Maker() {
            @Override
            public boolean hasBegun() throws IOException {
                return !drains || !Trouble.state(node).equals("SERVING");
            }

            /** No longer than mod_jk waits for a node's CPONG: then it moves what is bound to that node, the parts of files too. */
            @Override
            public Duration frozen() {
                return Duration.ofMillis(frontEnd.usesAjp() ? 1_000 : 4_000);
            }

            @Override
            public void signal(String name) {
                node.signal(name);
            }

            @Override
            public void reload() {
                fleet.reloadFront();
            }

            @Override
            public void jump(int seconds) {
                faulty.get(node.name()).jump(seconds);
            }
        };
    }

    @Override
    public String logs() {
        return fleet.logs();
    }

    @Override
    public void close() {
        fleet.close();
        faulty.values().forEach(FaultyNode::close);
    }
}
