package io.tomcatdrain.testkit.fleet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A front end's program: where it is, what Debian calls it, and how it runs an example's configuration. */
public enum WebServer {
    HTTPD("httpd", "apache2", List.of("apache2", "httpd"), "mod_proxy_http.so") {
        @Override
        List<String> command(Path example, Map<String, String> settings, Path logs) {
            return httpd(example, settings);
        }
    },
    HTTPD_MOD_JK("httpd with mod_jk", "apache2 libapache2-mod-jk", List.of("apache2", "httpd"), "mod_jk.so") {
        @Override
        List<String> command(Path example, Map<String, String> settings, Path logs) {
            return httpd(example, settings);
        }
    },
    NGINX("nginx", "nginx", List.of("nginx"), "") {
        /** The addresses are replaced in a copy: nginx has no variables where they stand. */
        @Override
        List<String> command(Path example, Map<String, String> settings, Path logs) throws IOException {
            var configuration = Files.readString(example.resolve("nginx.conf"));
            configuration = replaced(configuration, "listen 80;", "listen " + settings.get("LISTEN") + ";");
            configuration = replaced(configuration, "127.0.0.1:8080", node(settings, "NODE1"));
            configuration = replaced(configuration, "127.0.0.1:8081", node(settings, "NODE2"));
            var copy = Files.writeString(logs.resolve("nginx.conf"), configuration);
            // Its workers keep the user that started it: they must reach the directory of the test.
            var user = "root".equals(System.getProperty("user.name")) ? "user root; " : "";
            return List.of(
                    program().toString(), "-p", logs.toString(), "-c", copy.toString(), "-g", user + "daemon off;");
        }
    },
    HAPROXY("haproxy", "haproxy", List.of("haproxy"), "") {
        /** The settings are in its environment; the directory of the example is a copy. */
        @Override
        List<String> command(Path example, Map<String, String> settings, Path logs) throws IOException {
            var runDirectory = settings.get("RUN_DIR");
            var state = Files.writeString(Path.of(runDirectory, "tomcat-drain.state"), "1\n");
            // On a machine that several fleets share, a node that answers its check late is not down.
            var configuration = example.resolve("haproxy.cfg");
            Files.writeString(
                    configuration,
                    replaced(Files.readString(configuration), "timeout check 5s\n", "timeout check 20s\n"));
            return List.of(
                    "/usr/bin/env",
                    "STATS_SOCKET=" + runDirectory + "/admin.sock",
                    "SERVER_STATE=" + state,
                    program().toString(),
                    // As its unit does: the master is there to be told to reload.
                    "-W",
                    "-db",
                    "-f",
                    configuration.toString());
        }

        @Override
        Optional<String> beforeReload(Path example, String runDirectory) throws IOException {
            return Optional.of(savesState(Files.readString(example.resolve("reload.conf")))
                    .replace("/run/haproxy", runDirectory)
                    .replace("/var/lib/haproxy", runDirectory));
        }
    },
    CADDY("caddy", "caddy", List.of("caddy"), "") {
        /** The nodes are in its environment, and what it remembers goes to the directory of the test. */
        @Override
        List<String> command(Path example, Map<String, String> settings, Path logs) throws IOException {
            var listen = settings.getOrDefault("LISTEN", "").split(":");
            var configuration = replaced(
                    Files.readString(example.resolve("Caddyfile")),
                    ":80 {",
                    ":" + listen[1] + " {\n\tbind " + listen[0]);
            var copy = Files.writeString(logs.resolve("Caddyfile"), configuration);
            return List.of(
                    "/usr/bin/env",
                    "XDG_CONFIG_HOME=" + logs,
                    "XDG_DATA_HOME=" + logs,
                    "NODE1=" + node(settings, "NODE1"),
                    "NODE2=" + node(settings, "NODE2"),
                    program().toString(),
                    "run",
                    "--config",
                    copy.toString(),
                    "--adapter",
                    "caddyfile");
        }
    },
    LIGHTTPD("lighttpd", "lighttpd", List.of("lighttpd"), "") {
        /** The addresses are replaced in a copy, as nginx's are. */
        @Override
        List<String> command(Path example, Map<String, String> settings, Path logs) throws IOException {
            var listen = settings.getOrDefault("LISTEN", "").split(":");
            var configuration = Files.readString(example.resolve("lighttpd.conf"));
            configuration = replaced(
                    configuration,
                    "server.port = 80",
                    "server.port = " + listen[1] + "\nserver.bind = \"" + listen[0] + "\"");
            configuration = replaced(configuration, "/var/log/lighttpd", logs.toString());
            configuration = replaced(configuration, "/var/tmp", String.valueOf(settings.get("RUN_DIR")));
            configuration = replaced(configuration, "8080", String.valueOf(settings.get("NODE1_PORT")));
            configuration = replaced(configuration, "8081", String.valueOf(settings.get("NODE2_PORT")));
            var copy = Files.writeString(logs.resolve("lighttpd.conf"), configuration);
            return List.of(program().toString(), "-D", "-f", copy.toString());
        }
    };

    private static final Pattern SAVES_STATE = Pattern.compile("ExecReload=-/bin/sh -c '([^']+)'");
    private static final List<String> HTTPD_MODULES = List.of(
            "/usr/lib/apache2/modules",
            "/usr/lib64/httpd/modules",
            "/usr/libexec/apache2",
            "/usr/local/apache2/modules");

    private final String title;
    private final String packages;
    private final List<String> names;
    private final String module;

    WebServer(String title, String packages, List<String> names, String module) {
        this.title = title;
        this.packages = packages;
        this.names = names;
        this.module = module;
    }

    /** The command that runs an example in the foreground; only addresses and paths differ from it. */
    abstract List<String> command(Path example, Map<String, String> settings, Path logs) throws IOException;

    /** The shell command that the example runs before a reload, if it has one. */
    Optional<String> beforeReload(Path example, String runDirectory) throws IOException {
        return Optional.empty();
    }

    /** The shell command by which HAProxy's example saves the state of the nodes, out of its {@code reload.conf}. */
    public static String savesState(String reloadConf) {
        var matcher = SAVES_STATE.matcher(reloadConf);
        if (!matcher.find()) {
            throw new IllegalStateException("no [" + SAVES_STATE + "] in: " + reloadConf);
        }
        return matcher.group(1);
    }

    /** What is not installed, and how to install it; empty when the server can be started. */
    public Optional<String> missing() {
        return find().isPresent() && (module.isEmpty() || modules().isPresent())
                ? Optional.empty()
                : Optional.of(title + " not installed (apt-get install " + packages + ")");
    }

    /** The signal at which it reads its configuration again and lets what is under way go on. */
    String reloadSignal() {
        return switch (this) {
            case HTTPD, HTTPD_MOD_JK, LIGHTTPD, CADDY -> "USR1";
            case NGINX -> "HUP";
            case HAPROXY -> "USR2";
        };
    }

    public Path program() {
        return find().orElseThrow();
    }

    private static String node(Map<String, String> settings, String node) {
        return settings.get(node + "_HOST") + ":" + settings.get(node + "_PORT");
    }

    /** The settings become {@code Define}s that the example does not overwrite. */
    public List<String> httpd(Path example, Map<String, String> settings) {
        var command = new ArrayList<String>();
        command.add(program().toString());
        settings.forEach((name, value) -> command.addAll(List.of("-C", "Define " + name + " \"" + value + "\"")));
        command.addAll(List.of("-C", "Define MODULES \"" + modules().orElseThrow() + "\""));
        command.addAll(List.of("-f", example.resolve("httpd.conf").toString(), "-DFOREGROUND"));
        return command;
    }

    public static String replaced(String text, String old, String now) {
        if (!text.contains(old)) {
            throw new IllegalStateException("the example has no [" + old + "]");
        }
        return text.replace(old, now);
    }

    private Optional<Path> find() {
        var path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/usr/local/sbin";
        return Stream.of(path.split(":"))
                .flatMap(directory -> names.stream().map(name -> Path.of(directory, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private Optional<Path> modules() {
        return HTTPD_MODULES.stream()
                .map(Path::of)
                .filter(directory -> Files.exists(directory.resolve(module)))
                .findFirst();
    }
}
