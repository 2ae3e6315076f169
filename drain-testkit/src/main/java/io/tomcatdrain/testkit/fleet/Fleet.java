package io.tomcatdrain.testkit.fleet;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Nodes, two if nothing else is said, and the front end before them, on loopback and free ports.
 *
 * @param <N> what they are
 */
public final class Fleet<N extends Node> implements AutoCloseable {
    private static final Duration FRONT_LIMIT = Duration.ofMinutes(3);

    private final int port = Ports.free();
    private final Path directory;
    private final List<N> nodes = new ArrayList<>();
    private @Nullable ServerProcess front;
    private @Nullable FrontEnd frontEnd;
    private @Nullable Path runDirectory;

    private Fleet(Path directory) {
        this.directory = directory;
    }

    /** How a node is made that has not been started yet. */
    public interface Maker<N> {
        N make(Path directory, String name);
    }

    /** Starts two nodes of a Tomcat line and the front end; the valve's attributes are null for Tomcats without it. */
    public static Fleet<TomcatNode> started(
            FrontEnd frontEnd, String name, int line, @Nullable String valveAttributes) {
        return started(frontEnd, name, line, valveAttributes, node -> {});
    }

    /** The same with nodes that are changed before they start. */
    public static Fleet<TomcatNode> started(
            FrontEnd frontEnd, String name, int line, @Nullable String valveAttributes, Consumer<TomcatNode> change) {
        return started(frontEnd, name, (directory, node) -> {
            var made = TomcatNode.installed(directory, node, line, valveAttributes);
            change.accept(made);
            return made;
        });
    }

    /** Starts two nodes of any kind and the front end. */
    public static <N extends Node> Fleet<N> started(FrontEnd frontEnd, String name, Maker<N> maker) {
        return started(frontEnd, name, maker, UnaryOperator.identity());
    }

    /** The same with a front end of which each configuration file is changed before it starts. */
    public static <N extends Node> Fleet<N> started(
            FrontEnd frontEnd, String name, Maker<N> maker, UnaryOperator<String> change) {
        return started(frontEnd, name, 2, maker, change);
    }

    /** The same with so many nodes, which the changed configuration knows. */
    public static <N extends Node> Fleet<N> started(
            FrontEnd frontEnd, String name, int size, Maker<N> maker, UnaryOperator<String> change) {
        var fleet = new Fleet<N>(Parts.emptied(Parts.work().resolve(name)));
        try {
            for (int i = 1; i <= size; i++) {
                var node = "n" + i;
                fleet.nodes.add(maker.make(fleet.directory.resolve(node), node));
            }
            fleet.startNodes();
            fleet.startFront(frontEnd, change);
            return fleet;
        } catch (IOException e) {
            fleet.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException | Error e) {
            fleet.close();
            throw e;
        }
    }

    /** Starts all at once, on threads of its own: a parallel stream would take other tests to the thread of this one. */
    private void startNodes() {
        var starts = nodes.stream()
                .map(node -> CompletableFuture.runAsync(node::start, work -> new Thread(work, node.name()).start()))
                .toList();
        starts.forEach(CompletableFuture::join);
    }

    public int port() {
        return port;
    }

    /** Lets the front end read its configuration again, as its package does at {@code systemctl reload}. */
    public void reloadFront() {
        if (front == null || frontEnd == null) {
            throw new IllegalStateException("no front end runs");
        }
        try {
            var before = frontEnd.server().beforeReload(directory.resolve("example"), String.valueOf(runDirectory));
            if (before.isPresent()) {
                var log = directory.resolve("front-end/reload.log");
                try (var shell = ServerProcess.start(List.of("/bin/sh", "-c", before.get()), Map.of(), log)) {
                    shell.awaitExitNanos(FRONT_LIMIT);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        front.signal(frontEnd.server().reloadSignal());
    }

    public List<N> nodes() {
        return nodes;
    }

    /** The ends of all logs, for a failure message. */
    public String logs() {
        var logs = new StringBuilder();
        nodes.forEach(node -> logs.append(node.tail()).append('\n'));
        try (var files = Files.list(directory.resolve("front-end"))) {
            files.filter(file -> file.getFileName().toString().endsWith(".log"))
                    .filter(file -> !file.endsWith("access.log"))
                    .sorted()
                    .forEach(file -> logs.append(ServerProcess.tail(file, 60)).append('\n'));
        } catch (IOException e) {
            logs.append(e);
        }
        return logs.toString();
    }

    @Override
    public void close() {
        try {
            stopFront();
        } finally {
            nodes.forEach(Node::close);
        }
    }

    private void startFront(FrontEnd frontEnd, UnaryOperator<String> change) throws IOException {
        this.frontEnd = frontEnd;
        var logs = Files.createDirectories(directory.resolve("front-end"));
        // Not below target/: the server's unprivileged user must reach it, wherever the project lies.
        runDirectory = Files.createTempDirectory(
                "fleet-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        var settings = settings(frontEnd, logs);
        var command = frontEnd.server().command(example(frontEnd, change), settings, logs);
        var started = ServerProcess.start(command, settings, logs.resolve("console.log"));
        front = started;
        await(frontEnd + " answers")
                .atMost(FRONT_LIMIT)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    if (!started.isAlive()) {
                        throw new AssertionError(frontEnd + " ended while it started\n" + logs());
                    }
                    return answers();
                });
    }

    /** Copies the files of an example, changed. */
    private Path example(FrontEnd frontEnd, UnaryOperator<String> change) throws IOException {
        var copy = Files.createDirectories(directory.resolve("example"));
        try (var files = Files.list(Parts.example(frontEnd.example()))) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                Files.writeString(copy.resolve(file.getFileName()), change.apply(Files.readString(file)));
            }
        }
        return copy;
    }

    private Map<String, String> settings(FrontEnd frontEnd, Path logs) {
        var settings = new TreeMap<String, String>();
        settings.put("LISTEN", "127.0.0.1:" + port);
        settings.put("LOG_DIR", logs.toString());
        settings.put("RUN_DIR", String.valueOf(runDirectory));
        for (var node : nodes) {
            var prefix = node.name().replace("n", "NODE");
            settings.put(prefix + "_HOST", "127.0.0.1");
            settings.put(prefix + "_PORT", "" + (frontEnd.usesAjp() ? node.ajpPort() : node.httpPort()));
            settings.put(prefix + "_CONTROL_PORT", "" + node.controlPort());
        }
        return settings;
    }

    private boolean answers() {
        try {
            return Exchange.get(port, "/page", "").status() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    private void stopFront() {
        if (front != null) {
            try (var stopping = front) {
                stopping.sendSigterm();
                stopping.awaitExitNanos(FRONT_LIMIT);
            } finally {
                front = null;
            }
        }
        if (runDirectory != null) {
            try {
                Parts.delete(runDirectory);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
