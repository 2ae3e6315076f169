package io.tomcatdrain.cli;

import io.tomcatdrain.cli.Exchange.Kind;
import io.tomcatdrain.cli.Finding.Fault;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Prints a check's result for people. */
final class CheckReport {
    private static final Set<Fault> OF_NODES = Set.of(
            Fault.NODE_UNREACHABLE,
            Fault.CERTIFICATE_NOT_ACCEPTED,
            Fault.WRONG_TOKEN,
            Fault.WRONG_PORT,
            Fault.NO_DRAIN);

    private final PrintStream out;

    CheckReport(PrintStream out) {
        this.out = out;
    }

    /** Prints what the nodes have answered. */
    void nodes(List<Observation.Node> nodes) {
        for (Observation.Node node : nodes) {
            out.println(node.url() + ": " + node.said() + version(node.facts()) + probers(node));
        }
    }

    private static String version(Observation.Facts facts) {
        return facts.version() == null ? "" : ", version " + facts.version();
    }

    private static String probers(Observation.Node node) {
        if (node.trouble() != null) {
            return "";
        }
        return node.probers().isEmpty()
                ? "; nobody asks whether it is ready"
                : "; asked whether it is ready by " + String.join(", ", node.probers());
    }

    /** Says what users saw and what is wrong; returns the exit status. */
    int verdict(Observation seen, List<Finding> findings) {
        if (!seen.exchanges().isEmpty()) {
            exchanges(seen);
        }
        Observation.Drain drain = seen.drain();
        if (drain != null) {
            drain(drain);
        }
        long lost = seen.lost().count();
        if (lost > 0) {
            out.println("LOST: " + lost + " of " + seen.exchanges().size() + " requests");
        }
        for (Finding finding : findings) {
            out.println(finding.fault() + ": " + finding.text());
            out.println("  change: " + finding.remedy());
        }
        if (findings.stream().anyMatch(finding -> OF_NODES.contains(finding.fault()))) {
            return Terminal.NO_ANSWER;
        }
        if (!findings.isEmpty() || lost > 0) {
            return Terminal.NOT_WELL;
        }
        if (drain != null) {
            out.println("nothing lost: " + seen.exchanges().size() + " requests");
        } else if (seen.exchanges().isEmpty()) {
            out.println("only the nodes were asked: nothing was sent to the site, and nothing was drained");
        } else {
            return Terminal.NOT_WELL; // said why there was no drain
        }
        return Terminal.WELL;
    }

    private void exchanges(Observation seen) {
        out.println("what users saw, front end " + seen.site().frontEnd().title() + ":");
        for (Kind kind : Kind.values()) {
            for (boolean sticky : new boolean[] {false, true}) {
                List<Exchange> of = seen.exchanges().stream()
                        .filter(exchange -> exchange.kind() == kind && exchange.sticky() == sticky)
                        .toList();
                if (!of.isEmpty()) {
                    line(kind, sticky, of);
                }
            }
        }
        lost(seen.lost().toList());
    }

    /** One says enough where none was sent, and all have the same cause. */
    private void lost(List<Exchange> lost) {
        boolean alike = lost.stream().allMatch(each -> each.sentBytes() == 0)
                && lost.stream()
                                .map(each -> Diagnosis.outcome(each) + each.trouble())
                                .distinct()
                                .count()
                        == 1;
        int shown = alike ? 1 : 20;
        lost.stream()
                .limit(shown)
                .forEach(each -> out.println("  lost: " + each.kind().title() + (each.sticky() ? ", with cookies" : "")
                        + ", sent at " + Diagnosis.seconds(each.beganMillis()) + " s, ended after "
                        + Diagnosis.seconds(each.millis()) + " s, " + each.sentBytes() + " of " + each.bytes()
                        + " bytes sent: " + Diagnosis.outcome(each)
                        + (each.trouble().isEmpty() ? "" : " (" + each.trouble() + ")")));
        if (lost.size() > shown) {
            out.println("  lost: " + (lost.size() - shown) + " more" + (alike ? ", for the same reason" : ""));
        }
    }

    private void line(Kind kind, boolean sticky, List<Exchange> of) {
        long slowest = of.stream().mapToLong(Exchange::millis).max().orElse(0);
        out.println(String.format(
                Locale.ROOT,
                "  %-34s %5d, slowest %s s: %s",
                kind.title() + (sticky ? ", with cookies" : ""),
                of.size(),
                Diagnosis.seconds(slowest),
                Diagnosis.statuses(of)));
    }

    private void drain(Observation.Drain drain) {
        long refuses = drain.refusesFrom();
        out.println(drain.node() + ": drained at " + Diagnosis.seconds(drain.beganMillis()) + " s"
                + (refuses < 0 ? "" : ", took nothing new from " + Diagnosis.seconds(refuses) + " s on")
                + (drain.servedMillis() < 0
                        ? ""
                        : ", served again at " + Diagnosis.seconds(drain.servedMillis()) + " s")
                + (drain.usedMillis() < 0 ? "" : ", used again at " + Diagnosis.seconds(drain.usedMillis()) + " s"));
        out.println("  the front end went on sending for " + Diagnosis.seconds(drain.sentForMillis())
                + " s after the drain began; "
                + (drain.refused() == 1 ? "1 request was refused" : drain.refused() + " requests were refused"));
    }
}
