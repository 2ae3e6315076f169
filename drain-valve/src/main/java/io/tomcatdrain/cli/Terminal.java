package io.tomcatdrain.cli;

import io.tomcatdrain.DrainSettings;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** The commands, each of which ends with an {@linkplain #run exit status}. One run at a time. */
final class Terminal {
    /** All is as it was asked for. */
    static final int WELL = 0;

    /** The node did what it could, and it was not enough: something was given up, or a time has passed. */
    static final int NOT_WELL = 1;

    /** The command was wrong; nothing was done. */
    static final int USAGE = 2;

    /** A node did not answer as a drain does: it cannot be reached, or the token or the URL is wrong. */
    static final int NO_ANSWER = 3;

    /** As the valve's own. */
    private static final int LONGEST_TOKEN_FILE = 4096;

    private static final String HELP = """
            java -jar drain-valve-VERSION-all.jar COMMAND URL... [OPTIONS]

            URL is that of a node's drain, where its token is asked for: http://node1:8090/drain
            The token comes from the file that --token-file names, or from the environment, DRAIN_TOKEN.
            With https, --ca-file names the authority's certificate (PEM) where this Java does not trust it already.

              status URL...   what each node does, for people
                --follow                again at each change, and once a second while something moves
              drain URL...    drains one node after the other
                --wait 11m              waits until that is over, and goes on only if nothing was given up
                --timeout 10m           ends the waiting of the node by then
                --reason TEXT           for its log and status
                --resume-after 30m      lets the node serve again by then
              resume URL...   lets the nodes serve again
              wait URL...     waits for drains that run
                --for 11m               at most so long; without it, as long as they take
              roll URL... --command "SHELL COMMAND"
                              for each node: drains it, runs the command (which restarts it), waits until it serves again.
                              The command sees DRAIN_URL and DRAIN_HOST. Ends at the first node that is not well.
                --wait 11m              longest that a node may drain; it serves again if that is not enough
                --ready 3m              longest that a node may take to serve again
                --between 5s            pause between two nodes
              check SITE_URL --node URL --node URL...
                              drains one node and says whether users of the site lose anything, and which setting is at fault.
                              It reads SITE_URL, a page, all the time, and uploads through the site's front end.
                --upload URL            where the form is sent; without it to the nodes' own canary, which few front ends pass on
                --field NAME=VALUE      one of the form's fields, as often as needed; --file-field NAME is the file's, [file]
                --upload-time 12s       how long an upload takes
                --restart "COMMAND"     restarts the node instead of resuming it, as closeListener needs
                --wait 3m, --back 1m    longest drain, and longest until the node is used again
                --front-end NAME        mod_jk, mod_proxy, nginx, haproxy, caddy, lighttpd, if it does not find out
                --dry-run               only asks the nodes

            Exit status: 0 well; 1 something was given up, or a time has passed; 2 the command is wrong, nothing was done;
            3 a node does not answer, or refuses the token.
            """;

    private final Map<String, String> environment;
    private final PrintStream out;
    private final PrintStream err;

    /** A node did not answer as a drain does; the message is for people. */
    static final class NoAnswer extends Exception {
        private static final long serialVersionUID = 1;

        NoAnswer(String message) {
            super(message);
        }
    }

    Terminal(Map<String, String> environment, PrintStream out, PrintStream err) {
        this.environment = Map.copyOf(environment);
        this.out = out;
        this.err = err;
    }

    /** Runs a command and returns the exit status of the process. An interrupt ends it with {@link #NOT_WELL}. */
    int run(String... arguments) {
        List<String> words = Arrays.asList(arguments);
        if (words.isEmpty()) {
            err.print(HELP);
            return USAGE;
        }
        List<String> rest = words.subList(1, words.size());
        if (rest.equals(List.of("--help")) || rest.equals(List.of("-h"))) {
            return help();
        }
        try {
            return switch (words.get(0)) {
                case "status" -> status(options(rest, Set.of(), Set.of("follow")));
                case "drain" -> drain(options(rest, Set.of("wait", "timeout", "reason", "resume-after"), Set.of()));
                case "resume" -> resume(options(rest, Set.of(), Set.of()));
                case "wait" -> await(options(rest, Set.of("for"), Set.of()));
                case "roll" -> roll(options(rest, Set.of("command", "wait", "ready", "between"), Set.of()));
                case "check" -> check(rest);
                case "help", "--help", "-h" -> help();
                default ->
                    throw new IllegalArgumentException("there is no command [" + DrainSettings.quotable(words.get(0))
                            + "]; there are status, drain, resume, wait, roll, check and help");
            };
        } catch (IllegalArgumentException wrong) {
            err.println(wrong.getMessage());
            return USAGE;
        } catch (NoAnswer none) {
            err.println(none.getMessage());
            return NO_ANSWER;
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
            return NOT_WELL;
        }
    }

    private int help() {
        out.print(HELP);
        return WELL;
    }

    private static Options options(List<String> words, Set<String> withValue, Set<String> alone) {
        Set<String> all = new java.util.HashSet<>(withValue);
        all.addAll(Set.of("token-file", "ca-file"));
        return Options.parse(words, all, alone);
    }

    // ---------------------------------------------------------------- commands

    private int status(Options options) throws NoAnswer, InterruptedException {
        List<NodeClient> nodes = nodes(options);
        if (options.has("follow")) {
            return new Follower(nodes, out).follow();
        }
        int status = WELL;
        for (NodeClient node : nodes) {
            try {
                String text = answer(node, NodeClient::text).body();
                // All of them may be called Catalina.
                out.print((nodes.size() > 1 ? node.drain() + "\n" : "") + text);
            } catch (NoAnswer none) {
                // What the others do is worth the more to know.
                err.println(none.getMessage());
                status = NO_ANSWER;
            }
        }
        return status;
    }

    private int drain(Options options) throws NoAnswer, InterruptedException {
        Duration wait = options.duration("wait", Duration.ZERO);
        Map<String, @Nullable String> parameters = new HashMap<>();
        parameters.put("wait", options.text("wait"));
        parameters.put("timeout", options.text("timeout"));
        parameters.put("resumeAfter", options.text("resume-after"));
        parameters.put("reason", options.text("reason"));
        for (NodeClient node : nodes(options)) {
            NodeClient.Answer answer = answer(node, asked -> asked.drain(parameters, wait));
            tell(node, answer);
            if (answer.status() == 504) {
                err.println(node.drain() + ": not drained; the nodes behind it were not asked");
                return NOT_WELL;
            }
        }
        return WELL;
    }

    private int resume(Options options) throws NoAnswer, InterruptedException {
        for (NodeClient node : nodes(options)) {
            NodeClient.Answer answer = answer(node, NodeClient::resume);
            if (answer.status() == 409) {
                err.println(node.drain() + ": " + Json.text(answer.json(), "error"));
                return NOT_WELL;
            }
            tell(node, answer);
        }
        return WELL;
    }

    private int await(Options options) throws NoAnswer, InterruptedException {
        Duration longest = options.duration("for", Duration.ofDays(3650));
        long until = System.nanoTime()
                + TimeUnit.MILLISECONDS.toNanos(Math.min(longest.toMillis(), Long.MAX_VALUE / 2_000_000));
        for (NodeClient node : nodes(options)) {
            NodeClient.Answer answer = answer(node, NodeClient::status);
            while (isRunning(answer) && System.nanoTime() - until < 0) {
                pause(Duration.ofSeconds(1));
                answer = answer(node, NodeClient::status);
            }
            tell(node, answer);
            if (!"DRAINED".equals(answer.state())) {
                return NOT_WELL;
            }
        }
        return WELL;
    }

    private static boolean isRunning(NodeClient.Answer answer) {
        return "LAME_DUCK".equals(answer.state()) || "DRAINING".equals(answer.state());
    }

    private int roll(Options options) throws NoAnswer, InterruptedException {
        String command = options.text("command");
        if (command == null) {
            throw new IllegalArgumentException(
                    "roll needs [--command]: the shell command that restarts one node, such as --command 'ssh $DRAIN_HOST sudo systemctl restart tomcat'");
        }
        return new Roll(
                        nodes(options),
                        command,
                        options.duration("wait", Duration.ofMinutes(11)),
                        options.duration("ready", Duration.ofMinutes(3)),
                        options.duration("between", Duration.ofSeconds(5)),
                        out,
                        err)
                .run();
    }

    private int check(List<String> words) throws InterruptedException {
        Options options = CheckPlan.options(words);
        String token = token(options);
        if (token == null) {
            throw new IllegalArgumentException("check needs the nodes' token: set DRAIN_TOKEN, or use --token-file");
        }
        SSLContext trust = Trust.of(options.text("ca-file"));
        List<NodeClient> nodes = options.texts("node").stream()
                .map(node -> new NodeClient(Options.node(node), token, trust))
                .toList();
        if (nodes.isEmpty()) {
            throw new IllegalArgumentException(
                    "no node is named: give the URL of each node's drain, such as --node http://node1:8090/drain");
        }
        return new Check(CheckPlan.of(options, token, trust, err), nodes, out, err).run();
    }

    // ---------------------------------------------------------------- nodes

    private List<NodeClient> nodes(Options options) {
        String token = token(options);
        SSLContext trust = Trust.of(options.text("ca-file"));
        return options.nodes().stream()
                .map(node -> new NodeClient(node, token, trust))
                .toList();
    }

    /** Returns the token; one that no header can carry is refused here, since the JDK's client would repeat it in its message. */
    private @Nullable String token(Options options) {
        String file = options.text("token-file");
        String token =
                file == null ? environment.get("DRAIN_TOKEN") : firstBytes(file).strip();
        if (token != null && !token.chars().allMatch(each -> each > ' ' && each < 0x7f)) {
            throw new IllegalArgumentException(
                    "the token from "
                            + (file == null ? "DRAIN_TOKEN" : "[" + DrainSettings.quotable(file) + "]")
                            + " is no node's: it may hold visible ASCII characters only; give what the node's token or tokenFile holds");
        }
        return token;
    }

    private static String firstBytes(String file) {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            byte[] bytes = in.readNBytes(LONGEST_TOKEN_FILE + 1);
            if (bytes.length <= LONGEST_TOKEN_FILE) {
                return new String(bytes, StandardCharsets.ISO_8859_1);
            }
        } catch (IOException | java.nio.file.InvalidPathException unreadable) {
            throw new IllegalArgumentException(
                    "cannot read the token from [" + DrainSettings.quotable(file) + "]: name a file that you can read ("
                            + DrainSettings.quotable(unreadable.toString()) + ")",
                    unreadable);
        }
        throw new IllegalArgumentException("[" + DrainSettings.quotable(file) + "] has more than " + LONGEST_TOKEN_FILE
                + " bytes and is no file with a token: name the one that holds the node's token and nothing else");
    }

    /** What is asked of a node. */
    @FunctionalInterface
    interface Question {
        NodeClient.Answer ask(NodeClient node) throws IOException, InterruptedException;
    }

    /** Asks a node and returns its answer, which is one of a drain's. */
    static NodeClient.Answer answer(NodeClient node, Question question) throws NoAnswer, InterruptedException {
        NodeClient.Answer answer;
        try {
            answer = question.ask(node);
        } catch (IOException gone) {
            String complaint = Trust.complaint(gone);
            throw new NoAnswer(
                    complaint == null
                            ? node.drain() + " does not answer: " + NodeClient.reason(gone)
                            : node.drain() + ": " + complaint + ". To change that, " + Trust.REMEDY);
        }
        return switch (answer.status()) {
            case 200, 202, 504 -> {
                if (!answer.isStatus()) {
                    throw noDrain(node, answer);
                }
                yield answer;
            }
            case 409 -> answer;
            case 400 -> throw new IllegalArgumentException(node.drain() + ": " + Json.text(answer.json(), "error"));
            case 401 -> throw new NoAnswer(refusal(node, answer) + ". Set DRAIN_TOKEN, or use --token-file");
            case 403 -> throw new NoAnswer(refusal(node, answer));
            default -> throw noDrain(node, answer);
        };
    }

    private static NoAnswer noDrain(NodeClient node, NodeClient.Answer answer) {
        return new NoAnswer(node.drain() + " answers " + answer.status()
                + ", as no drain does: is that the valve's path, and its control port?");
    }

    private static String refusal(NodeClient node, NodeClient.Answer answer) {
        return node.drain() + " answers " + answer.status() + ": " + Json.text(answer.json(), "error");
    }

    private void tell(NodeClient node, NodeClient.Answer answer) {
        out.println(line(node, answer));
    }

    /** Returns one line that says what a node does. */
    static String line(NodeClient node, NodeClient.Answer answer) {
        Map<String, Object> inFlight = Json.object(answer.json(), "inFlight");
        return node.drain() + ": " + answer.state() + ", in flight: uploads=" + Json.number(inFlight, "uploads")
                + ", requests=" + Json.number(inFlight, "requests") + ", holds=" + Json.number(inFlight, "holds");
    }

    /** Waits that long. */
    static void pause(Duration time) throws InterruptedException {
        long until = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }
}
