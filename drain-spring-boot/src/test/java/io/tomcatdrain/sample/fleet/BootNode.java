package io.tomcatdrain.sample.fleet;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An application of Spring Boot's as one node of a fleet: a process of its own, on the class path of the test. */
final class BootNode implements Node {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(90);

    private final String name;
    private final Path console;
    private final List<String> properties;
    private final int httpPort = Ports.free();
    private ServerProcess process;

    BootNode(Path directory, String name, List<String> properties) {
        this.name = name;
        this.console = Parts.emptied(directory).resolve("console.log");
        this.properties = properties;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int httpPort() {
        return httpPort;
    }

    @Override
    public int ajpPort() {
        throw new UnsupportedOperationException("no AJP here");
    }

    @Override
    public List<Stop> ways() {
        return List.of(Stop.SIGTERM);
    }

    @Override
    public void start() {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dnode=" + name,
                "-DjvmRoute=" + name,
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                FleetApp.class.getName(),
                "--server.address=127.0.0.1",
                "--server.port=" + httpPort,
                "--spring.main.banner-mode=off",
                "--spring.servlet.multipart.max-file-size=-1",
                // So that the body of a form is left to whom it is for.
                "--spring.servlet.multipart.resolve-lazily=true",
                "--spring.servlet.multipart.max-request-size=-1"));
        properties.forEach(property -> command.add("--" + property));
        var started = ServerProcess.start(command, Map.of(), console);
        process = started;
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

    @Override
    public long stop(Stop way) {
        process.sendSigterm();
        long exitNanos = process.awaitExitNanos(EXIT_LIMIT);
        process = null;
        return exitNanos;
    }

    @Override
    public Duration lameDuck() {
        return ServerProcess.lameDuck(console);
    }

    @Override
    public String tail() {
        return ServerProcess.tail(console, 60);
    }

    @Override
    public void close() {
        if (process != null) {
            process.close();
            process = null;
        }
    }

    private boolean isReady() {
        try {
            return Exchange.get(httpPort, "/page", "").status() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }
}
