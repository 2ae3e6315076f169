package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The commands of an example's README, as they are written, on a copy of a stock Debian's {@code /etc}. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class DebianInstallIT {
    private static final Pattern COMMANDS = Pattern.compile("```sh\n(a2enmod .*?)```", Pattern.DOTALL);
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Path STOCK = Path.of("/etc");

    @Test
    void modJkIsInstalledAsItsReadmeSays() throws IOException {
        RollingUpgradeIT.needs(FrontEnd.MOD_JK.server().missing());
        RollingUpgradeIT.needs(Optional.of("no Debian: /etc/libapache2-mod-jk is missing")
                .filter(missing -> !Files.isDirectory(STOCK.resolve("libapache2-mod-jk"))));
        var directory = Parts.emptied(Parts.work().resolve("debian-mod_jk"));
        var etc = Files.createDirectories(directory.resolve("etc"));
        // The server's unprivileged user must reach it.
        var run = Files.createTempDirectory(
                "debian-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        int port = Ports.free();
        try (var node = TomcatNode.installed(directory.resolve("n1"), "n1", 11, "")) {
            shell(directory, etc, "cp -a /etc/apache2 /etc/libapache2-mod-jk '" + etc + "'");
            change(etc.resolve("apache2/ports.conf"), "Listen 80\n", "Listen 127.0.0.1:" + port + "\n");
            change(etc.resolve("apache2/sites-available/000-default.conf"), "*:80", "*:" + port);
            var jk = etc.resolve("apache2/mods-available/jk.conf");
            change(
                    jk,
                    "/etc/libapache2-mod-jk",
                    etc.resolve("libapache2-mod-jk").toString());
            change(jk, "/var/log/apache2", run.toString());

            var commands = COMMANDS.matcher(Files.readString(Parts.example("httpd-mod_jk/README.md")));
            assertThat(commands.find()).isTrue();
            shell(Parts.example("httpd-mod_jk"), etc, commands.group(1).replaceAll("(?<![\\w.])/etc/", etc + "/"));
            var workers = etc.resolve("libapache2-mod-jk/workers.properties");
            change(workers, "10.0.0.11", "127.0.0.1");
            change(workers, "10.0.0.12", "127.0.0.1");
            change(workers, "port=8009", "port=" + node.ajpPort());

            node.start();
            var command =
                    List.of("/usr/sbin/apache2", "-d", etc.resolve("apache2").toString(), "-DFOREGROUND");
            try (var apache = ServerProcess.start(command, environment(run), directory.resolve("console.log"))) {
                await().atMost(LIMIT)
                        .ignoreExceptionsInstanceOf(IOException.class)
                        .until(() -> status(port, "/page") == 200);
                assertThat(status(port, "/drain/ready")).isEqualTo(403);
                assertThat(status(port, "/x/..;/drain")).isEqualTo(403);
                assertThat(Exchange.get(port, "/jk-status", "").body())
                        .contains("JK Status Manager", "fleet", "n1", "n2");
                apache.sendSigterm();
                apache.awaitExitNanos(LIMIT);
            }
        } finally {
            shell(directory, etc, "rm -rf '" + run + "'");
        }
    }

    private static int status(int port, String path) throws IOException {
        return Exchange.get(port, path, "").status();
    }

    private static Map<String, String> environment(Path run) {
        return Map.of(
                "APACHE_RUN_USER", "www-data",
                "APACHE_RUN_GROUP", "www-data",
                "APACHE_PID_FILE", run.resolve("apache2.pid").toString(),
                "APACHE_RUN_DIR", run.toString(),
                "APACHE_LOCK_DIR", run.toString(),
                "APACHE_LOG_DIR", run.toString());
    }

    private static void change(Path file, String old, String now) throws IOException {
        Files.writeString(file, WebServer.replaced(Files.readString(file), old, now));
    }

    private static void shell(Path directory, Path etc, String commands) {
        var output = etc.resolveSibling("commands.log");
        var script = "set -e; cd '" + directory + "'\n" + commands;
        var environment = Map.of(
                "APACHE_CONFDIR", etc.resolve("apache2").toString(),
                "APACHE_STATE_DIRECTORY", etc.resolve("state").toString(),
                "PATH", "/usr/sbin:/usr/bin:/bin");
        try (var process = ServerProcess.start(List.of("/bin/sh", "-c", script), environment, output)) {
            process.awaitExitNanos(LIMIT);
            assertThat(process.exitStatus()).as(() -> read(output)).isZero();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
