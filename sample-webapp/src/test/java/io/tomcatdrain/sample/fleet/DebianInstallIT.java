package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands of each example's README, as they are written, on a copy of a stock Debian's {@code /etc}. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class DebianInstallIT {
    private static final Pattern COMMANDS = Pattern.compile("\\*\\*On Debian,.*?```sh\n(.*?)```", Pattern.DOTALL);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Path STOCK = Path.of("/etc");
    private static final String SECRET = "what-only-the-front-end-knows";

    /** One for all: how a front end comes to know of a drain is another test's. */
    private static TomcatNode node;

    private final int port = Ports.free();
    private Path directory;
    private Path etc;

    /** What the server's unprivileged user must reach. */
    private Path run;

    @BeforeAll
    static void startTheNode() throws IOException {
        node = TomcatNode.installed(Parts.work().resolve("debian-n1"), "n1", 11, "");
        change(node.base().resolve("conf/server.xml"), "secretRequired=\"false\"", "secret=\"" + SECRET + "\"");
        node.start();
    }

    @AfterAll
    static void stopTheNode() {
        node.close();
    }

    @BeforeEach
    void makeDirectories() throws IOException {
        directory = Parts.emptied(Parts.work().resolve("debian"));
        etc = Files.createDirectories(directory.resolve("etc"));
        run = Files.createTempDirectory(
                "debian-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    }

    @AfterEach
    void removeWhatIsOutside() {
        shell(directory, "rm -rf '" + run + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"httpd-mod_jk", "httpd-mod_jk-close-listener"})
    void modJkIsInstalledAsItsReadmeSays(String example) throws IOException {
        copyOfStock(WebServer.HTTPD_MOD_JK, "apache2", "libapache2-mod-jk");
        var jk = etc.resolve("apache2/mods-available/jk.conf");
        change(jk, "/etc/libapache2-mod-jk", etc.resolve("libapache2-mod-jk").toString());
        change(jk, "/var/log/apache2", run.toString());
        install(example);
        var workers = etc.resolve("libapache2-mod-jk/workers.properties");
        change(workers, "10.0.0.11", "127.0.0.1");
        change(workers, "10.0.0.12", "127.0.0.1");
        change(workers, "port=8009", "port=" + node.ajpPort());
        change(workers, "#worker.node.secret=change-me", "worker.node.secret=" + SECRET);

        try (var apache = apache()) {
            assertServes(403);
            assertThat(Exchange.get(port, "/jk-status", "").body()).contains("JK Status Manager", "fleet", "n1", "n2");
            end(apache);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"httpd-mod_proxy_http", "httpd-mod_proxy_http-close-listener", "httpd-mod_proxy_ajp"})
    void modProxyIsInstalledAsItsReadmeSays(String example) throws IOException {
        copyOfStock(WebServer.HTTPD, "apache2");
        install(example);
        var fleet = etc.resolve("apache2/conf-available/tomcat-fleet.conf");
        if (example.endsWith("ajp")) {
            change(fleet, ":8009", ":" + node.ajpPort());
            change(fleet, "connectiontimeout=2", "connectiontimeout=2 secret=" + SECRET);
        } else {
            change(fleet, ":8080", ":" + node.httpPort());
        }
        change(fleet, "10.0.0.11", "127.0.0.1");
        change(fleet, "10.0.0.12", "127.0.0.1");

        try (var apache = apache()) {
            assertServes(403);
            end(apache);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nginx-buffering", "nginx-streaming"})
    void nginxIsInstalledAsItsReadmeSays(String example) throws IOException {
        copyOfStock(WebServer.NGINX, "nginx");
        install(example);
        var main = etc.resolve("nginx/nginx.conf");
        change(main, "/etc/nginx", etc.resolve("nginx").toString());
        change(main, "/run/nginx.pid", run.resolve("nginx.pid").toString());
        change(main, "/var/log/nginx", run.toString());
        change(etc.resolve("nginx/sites-available/tomcat"), "listen 80;", "listen 127.0.0.1:" + port + ";");
        change(etc.resolve("nginx/snippets/tomcat-drain.conf"), "/var/log/nginx", run.toString());
        var fleet = etc.resolve("nginx/conf.d/tomcat-fleet.conf");
        change(fleet, "10.0.0.11:8080", "127.0.0.1:" + node.httpPort());
        change(fleet, "10.0.0.12:8080", "127.0.0.1:" + Ports.free());

        var nginx = WebServer.NGINX.program().toString();
        shell(directory, nginx + " -t -c '" + main + "'");
        var command = List.of(nginx, "-c", main.toString(), "-g", "daemon off;");
        try (var server = ServerProcess.start(command, Map.of(), directory.resolve("console.log"))) {
            assertServes(404);
            end(server);
        }
        assertThat(run.resolve("nodes.log")).content().contains("\"GET /page HTTP/1.1\" 200 ", ":" + node.httpPort());
    }

    @Test
    void haProxyIsInstalledAsItsReadmeSays() throws IOException {
        copyOfStock(WebServer.HAPROXY, "haproxy");
        RollingUpgradeIT.needs(Optional.of("socat not installed (apt-get install socat)")
                .filter(missing -> !Files.isExecutable(Path.of("/usr/bin/socat"))));
        Files.createDirectories(directory.resolve("var/lib/haproxy"));
        install("haproxy");
        var main = etc.resolve("haproxy/haproxy.cfg");
        var state = directory.resolve("var/lib/haproxy");
        var reload = etc.resolve("systemd/system/haproxy.service.d/tomcat-drain.conf");
        change(main, "/run/haproxy", run.toString());
        change(reload, "/run/haproxy", run.toString());
        change(main, "/var/lib/haproxy", state.toString());
        change(reload, "/var/lib/haproxy", state.toString());
        change(main, "/etc/haproxy", etc.resolve("haproxy").toString());
        change(main, "bind :80", "bind 127.0.0.1:" + port);
        change(main, "10.0.0.11:8080 port 8090", "127.0.0.1:" + node.httpPort() + " port " + node.controlPort());
        change(main, "10.0.0.11:8080", "127.0.0.1:" + node.httpPort());
        change(main, "10.0.0.12:8080 port 8090", "127.0.0.1:" + Ports.free());
        change(main, "10.0.0.12:8080", "127.0.0.1:" + Ports.free());

        var haproxy = WebServer.HAPROXY.program().toString();
        shell(directory, haproxy + " -c -f '" + main + "'");
        assertThat(directory.resolve("commands.log")).content().doesNotContain("[WARNING]");
        var command = List.of(haproxy, "-db", "-f", main.toString());
        try (var server = ServerProcess.start(command, Map.of(), directory.resolve("console.log"))) {
            assertServes(404);
            await().atMost(LIMIT)
                    .until(
                            () -> showStat(run.resolve("admin.sock")),
                            stat -> stat.lines()
                                    .anyMatch(line -> line.startsWith("fleet,n1,") && line.contains(",UP,")));
            shell(directory, WebServer.savesState(Files.readString(reload)));
            assertThat(state.resolve("tomcat-drain.state")).content().contains(" n1 127.0.0.1 2 ", " n2 ");
            end(server);
        }
    }

    private static String showStat(Path socket) throws IOException {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap("show stat\n".getBytes(StandardCharsets.US_ASCII)));
            var answer = new ByteArrayOutputStream();
            Channels.newInputStream(channel).transferTo(answer);
            return answer.toString(StandardCharsets.US_ASCII);
        }
    }

    private static void end(ServerProcess server) {
        server.sendSigterm();
        server.awaitExitNanos(LIMIT);
    }

    private void assertServes(int refused) throws IOException {
        await().atMost(LIMIT).ignoreExceptionsInstanceOf(IOException.class).until(() -> status("/page") == 200);
        assertThat(status("/drain/ready")).isEqualTo(refused);
        assertThat(status("/x/..;/drain")).isEqualTo(refused);
    }

    private int status(String path) throws IOException {
        return Exchange.get(port, path, "").status();
    }

    private void copyOfStock(WebServer server, String... parts) throws IOException {
        RollingUpgradeIT.needs(server.missing());
        for (var part : parts) {
            RollingUpgradeIT.needs(Optional.of("no Debian: /etc/" + part + " is missing")
                    .filter(missing -> !Files.isDirectory(STOCK.resolve(part))));
            shell(directory, "cp -a '" + STOCK.resolve(part) + "' '" + etc + "'");
        }
    }

    /** Runs the commands of its README. */
    private void install(String example) throws IOException {
        var commands = COMMANDS.matcher(Files.readString(Parts.example(example + "/README.md")));
        assertThat(commands.find()).isTrue();
        shell(Parts.example(example), commands.group(1).replaceAll("(?<![\\w.])/(etc|var/lib)/", directory + "/$1/"));
    }

    private ServerProcess apache() throws IOException {
        change(etc.resolve("apache2/ports.conf"), "Listen 80\n", "Listen 127.0.0.1:" + port + "\n");
        change(etc.resolve("apache2/sites-available/000-default.conf"), "*:80", "*:" + port);
        var apache = "/usr/sbin/apache2 -d '" + etc.resolve("apache2") + "' ";
        shell(directory, apache + "-t");
        return ServerProcess.start(
                List.of("/bin/sh", "-c", "exec " + apache + "-DFOREGROUND"),
                environment(),
                directory.resolve("console.log"));
    }

    private Map<String, String> environment() {
        return Map.of(
                "APACHE_RUN_USER", "www-data",
                "APACHE_RUN_GROUP", "www-data",
                "APACHE_PID_FILE", run.resolve("apache2.pid").toString(),
                "APACHE_RUN_DIR", run.toString(),
                "APACHE_LOCK_DIR", run.toString(),
                "APACHE_LOG_DIR", run.toString(),
                "APACHE_CONFDIR", etc.resolve("apache2").toString(),
                "APACHE_STATE_DIRECTORY", etc.resolve("state").toString(),
                "PATH", "/usr/sbin:/usr/bin:/bin");
    }

    private static void change(Path file, String old, String now) throws IOException {
        Files.writeString(file, WebServer.replaced(Files.readString(file), old, now));
    }

    private void shell(Path where, String commands) {
        var output = directory.resolve("commands.log");
        var script = "set -e; cd '" + where + "'\n" + commands;
        try (var process = ServerProcess.start(List.of("/bin/sh", "-c", script), environment(), output)) {
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
