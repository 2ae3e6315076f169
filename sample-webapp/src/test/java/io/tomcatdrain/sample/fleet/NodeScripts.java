package io.tomcatdrain.sample.fleet;

import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What an operator's tools use on a running node instead of {@code systemctl}: shell scripts that stop and start it, and
 * its PID file.
 */
final class NodeScripts implements AutoCloseable {
    private static final Duration STOP_LIMIT = Duration.ofSeconds(60);

    private final TomcatNode node;

    private NodeScripts(TomcatNode node) {
        this.node = node;
    }

    static NodeScripts of(TomcatNode node) {
        var scripts = new NodeScripts(node);
        try {
            Files.createDirectories(node.base().resolve("bin"));
            Files.writeString(scripts.pidFile(), node.pid() + "\n");
            Files.writeString(scripts.portFile(), node.httpPort() + "\n");
            Files.writeString(scripts.controlPortFile(), node.controlPort() + "\n");
            scripts.write(scripts.stop(), "stop", "" + STOP_LIMIT.toSeconds());
            scripts.write(scripts.start(), "start", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return scripts;
    }

    TomcatNode node() {
        return node;
    }

    /** Returns when the process has ended. */
    Path stop() {
        return node.base().resolve("bin/stop.sh");
    }

    /** Returns at once. */
    Path start() {
        return node.base().resolve("bin/start.sh");
    }

    /** Holds the port of the HTTP connector. */
    Path portFile() {
        return node.base().resolve("bin/port");
    }

    /** Holds the port of the connector for probes and control. */
    Path controlPortFile() {
        return node.base().resolve("bin/control-port");
    }

    Path war() {
        return node.base().resolve("webapps/ROOT.war");
    }

    /** The process that runs now, whoever started it; 0 if none does. */
    long pid() {
        try {
            return Files.exists(pidFile())
                    ? Long.parseLong(Files.readString(pidFile()).trim())
                    : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        ProcessHandle.of(pid()).ifPresent(process -> {
            process.destroyForcibly();
            await(node.name() + " is gone").until(() -> !process.isAlive());
        });
    }

    private Path pidFile() {
        return node.base().resolve("tomcat.pid");
    }

    private void write(Path script, String command, String argument) throws IOException {
        var environment = node.environment();
        environment.putAll(Map.of(
                "CATALINA_PID", pidFile().toString(),
                "CATALINA_OUT", node.base().resolve("logs/console.log").toString()));
        var exports = environment.entrySet().stream()
                .map(entry -> "export " + entry.getKey() + "=" + quoted(entry.getValue()) + "\n")
                .collect(Collectors.joining());
        var catalina = node.catalina(command).stream().map(NodeScripts::quoted).collect(Collectors.joining(" "));
        Files.writeString(script, exports + "exec " + catalina + " " + argument + "\n");
    }

    static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
