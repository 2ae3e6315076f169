package io.tomcatdrain.cli;

import java.net.URI;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All that a check has seen, without a judgement. Times are milliseconds since its beginning. Immutable.
 *
 * @param site how the site was used
 * @param nodes what the nodes have said before anything was sent
 * @param exchanges all requests to the site, by their end
 * @param drain what was seen of the drain; null if there was none
 */
record Observation(
        Site site,
        List<Node> nodes,
        List<Exchange> exchanges,
        @Nullable Drain drain) {

    /**
     * How the site was used.
     *
     * @param frontEnd which server it is, as far as that is known
     * @param canary true if uploads go to the nodes' canary, not to the application
     * @param uploadMillis how long an upload takes
     * @param nodesSawUploads true if a node has shown an upload of the check's before its client had sent all of it
     * @param nodesHadRequests true if any node has had a request since the check's beginning
     * @param restart true if a command was given that restarts a node
     */
    record Site(
            FrontEndKind frontEnd,
            boolean canary,
            long uploadMillis,
            boolean nodesSawUploads,
            boolean nodesHadRequests,
            boolean restart) {}

    /**
     * One node, asked at its drain.
     *
     * @param url where it was asked
     * @param trouble why it cannot be used; null if it can
     * @param said its state, or what was wrong, in its own words
     * @param facts its settings, where it is new enough to tell them
     * @param probers who asks it for readiness, in words
     */
    record Node(URI url, @Nullable Trouble trouble, String said, Facts facts, List<String> probers) {}

    /** Why a node cannot be used. */
    enum Trouble {
        NO_ANSWER,
        CERTIFICATE,
        WRONG_TOKEN,
        WRONG_PORT,
        NO_DRAIN
    }

    /**
     * Settings of a node.
     *
     * @param version null if it is unknown
     */
    record Facts(
            @Nullable String version, boolean known, boolean closeListener, long probeFailures, long lameDuckMillis) {
        static final Facts NONE = new Facts(null, false, false, 0, 0);
    }

    /**
     * One look at the node that is drained.
     *
     * @param state its state; {@code GONE} if it did not answer
     * @param arrivals how many requests it has had since its start
     * @param seenDown how often it has told each prober that it is not ready
     */
    record Look(long atMillis, String state, long arrivals, long refused, Map<String, Long> seenDown) {
        boolean is(String wanted) {
            return state.equals(wanted);
        }
    }

    /**
     * What was seen of the drain.
     *
     * @param node which one was drained
     * @param facts its settings
     * @param beganMillis when it was told to
     * @param looks in order of time, the first from before
     * @param over true if it came to its end within the time
     * @param drained true if it gave nothing up
     * @param servedMillis when it was resumed, or back after its restart; −1 if that failed
     * @param usedMillis when it had a request again; −1 if it had none within the time
     */
    record Drain(
            URI node,
            Facts facts,
            long beganMillis,
            List<Look> looks,
            boolean over,
            boolean drained,
            long servedMillis,
            long usedMillis) {

        /** Returns when the node began to refuse; −1 if it never did. */
        long refusesFrom() {
            return looks.stream()
                    .filter(look -> look.atMillis() >= beganMillis
                            && !look.is("SERVING")
                            && !look.is("LAME_DUCK")
                            && !look.is("GONE"))
                    .mapToLong(Look::atMillis)
                    .findFirst()
                    .orElse(-1);
        }

        /** Returns for how long after the drain's beginning requests went on to arrive. */
        long sentForMillis() {
            long last = beganMillis;
            for (int i = 1; i < looks.size(); i++) {
                if (looks.get(i).atMillis() > beganMillis
                        && !looks.get(i).is("GONE")
                        && looks.get(i).arrivals() > looks.get(i - 1).arrivals()) {
                    last = looks.get(i).atMillis();
                }
            }
            return last - beganMillis;
        }

        /** Returns how many requests the node has refused. */
        long refused() {
            return most(Look::refused) - looks.get(0).refused();
        }

        private long most(ToLongFunction<Look> of) {
            return looks.stream().mapToLong(of).max().orElse(0);
        }

        /** Returns the names of those that have asked, and been told that the node is not ready. */
        Set<String> probers() {
            Set<String> names = new HashSet<>();
            looks.forEach(look -> look.seenDown().forEach((name, times) -> {
                if (times > 0) {
                    names.add(name);
                }
            }));
            return names;
        }

        /** Returns the time between two polls of the slowest prober, as its count has shown it; −1 if it was not seen to count. */
        long slowestProbeMillis() {
            long slowest = -1;
            for (String prober : probers()) {
                TreeMap<Long, Long> firstAt = new TreeMap<>();
                looks.forEach(look -> firstAt.putIfAbsent(look.seenDown().getOrDefault(prober, 0L), look.atMillis()));
                firstAt.remove(0L);
                if (firstAt.size() > 1) {
                    long span = firstAt.lastEntry().getValue()
                            - firstAt.firstEntry().getValue();
                    slowest = Math.max(slowest, span / (firstAt.lastKey() - firstAt.firstKey()));
                }
            }
            return slowest;
        }
    }

    Stream<Exchange> lost() {
        return exchanges.stream().filter(Exchange::isLost);
    }
}
