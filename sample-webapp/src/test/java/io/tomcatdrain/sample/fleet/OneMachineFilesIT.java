package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.UploadForm;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;

/** What {@code examples/} has for one machine, as the tools see it that read it; {@link HandOverIT} uses it. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@Execution(CONCURRENT)
final class OneMachineFilesIT {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    /** Runs a command; returns what it printed. */
    private static String run(Path directory, Map<String, String> environment, String... command) throws IOException {
        var output = directory.resolve("output.log");
        Files.deleteIfExists(output);
        try (var process = ServerProcess.start(List.of(command), environment, output)) {
            process.awaitExitNanos(LIMIT);
            return Files.readString(output) + "status " + process.exitStatus();
        }
    }

    private static void needs(String program, String debian) {
        RollingUpgradeIT.needs(Optional.of(program + " not installed (apt-get install " + debian + ")")
                .filter(missing -> !Files.isExecutable(Path.of("/usr/bin", program))));
    }

    @Test
    void scriptsAreCleanForShellcheck() throws IOException {
        needs("shellcheck", "shellcheck");
        var directory = Parts.emptied(Parts.work().resolve("one-machine-shellcheck"));
        for (var script : List.of("one-machine/upgrade", "restart/restart.sh")) {
            assertThat(run(
                            directory,
                            Map.of(),
                            "shellcheck",
                            Parts.example(script).toString()))
                    .isEqualTo("status 0");
        }
    }

    /** It prints what systemd would ignore. */
    @Test
    void unitsAreCleanForSystemd() throws IOException {
        needs("systemd-analyze", "systemd");
        var directory = Parts.emptied(Parts.work().resolve("one-machine-units"));
        Files.copy(Parts.example("one-machine/tomcat.socket"), directory.resolve("tomcat.socket"));
        verifiable(Parts.example("one-machine/tomcat@.service"), directory.resolve("tomcat@.service"));
        verifiable(Parts.example("systemd/tomcat.service"), directory.resolve("tomcat10.service"));
        var dropIns = Files.createDirectories(directory.resolve("tomcat10.service.d"));
        Files.copy(Parts.example("systemd/drop-in.conf"), dropIns.resolve("drain.conf"));
        // HAProxy's own, and what the example adds to its reload.
        RollingUpgradeIT.needs(WebServer.HAPROXY.missing());
        Files.copy(Path.of("/lib/systemd/system/haproxy.service"), directory.resolve("haproxy.service"));
        var ofHaproxy = Files.createDirectories(directory.resolve("haproxy.service.d"));
        Files.copy(Parts.example("haproxy/reload.conf"), ofHaproxy.resolve("tomcat-drain.conf"));
        assertThat(run(
                        directory,
                        Map.of("SYSTEMD_UNIT_PATH", directory + ":"),
                        "systemd-analyze",
                        "verify",
                        "tomcat.socket",
                        "tomcat@blue.service",
                        "tomcat@green.service",
                        "tomcat10.service",
                        "haproxy.service"))
                .isEqualTo("status 0");
    }

    /** With a program in the place of Tomcat's script, which is not on this machine: systemd looks whether it is there. */
    private static void verifiable(Path unit, Path copy) throws IOException {
        Files.writeString(copy, Files.readString(unit).replaceAll("(?m)^ExecStart=\\S+", "ExecStart=/bin/true"));
    }

    @Test
    void aRestartWaitsForTheDrainAndStartsNothingBesideIt() throws IOException {
        var node = TomcatNode.installed(Parts.work().resolve("restarted"), "restarted", 11, "");
        var directory = Parts.emptied(Parts.work().resolve("restarted-by"));
        var pid = directory.resolve("tomcat.pid");
        var environment = new HashMap<>(node.environment());
        environment.put("CATALINA_PID", pid.toString());
        environment.put("CATALINA_OUT", directory.resolve("console.log").toString());
        var restart = Parts.example("restart/restart.sh").toString();
        var form = UploadForm.random(new Random(1), 100_000);
        try {
            assertThat(run(directory, environment, restart)).as("a first start").endsWith("status 0");
            awaitReady(node);
            var first = Files.readString(pid);
            try (var upload = Exchange.with(node.httpPort())) {
                upload.sendHead(
                        "POST",
                        "/upload",
                        "Content-Type: " + form.contentType() + "\r\nContent-Length: " + form.length() + "\r\n");
                upload.send(form.head());
                await().until(() -> Exchange.get(
                                node.controlPort(), "/drain", "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n")
                        .body()
                        .contains("\"uploads\":1"));

                assertThat(run(directory, environment, restart, "1"))
                        .contains("still runs after 1 s; nothing was started")
                        .endsWith("status 1");
                assertThat(Files.readString(pid)).isEqualTo(first);
                upload.send(form.fileSource(), form.fileOffset(), form.fileSize());
                upload.send(form.tail());
                assertThat(form.difference(upload.answer().body())).isEmpty();
            }
            assertThat(run(directory, environment, restart, "60")).endsWith("status 0");
            awaitReady(node);
            assertThat(Files.readString(pid)).isNotEqualTo(first);
        } finally {
            if (Files.exists(pid)) {
                ProcessHandle.of(Long.parseLong(Files.readString(pid).trim()))
                        .ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }

    private static void awaitReady(TomcatNode node) {
        await("ready").atMost(LIMIT).until(() -> {
            try {
                return Exchange.get(node.controlPort(), "/page", "").status() == 200;
            } catch (IOException notYet) {
                return false;
            }
        });
    }
}
