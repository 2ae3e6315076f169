package io.tomcatdrain.testkit.fleet;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A node that is a process of its own, whose output goes to a file; it is ready when its page answers. Nothing here asks for readiness: who does
 * that once is a prober to a node, for which a drain soon after its start waits.
 */
public abstract class ProcessNode implements Node {
    private static final Duration START_LIMIT = Duration.ofMinutes(3);
    private static final Duration EXIT_LIMIT = Duration.ofMinutes(3);
    private static final int LINES_OF_TAIL = 60;

    private final String name;
    private final Path console;
    private final int httpPort = Ports.free();
    private @Nullable ServerProcess process;

    /** Names the node and the file that its output is added to. */
    protected ProcessNode(String name, Path console) {
        this.name = name;
        this.console = console;
    }

    /** The command that runs the server in the foreground. */
    protected abstract List<String> command();

    /** What the command finds in its environment besides that of the build. */
    protected Map<String, String> environment() {
        return Map.of();
    }

    /** The port at which the node answers last when it starts. */
    protected int lastPort() {
        return httpPort;
    }

    /** Begins a stop; the caller waits for the end of the process. */
    protected void beginStop(Stop way, ServerProcess running) {
        running.sendSigterm();
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final int httpPort() {
        return httpPort;
    }

    protected final Path console() {
        return console;
    }

    protected final ServerProcess running() {
        if (process == null) {
            throw new IllegalStateException(name + " does not run");
        }
        return process;
    }

    @Override
    public final void start() {
        launch();
        awaitReady();
    }

    /** Waits until it is ready for requests. */
    public final void awaitReady() {
        var started = running();
        await(name + " ready")
                .atMost(START_LIMIT)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> {
                    if (!started.isAlive()) {
                        throw new AssertionError(name + " ended while it started\n" + started.tail());
                    }
                    return isReady();
                });
    }

    /** Starts it and does not wait. */
    public final void launch() {
        process = ServerProcess.start(command(), environment(), console);
    }

    private boolean isReady() {
        try {
            return Exchange.get(lastPort(), "/page", "").status() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    @Override
    public final long stop(Stop way) {
        var running = running();
        beginStop(way, running);
        long exitNanos = running.awaitExitNanos(EXIT_LIMIT);
        process = null;
        return exitNanos;
    }

    @Override
    public final Duration lameDuck() {
        return ServerProcess.lameDuck(console);
    }

    @Override
    public final String tail() {
        return ServerProcess.tail(console, LINES_OF_TAIL);
    }

    @Override
    public final void close() {
        if (process != null) {
            process.close();
            process = null;
        }
    }
}
