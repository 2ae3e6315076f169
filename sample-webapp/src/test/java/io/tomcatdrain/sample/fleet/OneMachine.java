package io.tomcatdrain.sample.fleet;

import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Two Tomcats of one machine that take turns at one listening socket, by the tools of {@code examples/one-machine}. */
final class OneMachine implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private static final Pattern HTTP = Pattern.compile("<Connector bindOnInit=\"false\" port=\"(\\d+)\"([^>]*)/>");
    private static final Pattern AJP = Pattern.compile("<Connector protocol=\"AJP/1.3\"([^>]*)bindOnInit=\"false\" />");

    /** What the connector speaks that has inherited the socket. */
    enum Speaks {
        HTTP,
        AJP
    }

    private final int port = Ports.free();
    private final Path directory;
    private final Path runDirectory;
    private final Map<String, TomcatNode> instances = new HashMap<>();
    private final @Nullable String valveAttributes;
    private final ServerProcess launcher;

    /** Installs both and starts blue; the valve's attributes are null for Tomcats without it. */
    OneMachine(String name, int line, Speaks speaks, @Nullable String valveAttributes) {
        this(name, line, speaks, valveAttributes, node -> {});
    }

    /** The same with instances that are changed before they start. */
    OneMachine(String name, int line, Speaks speaks, @Nullable String valveAttributes, Consumer<TomcatNode> change) {
        this.directory = Parts.emptied(Parts.work().resolve(name));
        this.runDirectory = Parts.emptied(directory.resolve("run"));
        this.valveAttributes = valveAttributes;
        try {
            for (var instance : List.of("blue", "green")) {
                var node = TomcatNode.installed(directory.resolve(instance), instance, line, valveAttributes);
                instances.put(instance, node);
                var serverXml = node.base().resolve("conf/server.xml");
                Files.writeString(serverXml, inheriting(Files.readString(serverXml), speaks));
                change.accept(node);
            }
            launcher = ServerProcess.start(
                    List.of(
                            "perl",
                            Parts.example("one-machine/tomcat-socket").toString(),
                            "127.0.0.1:" + port,
                            runDirectory.toString(),
                            "/bin/sh",
                            "-c",
                            "CATALINA_BASE=" + NodeScripts.quoted(directory.toString()) + "/$1\n"
                                    + "CATALINA_OPTS=\"$CATALINA_OPTS -Dnode=$1\"\nexport CATALINA_BASE CATALINA_OPTS\n"
                                    + "exec " + String.join(" ", node("blue").catalina("run"))
                                    + " >>\"$CATALINA_BASE/logs/console.log\" 2>&1",
                            "run"),
                    node("blue").environment(),
                    directory.resolve("launcher.log"));
            await("the launcher").atMost(LIMIT).until(() -> Files.exists(runDirectory.resolve("socket.pid")));
            command("RUNS=: ; INSTANCE=blue sh -c \"$START\"");
            awaitReady("blue");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The port of the socket that both accept from. */
    int port() {
        return port;
    }

    TomcatNode node(String instance) {
        return instances.get(instance);
    }

    /** Everything that an instance has printed so far. */
    String console(String instance) {
        try {
            return Files.readString(node(instance).base().resolve("logs/console.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The ends of all logs, for a failure message. */
    String logs() {
        return node("blue").tail() + "\n" + node("green").tail();
    }

    /** Sends a signal to the process of an instance; to none if it does not run. */
    void signal(String instance, String name) {
        pid(instance).ifPresent(pid -> ServerProcess.signal(pid, name));
    }

    private Optional<Long> pid(String instance) {
        try {
            var file = runDirectory.resolve(instance + ".pid");
            return Files.exists(file)
                    ? Optional.of(Long.parseLong(Files.readString(file).trim()))
                    : Optional.empty();
        } catch (IOException | NumberFormatException ended) {
            // between the look and the reading
            return Optional.empty();
        }
    }

    /** Runs the example's one command; returns what it printed, and its exit status as the last word. */
    String upgrade(@Nullable Path war) {
        return command(Parts.example("one-machine/upgrade") + (war == null ? "" : " '" + war + "'"));
    }

    /** Runs a shell command with what the example sets without systemd. */
    private String command(String shell) {
        var output = directory.resolve("upgrade.log");
        try {
            Files.deleteIfExists(output);
            var script =
                    ". '" + Parts.example("one-machine/without-systemd.env") + "'\n" + shell + "\necho \"status $?\"\n";
            var environment = Map.of(
                    "RUN_DIR",
                    runDirectory.toString(),
                    "INSTANCES_DIR",
                    directory.toString(),
                    "BLUE_PORT",
                    "" + node("blue").controlPort(),
                    "GREEN_PORT",
                    "" + node("green").controlPort(),
                    "READY_URL",
                    "http://127.0.0.1:$PORT" + readyPath(),
                    "APP_URL",
                    "http://127.0.0.1:$PORT/page");
            try (var process = ServerProcess.start(List.of("/bin/sh", "-c", script), environment, output)) {
                process.awaitExitNanos(LIMIT);
            }
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String readyPath() {
        return valveAttributes == null ? "/page" : "/drain/ready";
    }

    /** By its page: who asks for readiness once is a prober, for which a drain soon after waits. */
    private void awaitReady(String instance) {
        await(instance + " is ready").atMost(LIMIT).until(() -> {
            try {
                return Exchange.get(node(instance).controlPort(), "/page", "").status() == 200;
            } catch (IOException notYet) {
                return false;
            }
        });
    }

    /** One of the two connectors inherits the socket, and the other is gone; that for control stays. */
    private static String inheriting(String serverXml, Speaks speaks) {
        // With useAsyncIO Tomcat takes body bytes for the head of an HTTP/2 frame now and then, with or without a
        // drain.
        var http = speaks == Speaks.HTTP
                ? "<Connector useInheritedChannel=\"true\" useAsyncIO=\"false\" port=\"$1\"$2>"
                        + "<UpgradeProtocol className=\"org.apache.coyote.http2.Http2Protocol\" /></Connector>"
                : "";
        var ajp = speaks == Speaks.AJP ? "<Connector protocol=\"AJP/1.3\" useInheritedChannel=\"true\"$1/>" : "";
        return AJP.matcher(HTTP.matcher(serverXml).replaceFirst(http)).replaceFirst(ajp);
    }

    @Override
    public void close() {
        for (var instance : new ArrayList<>(instances.keySet())) {
            pid(instance).flatMap(ProcessHandle::of).ifPresent(ProcessHandle::destroyForcibly);
        }
        launcher.close();
    }
}
