package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.sample.fleet.UpgradeTool.Order;
import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.UploadForm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The examples' own playbook and script give a new WAR to two real Tomcats behind httpd. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@Execution(CONCURRENT)
final class RollingUpgradeIT {
    private static final FrontEnd FRONT_END = FrontEnd.MOD_PROXY_HTTP;
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(60);
    private static final Duration TOOL_LIMIT = Duration.ofMinutes(10);
    private static final String VERSION_PAGE = "/version.txt";

    @ParameterizedTest
    @EnumSource
    void upgradesEveryNodeAndLosesNothing(UpgradeTool tool) throws IOException {
        needs(FRONT_END.server().missing());
        needs(tool.missing());
        var directory = Parts.emptied(Parts.work().resolve("upgrade-" + tool));
        var war = newWar(directory.resolve("new.war"));
        try (var fleet = Fleet.started(
                        FRONT_END, "upgrade-" + tool + "/fleet", line(tool), FRONT_END.valveAttributes());
                var n1 = NodeScripts.of(fleet.nodes().get(0));
                var n2 = NodeScripts.of(fleet.nodes().get(1))) {
            var order = new Order(war, List.of(n1, n2), VERSION_PAGE, DRAIN_LIMIT, FRONT_END.betweenNodes(), directory);
            var tally = new Tally();
            long startedNanos = System.nanoTime();
            var load = Load.started(fleet.port(), Profile.SHORT_UPLOADS, tally);
            Run run;
            try {
                fleet.nodes().forEach(node -> tally.awaitUploadBy(node.name(), startedNanos, USE_LIMIT));
                tally.phase(tool + " runs");
                run = Run.of(tool, order);
            } finally {
                tally.phase("the load ends");
                load.finish();
            }

            assertThat(run.status()).as(run.log()).isZero();
            assertThat(run.log()).doesNotContain(TomcatNode.TOKEN);
            for (var scripts : order.nodes()) {
                assertThat(version(scripts)).as(scripts.node().name()).isEqualTo("200 2");
            }
            assertThat(tally.lostUploads()).as("lost uploads\n%s", fleet.logs()).isEmpty();
            assertThat(tally.lostGets()).as("lost GETs\n%s", fleet.logs()).isEmpty();
        }
    }

    /** The new WAR is none, so that Tomcat comes back and the application does not. */
    @ParameterizedTest
    @MethodSource("playbook")
    void doesNothingWithoutAWarAndGivesTheOldOneBackToTheFirstNodeThatDoesNotComeBack(UpgradeTool tool)
            throws IOException {
        needs(FRONT_END.server().missing());
        needs(tool.missing());
        var directory = Parts.emptied(Parts.work().resolve("broken-upgrade-" + tool));
        var war = Files.writeString(directory.resolve("new.war"), "half an upload of a WAR");
        try (var fleet = Fleet.started(
                        FRONT_END, "broken-upgrade-" + tool + "/fleet", line(tool), FRONT_END.valveAttributes());
                var n1 = NodeScripts.of(fleet.nodes().get(0));
                var n2 = NodeScripts.of(fleet.nodes().get(1))) {
            long secondPid = n2.pid();
            var nodes = List.of(n1, n2);
            var nowhere = directory.resolve("nowhere.war");
            var nothing = Run.of(tool, new Order(nowhere, nodes, "/page", DRAIN_LIMIT, Duration.ZERO, directory));
            assertThat(nothing.status()).as(nothing.log()).isEqualTo(2);
            for (var scripts : nodes) {
                assertThat(status(scripts))
                        .as("without a WAR nothing is done\n%s", nothing.log())
                        .contains("\"state\":\"SERVING\"")
                        .doesNotContain("\"report\":{");
            }

            var run = Run.of(tool, new Order(war, nodes, "/page", DRAIN_LIMIT, Duration.ZERO, directory));

            assertThat(run.status()).as(run.log()).isEqualTo(tool.statusOfLostNode());
            assertThat(run.log()).doesNotContain(TomcatNode.TOKEN);
            assertThat(Files.mismatch(n1.war(), Parts.sampleWar()))
                    .as("the first node has the old WAR again\n%s", run.log())
                    .isEqualTo(-1);
            assertThat(Exchange.get(n1.node().httpPort(), "/page", "").status()).isEqualTo(200);
            assertThat(status(n1)).contains("\"state\":\"SERVING\"");
            assertThat(n2.pid()).as("the second node was not restarted").isEqualTo(secondPid);
            assertThat(Exchange.get(n2.node().httpPort(), "/page", "").status()).isEqualTo(200);
            assertThat(status(n2)).contains("\"state\":\"SERVING\"").contains("\"refused\":0");
        }
    }

    @ParameterizedTest
    @MethodSource("script")
    void letsTheNodeServeAgainWhenAnUploadTakesTooLong(UpgradeTool tool) throws IOException {
        needs(FRONT_END.server().missing());
        needs(tool.missing());
        var directory = Parts.emptied(Parts.work().resolve("busy-upgrade-" + tool));
        var form = UploadForm.random(new Random(1), 100_000);
        try (var fleet = Fleet.started(
                        FRONT_END, "busy-upgrade-" + tool + "/fleet", line(tool), FRONT_END.valveAttributes());
                var n1 = NodeScripts.of(fleet.nodes().get(0));
                var n2 = NodeScripts.of(fleet.nodes().get(1));
                var upload = Exchange.with(n1.node().httpPort())) {
            long firstPid = n1.pid();
            upload.sendHead(
                    "POST",
                    "/upload",
                    "Content-Type: " + form.contentType() + "\r\nContent-Length: " + form.length() + "\r\n");
            upload.send(form.head());
            await().until(() -> status(n1).contains("\"uploads\":1"));
            var nodes = List.of(n1, n2);

            var run = Run.of(
                    tool,
                    new Order(Parts.sampleWar(), nodes, "/page", Duration.ofSeconds(1), Duration.ZERO, directory));

            assertThat(run.status()).as(run.log()).isEqualTo(tool.statusOfBusyNode());
            assertThat(run.log()).doesNotContain(TomcatNode.TOKEN);
            assertThat(n1.pid()).as("the first node was not restarted").isEqualTo(firstPid);
            assertThat(status(n1)).contains("\"state\":\"SERVING\"");
            assertThat(status(n2)).contains("\"state\":\"SERVING\"").doesNotContain("\"report\":{");
            upload.send(form.fileSource(), form.fileOffset(), form.fileSize());
            upload.send(form.tail());
            assertThat(form.difference(upload.answer().body())).isEmpty();
        }
    }

    /** Both in the long form. */
    static Stream<UpgradeTool> playbook() {
        return LongForm.ASKED_FOR ? Stream.of(UpgradeTool.values()) : Stream.of(UpgradeTool.PLAYBOOK);
    }

    /** Both in the long form. */
    static Stream<UpgradeTool> script() {
        return LongForm.ASKED_FOR ? Stream.of(UpgradeTool.values()) : Stream.of(UpgradeTool.SCRIPT);
    }

    @Test
    void scriptIsCleanForShellcheck() throws IOException {
        var shellcheck = Optional.of("shellcheck not installed (apt-get install shellcheck)")
                .filter(missing -> !Files.isExecutable(Path.of("/usr/bin/shellcheck")));
        needs(shellcheck);
        var directory = Files.createDirectories(Parts.work());
        var command = List.of(
                "shellcheck", Parts.example("rolling-upgrade/upgrade.sh").toString());
        var output = Parts.emptied(directory.resolve("shellcheck")).resolve("output.log");
        try (var process = ServerProcess.start(command, Map.of(), output)) {
            process.awaitExitNanos(TOOL_LIMIT);
        }
        assertThat(output).isEmptyFile();
    }

    /** The lines of Tomcat look the same to a tool: one of each is enough. */
    private static int line(UpgradeTool tool) {
        return tool == UpgradeTool.PLAYBOOK ? 11 : 10;
    }

    /** One run of a tool: its exit status and what it printed. */
    private record Run(int status, String log) {
        static Run of(UpgradeTool tool, Order order) throws IOException {
            var log = order.directory().resolve("tool.log");
            try (var process = ServerProcess.start(tool.command(order), tool.environment(order), log)) {
                process.awaitExitNanos(TOOL_LIMIT);
                return new Run(process.exitStatus(), Files.readString(log));
            }
        }
    }

    /** The sample's WAR, and a page that tells the new version from it. */
    private static Path newWar(Path file) throws IOException {
        try (var old = new ZipFile(Parts.sampleWar().toFile());
                var out = new ZipOutputStream(Files.newOutputStream(file))) {
            for (var entry : Collections.list(old.entries())) {
                out.putNextEntry(new ZipEntry(entry.getName()));
                old.getInputStream(entry).transferTo(out);
            }
            out.putNextEntry(new ZipEntry(VERSION_PAGE.substring(1)));
            out.write('2');
        }
        return file;
    }

    private static String version(NodeScripts scripts) throws IOException {
        var answer = Exchange.get(scripts.node().httpPort(), VERSION_PAGE, "");
        return answer.status() + " " + answer.body();
    }

    private static String status(NodeScripts scripts) throws IOException {
        return Exchange.get(
                        scripts.node().controlPort(), "/drain", "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n")
                .body();
    }

    /** Skips what cannot run here, by name; where nothing may be skipped that is a failure. */
    static void needs(Optional<String> missing) {
        missing.ifPresent(what -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + what);
            }
            abort("skipped: " + what);
        });
    }
}
