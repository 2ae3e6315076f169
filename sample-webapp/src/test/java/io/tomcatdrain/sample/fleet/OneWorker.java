package io.tomcatdrain.sample.fleet;

import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;

/** httpd with mod_jk and one worker, by the example, before the socket of {@link OneMachine}. */
final class OneWorker implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final int port = Ports.free();
    private final Path directory;
    private final ServerProcess process;

    OneWorker(int tomcatPort) throws IOException {
        // Not below target/: the server's unprivileged user must reach it, wherever the project lies.
        directory = Files.createTempDirectory(
                "one-worker-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        var command = WebServer.HTTPD_MOD_JK.httpd(
                Parts.example("one-machine/httpd-mod_jk"),
                Map.of(
                        "LISTEN",
                        "127.0.0.1:" + port,
                        "TOMCAT_PORT",
                        "" + tomcatPort,
                        "RUN_DIR",
                        directory.toString(),
                        "LOG_DIR",
                        directory.toString()));
        process = ServerProcess.start(command, Map.of(), directory.resolve("console.log"));
        await("httpd answers").atMost(LIMIT).until(() -> {
            try {
                return Exchange.get(port, "/page", "").status() == 200;
            } catch (IOException notYet) {
                return false;
            }
        });
    }

    int port() {
        return port;
    }

    @Override
    public void close() throws IOException {
        process.sendSigterm();
        process.awaitExitNanos(LIMIT);
        process.close();
        Parts.delete(directory);
    }
}
