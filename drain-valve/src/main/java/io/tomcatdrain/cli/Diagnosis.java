package io.tomcatdrain.cli;

import io.tomcatdrain.cli.Finding.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Finds out from what a check has seen what is wrong, and what to change. A function without a state. */
final class Diagnosis {
    /** A lame duck that is shorter than its limit by no more than this has lasted to the limit. */
    private static final long LIMIT_MILLIS = 1_000;

    /** What ends so soon before or after an upload was cut was cut with it. */
    private static final long WITH_IT_MILLIS = 1_000;

    private final Observation seen;
    private final List<Finding> findings = new ArrayList<>();

    private Diagnosis(Observation seen) {
        this.seen = seen;
    }

    /** Returns what is wrong, the likeliest cause of what was lost first; nothing if nothing is. */
    static List<Finding> of(Observation seen) {
        Diagnosis diagnosis = new Diagnosis(seen);
        diagnosis.nodes();
        Observation.Drain drain = seen.drain();
        if (drain != null) {
            diagnosis.inDrain(drain);
        } else if (!seen.exchanges().isEmpty()) {
            diagnosis.withoutDrain();
        }
        return List.copyOf(diagnosis.findings);
    }

    private void add(Fault fault, String text, String remedy) {
        findings.add(new Finding(fault, text, remedy));
    }

    // ---------------------------------------------------------------- before anything is sent

    private void nodes() {
        for (Observation.Node node : seen.nodes()) {
            Observation.Trouble trouble = node.trouble();
            if (trouble != null) {
                trouble(node, trouble);
            } else if (!node.said().equals("SERVING")) {
                add(
                        Fault.NOT_SERVING,
                        node.url() + " is " + node.said(),
                        "java -jar drain-valve-VERSION-all.jar resume " + node.url());
            }
        }
        if (seen.nodes().size() < 2) {
            add(
                    Fault.LAST_NODE,
                    "only one node is named, and the last one is never drained",
                    "name the others by more options [--node URL]");
        }
        if (!seen.site().restart()) {
            seen.nodes().stream()
                    .filter(node -> node.facts().closeListener())
                    .findFirst()
                    .ifPresent(node -> add(
                            Fault.NOT_RESUMABLE,
                            node.url() + " has closeListener=\"true\", so that only a restart undoes a drain",
                            "give the command that restarts it: --restart 'ssh $DRAIN_HOST sudo systemctl restart"
                                    + " tomcat'"));
        }
    }

    private void trouble(Observation.Node node, Observation.Trouble trouble) {
        String said = node.url() + ": " + node.said();
        switch (trouble) {
            case NO_ANSWER ->
                add(
                        Fault.NODE_UNREACHABLE,
                        said,
                        "are host and port right, and http or https? It is the Connector's port in server.xml that the valve's"
                                + " controlPort names");
            case CERTIFICATE -> add(Fault.CERTIFICATE_NOT_ACCEPTED, said, Trust.REMEDY);
            case WRONG_TOKEN ->
                add(
                        Fault.WRONG_TOKEN,
                        said,
                        "give the valve's token by --token-file or DRAIN_TOKEN: token=\"${drain.token}\" of the Valve in"
                                + " server.xml, drain.token in catalina.properties");
            case WRONG_PORT ->
                add(
                        Fault.WRONG_PORT,
                        said,
                        "ask at the port that controlPort of the Valve in server.xml names, in --node");
            case NO_DRAIN ->
                add(
                        Fault.NO_DRAIN,
                        said,
                        "is that the valve's path (/drain unless its attribute path says otherwise), and is the Valve in"
                                + " server.xml?");
        }
    }

    // ---------------------------------------------------------------- without any drain

    private void withoutDrain() {
        List<Exchange> uploads = lost(Exchange::isLost).stream()
                .filter(exchange -> exchange.kind().isUpload())
                .toList();
        List<Exchange> cut = uploads.stream()
                .filter(exchange -> exchange.isCutInTheMiddle() && !exchange.isAnswered())
                .toList();
        if (seen.exchanges().stream().allMatch(exchange -> Trust.isComplaint(exchange.trouble()))) {
            add(Fault.CERTIFICATE_NOT_ACCEPTED, "the site: " + troubles(seen.exchanges()), Trust.REMEDY);
        } else if (seen.exchanges().stream().allMatch(exchange -> exchange.status() == 0)) {
            add(
                    Fault.SITE_UNREACHABLE,
                    "the site does not answer: " + troubles(seen.exchanges()),
                    "is the site's URL right, and http or https?");
        } else if (!cut.isEmpty()) {
            long age = cut.stream().mapToLong(Exchange::millis).max().orElse(0);
            add(
                    Fault.FRONT_END_TIMEOUT,
                    cut.size() + " uploads were cut after at most " + seconds(age) + " s, without any drain ("
                            + statuses(cut) + "); one takes "
                            + seconds(seen.site().uploadMillis()) + " s here",
                    Remedies.longerTimeout(seen.site().frontEnd(), seconds(age)));
        } else if (!uploads.isEmpty() && seen.site().canary()) {
            add(
                    Fault.CANARY_NOT_PASSED_ON,
                    "the front end does not pass /drain/canary on (" + statuses(uploads) + "), as is right for users",
                    "name an upload of the application: --upload URL, --field NAME=VALUE, --file-field NAME");
        } else if (!uploads.isEmpty()) {
            add(
                    Fault.UPLOAD_NOT_ACCEPTED,
                    "the application does not take the upload: " + statuses(uploads),
                    "is [--upload] the form's action, are its [--field]s all there, and does it need no login?");
        } else if (!seen.site().nodesHadRequests()) {
            add(
                    Fault.NODES_NOT_BEHIND_SITE,
                    "none of the nodes has had a request of those that the site answered",
                    "name the nodes that this site's front end uses, in --node, and the site's own URL");
        } else {
            others(lost(exchange -> true), "without any drain");
        }
    }

    // ---------------------------------------------------------------- in a drain

    private void inDrain(Observation.Drain drain) {
        long refuses = drain.refusesFrom();
        // No node has accepted what begins later, however long the front end takes to answer.
        List<Exchange> clear =
                lost(exchange -> exchange.isCutInTheMiddle() && (refuses < 0 || exchange.beganMillis() < refuses));
        List<Exchange> cut = lost(exchange -> !exchange.refused() && isCutWith(exchange, clear));
        List<Exchange> refused = lost(Exchange::refused);
        List<Exchange> door = lost(exchange -> !exchange.refused() && !isCutWith(exchange, clear));
        if (!cut.isEmpty()) {
            add(
                    Fault.FRONT_END_CUTS,
                    cut.size() + " requests were cut while the node was leaving, which it would have finished ("
                            + statuses(cut) + ")",
                    Remedies.cuts(seen.site().frontEnd()));
        }
        if (!refused.isEmpty()) {
            refusals(drain, refused);
        }
        List<Exchange> ofSticky = door.stream().filter(Exchange::sticky).toList();
        if (!ofSticky.isEmpty() && ofSticky.size() == door.size() && refused.isEmpty()) {
            add(
                    Fault.STICKY_WITHOUT_REPLAY,
                    ofSticky.size()
                            + " requests of users with a session on the node were turned away by the front end ("
                            + statuses(ofSticky) + "), and none of users without",
                    Remedies.sticky(seen.site().frontEnd()));
        } else {
            others(door, "while the node was leaving or coming back");
        }
        if (!drain.over() || !drain.drained()) {
            add(
                    Fault.GAVE_UP,
                    drain.over() ? "the node gave something up" : "the drain was not over within the time",
                    "uploadTimeout and requestTimeout of the Valve in server.xml, or [--wait] of this check");
        }
        if (drain.servedMillis() < 0) {
            add(Fault.NOT_SERVING, drain.node() + " does not serve again", "restart it, and look into its log");
        } else if (drain.usedMillis() < 0) {
            add(
                    Fault.NOT_USED_AGAIN,
                    "the front end did not use the node again although it served",
                    Remedies.usedAgain(seen.site().frontEnd()));
        }
    }

    private static boolean isCutWith(Exchange exchange, List<Exchange> cut) {
        return cut.stream().anyMatch(other -> Math.abs(other.endedMillis() - exchange.endedMillis()) <= WITH_IT_MILLIS);
    }

    private void refusals(Observation.Drain drain, List<Exchange> refused) {
        String what = refused.size() + " refusals reached users (" + statuses(refused) + "), the front end went on"
                + " sending for " + seconds(drain.sentForMillis()) + " s after the drain had begun";
        switch (seen.site().frontEnd()) {
            case MOD_JK -> add(Fault.REFUSALS_NOT_REPEATED, what, Remedies.MOD_JK);
            case NGINX -> {
                if (seen.site().nodesSawUploads()) {
                    add(Fault.STREAMING_WITHOUT_CLOSE_LISTENER, what, Remedies.STREAMING);
                } else {
                    add(Fault.REFUSALS_NOT_REPEATED, what, Remedies.NGINX);
                }
            }
            case LIGHTTPD -> add(Fault.REFUSALS_REACH_USERS, what, Remedies.STREAMING);
            default -> probes(drain, refused, what);
        }
    }

    /** Judges whether the front end asks for readiness, and often enough. */
    private void probes(Observation.Drain drain, List<Exchange> refused, String what) {
        long lameDuck = drain.refusesFrom() - drain.beganMillis();
        long interval = drain.slowestProbeMillis();
        String rhythm = interval < 0 ? "" : ", asked for every " + seconds(interval) + " s";
        if (lameDuck >= drain.facts().lameDuckMillis() - LIMIT_MILLIS
                && drain.facts().known()) {
            add(
                    Fault.PROBES_TOO_SLOW,
                    what + "; readiness is" + (rhythm.isEmpty() ? " asked for too rarely" : rhythm.substring(1))
                            + ", and the lame duck of " + seconds(lameDuck) + " s was at its limit",
                    "let the front end ask more often, or raise the Valve's lameDuckTimeout in server.xml: lameDuckTimeout=\""
                            + (2 * drain.sentForMillis() / 1_000 + 1) + "s\"");
            return;
        }
        if (drain.probers().isEmpty()) {
            add(
                    Fault.NOBODY_PROBES,
                    "nobody asks the node whether it is ready; " + what,
                    Remedies.probes(seen.site().frontEnd(), drain.node()));
            return;
        }
        // Until then the front end had not taken the node out.
        long until = refused.stream().mapToLong(Exchange::beganMillis).max().orElse(0) - drain.beganMillis();
        long failures = drain.facts().probeFailures();
        long needed = interval <= 0 ? failures + 2 : Math.max(failures + 1, (until + interval - 1) / interval);
        add(
                Fault.PROBE_FAILURES_TOO_FEW,
                what + "; the node began to refuse " + seconds(lameDuck) + " s after the drain began" + rhythm
                        + ", before the front end had taken it out",
                "the Valve's probeFailures in server.xml must be what the front end calls fall (HAProxy), hcfails (httpd) or"
                        + " failures; here perhaps probeFailures=\"" + needed + "\""
                        + (drain.facts().known() ? ", not " + failures : ""));
    }

    private void others(List<Exchange> lost, String when) {
        if (!lost.isEmpty()) {
            add(
                    Fault.OTHER_LOSS,
                    lost.size() + " requests were lost " + when + ": " + statuses(lost),
                    "see the front end's log of that time");
        }
    }

    // ---------------------------------------------------------------- words

    private List<Exchange> lost(Predicate<Exchange> which) {
        return seen.lost().filter(which).toList();
    }

    /** Returns each status, or what was instead of one, with how often it came. */
    static String statuses(List<Exchange> exchanges) {
        return exchanges.stream()
                .collect(Collectors.groupingBy(Diagnosis::outcome, java.util.TreeMap::new, Collectors.counting()))
                .entrySet()
                .stream()
                .map(each -> each.getKey() + (each.getValue() == 1 ? "" : " x " + each.getValue()))
                .collect(Collectors.joining(", "));
    }

    /** Returns the status of an exchange, or why it has none. */
    static String outcome(Exchange exchange) {
        return exchange.status() == 0 ? "no answer" : exchange.status() + (exchange.refused() ? " (refused)" : "");
    }

    private static String troubles(List<Exchange> exchanges) {
        return exchanges.stream().map(Exchange::trouble).distinct().limit(3).collect(Collectors.joining("; "));
    }

    /** Returns milliseconds as seconds with one decimal. */
    static String seconds(long millis) {
        return String.format(java.util.Locale.ROOT, "%.1f", millis / 1_000.0);
    }
}
