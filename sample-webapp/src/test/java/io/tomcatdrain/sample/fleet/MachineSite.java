package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.sample.fleet.OneMachine.Speaks;
import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** One machine whose socket is handed over again and again. */
final class MachineSite implements RestartedSite {
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);

    private final OneMachine machine;
    private final boolean drains;
    private final Map<String, FaultyNode> faulty = new ConcurrentHashMap<>();
    private String serving = "blue";

    /** Starts the first instance; the valve's attributes are null for Tomcats without it. */
    MachineSite(String name, int line, @Nullable String valveAttributes) {
        drains = valveAttributes != null;
        try {
            machine = new OneMachine(
                    name,
                    line,
                    Speaks.HTTP,
                    valveAttributes,
                    node -> faulty.put(
                            node.name(), new FaultyNode(node, true, node.name().equals("green"))));
        } catch (RuntimeException | Error e) {
            faulty.values().forEach(FaultyNode::close);
            throw e;
        }
    }

    @Override
    public int port() {
        return machine.port();
    }

    @Override
    public int[] directPorts() {
        return faulty.values().stream().mapToInt(FaultyNode::directPort).toArray();
    }

    /** None: an instance has one connector for users, which inherits the socket. */
    @Override
    public int[] ajpPorts() {
        return new int[0];
    }

    @Override
    public boolean hasFullDisk() {
        return faulty.values().stream().allMatch(FaultyNode::hasFullDisk);
    }

    @Override
    public List<TomcatNode> serving() {
        return List.of(machine.node(serving));
    }

    @Override
    public Restart restart(int number, Tally tally) {
        var old = machine.node(serving);
        var next = machine.node(serving.equals("blue") ? "green" : "blue");
        var troubles = new ArrayList<>(List.of(Trouble.FREEZE, Trouble.NONE));
        if (faulty.get(serving).hasClock()) {
            troubles.add(Trouble.CLOCK);
        }
        var trouble = troubles.get(number / 2 % troubles.size());
        tally.phase("hand-over " + number + " from " + serving + ", " + trouble);
        var watch = trouble.over(old, drains, maker(old, next));
        long begunNanos;
        long exitNanos;
        try {
            var printed = machine.upgrade(number == 0 ? Parts.sampleWar() : null);
            exitNanos = System.nanoTime();
            begunNanos = watch.begunNanos();
            assertThat(printed).as(machine.logs()).endsWith("status 0\n");
        } finally {
            watch.close();
        }
        serving = next.name();
        tally.phase("after hand-over " + number);
        tally.awaitUploadBy(serving, System.nanoTime(), USE_LIMIT);
        return new Restart(old.name(), begunNanos, exitNanos, trouble);
    }

    private Trouble.Maker maker(TomcatNode old, TomcatNode next) {
        return new Trouble.Maker() {
            /** Without the valve as soon as the next instance serves, a moment before the stop. */
            @Override
            public boolean hasBegun() throws IOException {
                return drains
                        ? !Trouble.state(old).equals("SERVING")
                        : Exchange.get(next.controlPort(), "/page", "").status() == 200;
            }

            @Override
            public Duration frozen() {
                return Duration.ofSeconds(4);
            }

            @Override
            public void signal(String name) {
                machine.signal(old.name(), name);
            }

            @Override
            public void reload() {
                throw new UnsupportedOperationException("there is no front end");
            }

            @Override
            public void jump(int seconds) {
                faulty.get(old.name()).jump(seconds);
            }
        };
    }

    @Override
    public String logs() {
        return machine.logs();
    }

    @Override
    public void close() {
        machine.close();
        faulty.values().forEach(FaultyNode::close);
    }
}
