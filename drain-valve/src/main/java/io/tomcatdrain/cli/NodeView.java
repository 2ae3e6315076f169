package io.tomcatdrain.cli;

import io.tomcatdrain.cli.Observation.Facts;
import io.tomcatdrain.cli.Observation.Trouble;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/** Reads what a check wants to know out of a node's answers. */
final class NodeView {
    private NodeView() {}

    /** Asks a node, and says what is wrong if it does not answer as a drain does. */
    static Observation.Node ask(NodeClient node) throws InterruptedException {
        NodeClient.Answer status;
        NodeClient.Answer facts;
        try {
            status = node.status();
            facts = node.facts();
        } catch (IOException gone) {
            String complaint = Trust.complaint(gone);
            if (complaint != null) {
                return bad(node, Trouble.CERTIFICATE, complaint);
            }
            return bad(node, Trouble.NO_ANSWER, "does not answer (" + NodeClient.reason(gone) + ")");
        }
        String error = Json.text(status.json(), "error");
        String said = "answers " + status.status() + (error == null ? "" : ": " + error);
        return switch (status.status()) {
            case 200 -> {
                String state = status.state();
                yield state == null
                        ? bad(node, Trouble.NO_DRAIN, "answers 200, but not as a drain does")
                        : new Observation.Node(node.drain(), null, state, facts(facts), probers(status));
            }
            case 401 -> bad(node, Trouble.WRONG_TOKEN, said);
            case 403 -> bad(node, said.contains("port") ? Trouble.WRONG_PORT : Trouble.WRONG_TOKEN, said);
            default -> bad(node, Trouble.NO_DRAIN, said + ", as no drain does");
        };
    }

    private static Observation.Node bad(NodeClient node, Trouble trouble, String said) {
        return new Observation.Node(node.drain(), trouble, said, Facts.NONE, List.of());
    }

    private static Facts facts(NodeClient.Answer answer) {
        Map<String, Object> json = answer.json();
        return answer.status() == 200
                ? new Facts(
                        Json.text(json, "version"),
                        true,
                        Boolean.TRUE.equals(json.get("closeListener")),
                        Json.number(json, "probeFailures"),
                        Json.number(json, "lameDuckTimeoutMillis"))
                : Facts.NONE;
    }

    private static List<String> probers(NodeClient.Answer status) {
        List<String> probers = new ArrayList<>();
        for (Map<String, Object> prober : Json.objects(status.json(), "probers")) {
            probers.add(name(prober));
        }
        return probers;
    }

    private static String name(Map<String, Object> prober) {
        String name = Json.text(prober, "name");
        String agent = Json.text(prober, "agent");
        return (name == null ? "nameless" : name) + " at " + Json.text(prober, "remote")
                + (agent == null ? "" : " [" + agent + "]");
    }

    /** Returns one look at a node. */
    static Observation.Look look(NodeClient.Answer status, long atMillis) {
        Map<String, Object> json = status.json();
        Map<String, Object> totals = Json.object(json, "totals");
        Map<String, Object> inFlight = Json.object(json, "inFlight");
        long refused = Json.number(totals, "refused");
        long arrivals = refused
                + Json.number(totals, "uploadsCompleted")
                + Json.number(totals, "uploadsFailed")
                + Json.number(totals, "requestsCompleted")
                + Json.number(inFlight, "uploads")
                + Json.number(inFlight, "requests");
        Map<String, Long> seenDown = new TreeMap<>();
        for (Map<String, Object> prober : Json.objects(json, "probers")) {
            seenDown.merge(name(prober), Json.number(prober, "seenDown"), Math::max);
        }
        String state = Json.text(json, "state");
        return new Observation.Look(atMillis, state == null ? "GONE" : state, arrivals, refused, Map.copyOf(seenDown));
    }

    /** Returns the lengths of the uploads that a node shows, those that are of a kind. */
    static List<Long> uploads(NodeClient.Answer status, LongPredicate length) {
        return Json.objects(status.json(), "uploads").stream()
                .map(upload -> Json.number(upload, "contentLength"))
                .filter(length::test)
                .toList();
    }
}
