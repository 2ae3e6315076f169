package io.tomcatdrain.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Tries a drain on a site that runs, and sees what its users see: asks the nodes, plays users, drains the one node that has most of them,
 * lets it serve again, and reports. Used once, by one thread; {@link Diagnosis} judges.
 */
final class Check {
    private static final Duration LOOK = Duration.ofMillis(200);

    /** How long the node is left drained, to see whether the front end still sends to it. */
    private static final Duration LINGER = Duration.ofSeconds(2);

    /** How long after the longest drain the node serves again by itself. */
    private static final Duration SAFETY = Duration.ofMinutes(2);

    /** How long an answer may take beyond the upload. */
    private static final Duration ANSWER = Duration.ofSeconds(20);

    private static final long ON_ITS_WAY_MILLIS = 1_000;

    private final CheckPlan plan;
    private final List<NodeClient> nodes;
    private final PrintStream out;
    private final PrintStream err;
    private final long beganNanos = System.nanoTime();

    /** How many of the check's uploads each node has shown; one of a user with a session counts for more. */
    private final Map<NodeClient, Long> shown = new HashMap<>();

    private final Map<NodeClient, Long> firstArrivals = new HashMap<>();
    /** When a node has first shown an upload of that length. */
    private final Map<Long, Long> firstShown = new HashMap<>();

    /** True once a node has shown one for longer than it takes to read one that the front end has whole. */
    private boolean sawUploads;

    private boolean hadRequests;

    Check(CheckPlan plan, List<NodeClient> nodes, PrintStream out, PrintStream err) {
        this.plan = plan;
        this.nodes = nodes;
        this.out = out;
        this.err = err;
    }

    private long millis() {
        return (System.nanoTime() - beganNanos) / 1_000_000;
    }

    /** Checks; returns the exit status. */
    int run() throws InterruptedException {
        List<Observation.Node> asked = new ArrayList<>();
        for (NodeClient node : nodes) {
            asked.add(NodeView.ask(node));
        }
        CheckReport report = new CheckReport(out);
        report.nodes(asked);
        Observation before = new Observation(site(FrontEndKind.UNKNOWN), asked, List.of(), null);
        if (plan.dryRun() || !Diagnosis.of(before).isEmpty()) {
            return report.verdict(before, Diagnosis.of(before));
        }
        Observation seen = tryOut(asked);
        return report.verdict(seen, Diagnosis.of(seen));
    }

    private Observation tryOut(List<Observation.Node> asked) throws InterruptedException {
        try (Traffic traffic = new Traffic(plan, this::millis)) {
            traffic.begin();
            out.println("sends uploads of " + plan.uploadTime().toSeconds() + " s and reads through " + plan.page());
            learn(traffic);
            Observation.Drain drain = null;
            boolean well = hadRequests && traffic.exchanges().stream().noneMatch(Exchange::isLost);
            if (well) {
                NodeClient node = busiest();
                drain = drained(node, asked.get(nodes.indexOf(node)).facts());
            }
            traffic.end(plan.uploadTime().plus(ANSWER));
            return new Observation(site(frontEnd(traffic)), asked, traffic.exchanges(), drain);
        }
    }

    private Observation.Site site(FrontEndKind frontEnd) {
        return new Observation.Site(
                frontEnd, plan.canary(), plan.uploadTime().toMillis(), sawUploads, hadRequests, plan.restart() != null);
    }

    private FrontEndKind frontEnd(Traffic traffic) throws InterruptedException {
        FrontEndKind told = plan.frontEnd();
        if (told != null) {
            return told;
        }
        boolean modJk = false;
        TreeSet<String> probers = new TreeSet<>();
        for (NodeClient node : nodes) {
            try {
                modJk |= Boolean.TRUE.equals(node.facts().json().get("frontEndReplays"));
                probers.addAll(NodeView.ask(node).probers());
            } catch (IOException gone) {
                // the others have seen the same front end
            }
        }
        return FrontEndKind.guessed(traffic.server(), modJk, probers);
    }

    // ---------------------------------------------------------------- which node has them

    /** Waits until each user has been there once, without any drain, and notes which node has which. */
    private void learn(Traffic traffic) throws InterruptedException {
        lookUntil(traffic::allHaveBeenThere, plan.uploadTime().plus(ANSWER), () -> {
            for (NodeClient node : nodes) {
                NodeClient.Answer status = node.status();
                List<Long> ours = NodeView.uploads(status, traffic::isOurs);
                for (Long length : ours) {
                    long first = firstShown.computeIfAbsent(length, unknown -> millis());
                    sawUploads |= millis() - first >= ON_ITS_WAY_MILLIS;
                }
                long sticky = NodeView.uploads(status, traffic::isOfSession).size();
                long arrivals = NodeView.look(status, 0).arrivals();
                long first = firstArrivals.computeIfAbsent(node, unknown -> arrivals);
                hadRequests |= arrivals > first;
                shown.merge(node, 100L * ours.size() + 10_000L * sticky, Long::sum);
                // Where the front end keeps uploads to itself, what has arrived counts.
                shown.merge(node, arrivals > first ? 1L : 0L, Long::sum);
            }
        });
    }

    private NodeClient busiest() {
        NodeClient busiest = nodes.get(0);
        for (NodeClient node : nodes) {
            if (shown.getOrDefault(node, 0L) > shown.getOrDefault(busiest, 0L)) {
                busiest = node;
            }
        }
        return busiest;
    }

    // ---------------------------------------------------------------- the drain

    private Observation.@Nullable Drain drained(NodeClient node, Observation.Facts facts) throws InterruptedException {
        for (NodeClient other : nodes) {
            Observation.Node now = NodeView.ask(other);
            if (!now.said().equals("SERVING")) {
                err.println(now.url() + ": " + now.said() + ": no node is drained");
                return null;
            }
        }
        try (LeavingNode leaving = new LeavingNode(err)) {
            leaving.hook();
            leaving.begin(node);
            return drained(node, facts, leaving);
        } catch (IOException gone) {
            err.println(node.drain() + ": does not answer any more: " + NodeClient.reason(gone));
            return null;
        }
    }

    private Observation.Drain drained(NodeClient node, Observation.Facts facts, LeavingNode leaving)
            throws IOException, InterruptedException {
        List<Observation.Look> looks = new ArrayList<>();
        NodeClient.Answer before = node.status();
        looks.add(NodeView.look(before, millis()));
        out.println("drains " + node.drain());
        long began = millis();
        Map<String, @Nullable String> parameters = new HashMap<>();
        parameters.put("reason", "check");
        parameters.put("resumeAfter", plan.longest().plus(SAFETY).toMillis() + "ms");
        NodeClient.Answer told = node.drain(parameters, Duration.ZERO);
        if (told.status() != 202) {
            throw new IOException("it answers " + told.status() + " to the drain");
        }
        boolean over = lookUntil(() -> isOver(last(looks)), plan.longest(), () -> look(node, looks));
        boolean drained = last(looks).is("DRAINED");
        out.println("the drain is " + (over ? last(looks).state() : "not over") + " after "
                + Diagnosis.seconds(last(looks).atMillis() - began) + " s");
        lookUntil(() -> false, LINGER, () -> look(node, looks));
        long served = serves(node, String.valueOf(Json.text(node.status().json(), "since")), leaving);
        long used = served < 0 ? -1 : usedAgain(node);
        return new Observation.Drain(node.drain(), facts, began, List.copyOf(looks), over, drained, served, used);
    }

    private static Observation.Look last(List<Observation.Look> looks) {
        return looks.get(looks.size() - 1);
    }

    private static boolean isOver(Observation.Look look) {
        return look.is("DRAINED") || look.is("EXPIRED");
    }

    private void look(NodeClient node, List<Observation.Look> looks) throws IOException, InterruptedException {
        looks.add(NodeView.look(node.status(), millis()));
    }

    /** Lets the node serve again; returns when it does, or −1. */
    private long serves(NodeClient node, String since, LeavingNode leaving) throws IOException, InterruptedException {
        Restart restart = plan.restart();
        if (restart == null) {
            if (node.resume().status() != 200) {
                return -1; // said when it is tried once more
            }
        } else {
            if (!restart.run(node)) {
                return -1;
            }
            leaving.forget();
            if (!restart.servesAgain(node, since)) {
                err.println(node.drain() + ": does not serve again after the command");
                return -1;
            }
        }
        leaving.forget();
        out.println("serves again");
        return millis();
    }

    private long usedAgain(NodeClient node) throws IOException, InterruptedException {
        List<Observation.Look> looks = new ArrayList<>();
        look(node, looks);
        long first = plan.restart() == null ? looks.get(0).arrivals() : 0;
        boolean used = lookUntil(() -> last(looks).arrivals() > first, plan.back(), () -> look(node, looks));
        return used ? last(looks).atMillis() : -1;
    }

    /** What is looked at now and then. */
    private interface Look {
        void now() throws IOException, InterruptedException;
    }

    /** Looks again and again until something is so; returns false if that takes longer. */
    private static boolean lookUntil(BooleanSupplier condition, Duration longest, Look look)
            throws InterruptedException {
        long until = System.nanoTime() + longest.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - until > 0) {
                return false;
            }
            try {
                look.now();
            } catch (IOException gone) {
                // it may answer the next time; if not, the time passes
            }
            Terminal.pause(LOOK);
        }
        return true;
    }
}
