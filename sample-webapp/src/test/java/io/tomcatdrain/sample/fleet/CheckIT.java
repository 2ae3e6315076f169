package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Node;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The terminal's {@code check} before the examples' front ends, as they are and broken. Some rows by default; {@code -Dcheck=all} runs the
 * whole table, {@code -Dcheck=NAME,NAME} those rows.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@Tag("after-fleets")
@Isolated("what it looks at takes its time, which anything beside it would stretch")
final class CheckIT {
    private static final String ASKED_FOR = System.getProperty("check", "");
    private static final String UPLOAD = ASKED_FOR.isEmpty() ? "2s" : "3s";
    private static final Duration LIMIT = Duration.ofMinutes(3);
    /** The row whose output docs/check.md shows. */
    private static final Broken DOCUMENTED = Broken.HAPROXY_WITHOUT_HEALTH_CHECK;

    private static final Map<String, TomcatNode> NODES = new HashMap<>();

    /** Two nodes for all rows that need no others: none of them stops one. */
    @BeforeAll
    static void start() {
        for (String name : List.of("n1", "n2")) {
            NODES.put(name, TomcatNode.installed(Parts.work().resolve("check/" + name), name, 11, ""));
        }
        NODES.values().parallelStream().forEach(TomcatNode::start);
    }

    @AfterAll
    static void stop() {
        NODES.values().forEach(TomcatNode::close);
    }

    /** A fault, where it is, and what the check calls it. */
    private enum Broken {
        HAPROXY_WITHOUT_HEALTH_CHECK(
                FrontEnd.HAPROXY, "NOBODY_PROBES", "    default-server check inter 1s fall 3 rise 2\n", "", true),
        HAPROXY_CUTS(
                FrontEnd.HAPROXY,
                "FRONT_END_CUTS",
                "fall 3 rise 2\n",
                "fall 3 rise 2 on-marked-down shutdown-sessions\n",
                false),
        HAPROXY_FALLS_LATER(FrontEnd.HAPROXY, "PROBE_FAILURES_TOO_FEW", "fall 3 rise 2\n", "fall 8 rise 2\n", false),
        MOD_JK_WITHOUT_FAIL_ON_STATUS(
                FrontEnd.MOD_JK,
                "REFUSALS_NOT_REPEATED",
                "JkWorkerProperty worker.node.fail_on_status=-503\n",
                "",
                false),
        MOD_JK_FORCES_SESSIONS(
                FrontEnd.MOD_JK,
                "STICKY_WITHOUT_REPLAY",
                "worker.fleet.sticky_session=true\n",
                "worker.fleet.sticky_session=true\nJkWorkerProperty worker.fleet.sticky_session_force=true\n",
                false),
        HTTPD_TIMES_OUT(
                FrontEnd.MOD_JK,
                "FRONT_END_TIMEOUT",
                "ServerName localhost\n",
                "LoadModule reqtimeout_module \"${MODULES}/mod_reqtimeout.so\"\nRequestReadTimeout body=5\nServerName localhost\n",
                false),
        NGINX_WITHOUT_NON_IDEMPOTENT(
                FrontEnd.NGINX_BUFFERING, "REFUSALS_NOT_REPEATED", "http_503 non_idempotent;", "http_503;", false),
        NGINX_STREAMS(FrontEnd.NGINX_STREAMING, "STREAMING_WITHOUT_CLOSE_LISTENER", "", "", false);

        private final FrontEnd frontEnd;
        private final String fault;
        private final String good;
        private final String bad;
        private final boolean quick;

        Broken(FrontEnd frontEnd, String fault, String good, String bad, boolean quick) {
            this.frontEnd = frontEnd;
            this.fault = fault;
            this.good = good;
            this.bad = bad;
            this.quick = quick;
        }

        String change(String configuration) {
            return configuration.contains(good) ? WebServer.replaced(configuration, good, bad) : configuration;
        }
    }

    static Stream<Broken> broken() {
        return Stream.of(Broken.values()).filter(row -> isWanted(row.name(), row.quick));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("broken")
    void namesTheFaultOf(Broken row) throws Exception {
        RollingUpgradeIT.needs(row.frontEnd.server().missing());
        try (var fleet = shared(row.frontEnd, row.name(), row::change)) {
            String time = row == Broken.HTTPD_TIMES_OUT ? "8s" : UPLOAD;
            List<String> more = new ArrayList<>(List.of("--upload-time", time));
            if (row == DOCUMENTED) {
                more.addAll(List.of("--front-end", "haproxy"));
            }
            Run run = check(fleet, row.name(), more, TomcatNode.TOKEN);
            assertThat(run.status()).as(run.text()).isEqualTo(1);
            assertThat(run.faults()).as(run.text()).containsExactly(row.fault);
            if (row == DOCUMENTED) {
                isDocumented(fleet, run.text());
            }
        }
    }

    private static void isDocumented(Fleet<?> fleet, String printed) throws IOException {
        String text = printed.replace("http://127.0.0.1:" + fleet.port(), "https://www.example.com");
        for (Node node : fleet.nodes()) {
            text = text.replace("127.0.0.1:" + node.controlPort(), node.name().replace("n", "node") + ":8090");
            text = text.replace("port " + node.controlPort(), "port 8090");
        }
        Path document = Path.of(System.getProperty("examples.dir"))
                .resolveSibling("docs/check.md")
                .normalize();
        SampleOutput.isIn(document, "CheckIT.namesTheFaultOf", text);
    }

    static Stream<String> overTls() {
        return Stream.of("HAPROXY_TLS").filter(row -> isWanted(row, false));
    }

    /** The site over https, with a certificate that only its own file vouches for. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("overTls")
    void losesNothingOverTls(String row) throws Exception {
        RollingUpgradeIT.needs(FrontEnd.HAPROXY.server().missing());
        Path directory = Parts.emptied(Parts.work().resolve("check/certificate"));
        Path key = directory.resolve("site.pem.key"); // where HAProxy looks for it
        Path certificate = directory.resolve("site.pem");
        int port = Ports.free();
        List<String> openssl = List.of(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
                        .split(" "));
        List<String> command = new ArrayList<>(openssl);
        command.addAll(List.of("-keyout", key.toString(), "-out", certificate.toString()));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
        UnaryOperator<String> secured = configuration -> configuration.contains("frontend www\n")
                ? WebServer.replaced(
                        configuration,
                        "frontend www\n",
                        "frontend www\n    bind 127.0.0.1:" + port + " ssl crt " + certificate + "\n")
                : configuration;
        try (var fleet = shared(FrontEnd.HAPROXY, row, secured)) {
            List<String> words = new ArrayList<>(arguments(
                    fleet.port(), fleet.nodes().stream().map(Node::controlPort).toList()));
            words.set(0, "https://localhost:" + port + "/session");
            words.addAll(List.of("--upload-time", UPLOAD));
            Run stranger = run(row + "-stranger", TomcatNode.TOKEN, words);
            assertThat(stranger.faults()).as(stranger.text()).containsExactly("CERTIFICATE_NOT_ACCEPTED");
            words.addAll(List.of("--ca-file", certificate.toString()));
            Run run = run(row, TomcatNode.TOKEN, words);
            assertThat(run.status()).as(run.text()).isZero();
            assertThat(run.text()).contains("nothing lost");
        }
    }

    static Stream<FrontEnd> good() {
        return Stream.of(FrontEnd.values()).filter(row -> isWanted(row.name(), row == FrontEnd.MOD_JK));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("good")
    void losesNothingBehind(FrontEnd frontEnd) throws Exception {
        RollingUpgradeIT.needs(frontEnd.server().missing());
        if (frontEnd.valveAttributes().contains("closeListener")) {
            losesNothingOfRestartedNodes(frontEnd);
            return;
        }
        try (var fleet = shared(frontEnd, "good-" + frontEnd, UnaryOperator.identity())) {
            Run run = check(fleet, "good-" + frontEnd, List.of("--upload-time", UPLOAD), TomcatNode.TOKEN);
            assertThat(run.status()).as(run.text()).isZero();
            assertThat(run.text()).contains("nothing lost").doesNotContain(TomcatNode.TOKEN);
        }
    }

    /** Only a restart undoes a drain that has closed the listeners: the command asks the test for one. */
    private static void losesNothingOfRestartedNodes(FrontEnd frontEnd) throws Exception {
        var directory = Parts.emptied(Parts.work().resolve("check/restart-" + frontEnd));
        var asked = directory.resolve("asked");
        var done = directory.resolve("done");
        try (var fleet = Fleet.started(frontEnd, "check/good-" + frontEnd, 11, frontEnd.valveAttributes())) {
            var restarter = new Thread(() -> {
                try {
                    await().atMost(Duration.ofMinutes(5)).until(() -> Files.exists(asked) && Files.size(asked) > 0);
                    String url = Files.readString(asked);
                    for (var node : fleet.nodes()) {
                        if (url.contains(":" + node.controlPort() + "/")) {
                            node.stop(Node.Stop.SIGTERM);
                            node.start();
                        }
                    }
                    Files.createFile(done);
                } catch (IOException failed) {
                    throw new IllegalStateException(failed);
                }
            });
            restarter.setDaemon(true);
            restarter.start();
            String command =
                    "printf '%s' \"$DRAIN_URL\" > '" + asked + "'; until test -e '" + done + "'; do sleep 0.1; done";
            Run run = check(
                    fleet,
                    "good-" + frontEnd,
                    List.of("--upload-time", UPLOAD, "--restart", command),
                    TomcatNode.TOKEN);
            assertThat(run.status()).as(run.text()).isZero();
            assertThat(run.text()).contains("nothing lost");
        }
    }

    @Test
    void namesTheWrongTokenAndTheWrongPortAndTheLastNode() throws Exception {
        try (var fleet = shared(FrontEnd.MOD_JK, "wrong", UnaryOperator.identity())) {
            Run token = check(fleet, "wrong-token", List.of(), TomcatNode.TOKEN + "x");
            assertThat(token.status()).isEqualTo(3);
            assertThat(token.faults()).as(token.text()).containsOnly("WRONG_TOKEN");
            Run port = run(
                    "wrong-port",
                    TomcatNode.TOKEN,
                    arguments(
                            fleet.port(),
                            fleet.nodes().stream().map(Node::httpPort).toList()));
            assertThat(port.status()).isEqualTo(3);
            assertThat(port.faults()).as(port.text()).containsOnly("WRONG_PORT");
            Run last = run(
                    "last-node",
                    TomcatNode.TOKEN,
                    arguments(fleet.port(), List.of(fleet.nodes().get(0).controlPort())));
            assertThat(last.status()).isEqualTo(1);
            assertThat(last.faults()).as(last.text()).containsExactly("LAST_NODE");
            Run dry = check(fleet, "dry", List.of("--dry-run"), TomcatNode.TOKEN);
            assertThat(dry.status()).as(dry.text()).isZero();
            assertThat(dry.text()).contains("SERVING").doesNotContain("drains ");
        }
    }

    // ---------------------------------------------------------------- how

    private record Run(int status, String text) {
        List<String> faults() {
            return text.lines()
                    .filter(line -> line.matches("[A-Z_]+: .*") && !line.startsWith("LOST"))
                    .map(line -> line.substring(0, line.indexOf(':')))
                    .toList();
        }
    }

    private static Fleet<Node> shared(FrontEnd frontEnd, String name, UnaryOperator<String> change) {
        return Fleet.started(
                frontEnd, "check/" + name, (directory, node) -> new SharedNode(NODES.get(node), node), change);
    }

    private static Run check(Fleet<?> fleet, String name, List<String> more, String token) throws Exception {
        List<String> words = new ArrayList<>(arguments(
                fleet.port(), fleet.nodes().stream().map(Node::controlPort).toList()));
        words.addAll(more);
        return run(name, token, words);
    }

    private static List<String> arguments(int site, List<Integer> nodes) {
        List<String> words = new ArrayList<>(List.of("http://127.0.0.1:" + site + "/session"));
        nodes.forEach(port -> words.addAll(List.of("--node", "http://127.0.0.1:" + port + "/drain")));
        words.addAll(List.of("--upload", "/upload", "--field", "case=17", "--field", "author=check"));
        return words;
    }

    private static Run run(String name, String token, List<String> words) throws IOException {
        Path output =
                Parts.emptied(Parts.work().resolve("check/output-" + name)).resolve("output.txt");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-jar",
                Parts.valveJar().toString(),
                "check"));
        command.addAll(words);
        try (var process = ServerProcess.start(command, Map.of("DRAIN_TOKEN", token), output)) {
            process.awaitExitNanos(LIMIT);
            String text = Files.readString(output);
            System.out.println(name + ": " + process.exitStatus() + "\n" + text);
            return new Run(process.exitStatus(), text);
        }
    }

    private static boolean isWanted(String row, boolean quick) {
        return ASKED_FOR.isEmpty()
                ? quick
                : ASKED_FOR.equals("all") || List.of(ASKED_FOR.split(",")).contains(row);
    }
}
