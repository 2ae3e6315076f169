package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The examples that upgrade a fleet node by node. */
enum UpgradeTool {
    PLAYBOOK("ansible-playbook", "ansible-core", 2, 2) {
        @Override
        List<String> command(Order order) throws IOException {
            var inventory = new StringBuilder("tomcats:\n  hosts:\n");
            for (var scripts : order.nodes()) {
                var address = "http://127.0.0.1:" + scripts.node().httpPort();
                inventory
                        .append("    " + scripts.node().name() + ":\n")
                        .append(variable(
                                3,
                                "drain_url",
                                "http://127.0.0.1:" + scripts.node().controlPort() + "/drain"))
                        .append(variable(3, "app_url", address + order.page()))
                        .append(variable(3, "war_path", scripts.war().toString()))
                        .append(variable(3, "tomcat_stop", "sh " + NodeScripts.quoted("" + scripts.stop())))
                        .append(variable(3, "tomcat_start", "sh " + NodeScripts.quoted("" + scripts.start())));
            }
            inventory
                    .append("  vars:\n")
                    .append(variable(2, "ansible_connection", "local"))
                    .append(variable(2, "tomcat_become", "false"))
                    .append(variable(2, "drain_token", "{{ lookup('file', '" + order.tokenFile() + "') }}"))
                    .append(variable(2, "drain_seconds", "" + order.drainLimit().toSeconds()))
                    .append(variable(2, "ready_seconds", "" + READY_LIMIT.toSeconds()))
                    .append(variable(2, "app_seconds", "" + APP_LIMIT.toSeconds()))
                    .append(variable(2, "between_seconds", "" + order.between().toSeconds()));
            var file = Files.writeString(order.directory().resolve("inventory.yml"), inventory);
            return List.of(
                    "ansible-playbook",
                    "-i",
                    file.toString(),
                    "-e",
                    "war=" + order.war(),
                    Parts.example("ansible/upgrade.yml").toString());
        }

        @Override
        Map<String, String> environment(Order order) {
            var home = order.directory().resolve("ansible").toString();
            return Map.of(
                    "ANSIBLE_HOME",
                    home,
                    "ANSIBLE_LOCAL_TEMP",
                    home,
                    "ANSIBLE_REMOTE_TMP",
                    home,
                    "ANSIBLE_NOCOLOR",
                    "1",
                    "ANSIBLE_PYTHON_INTERPRETER",
                    "auto_silent",
                    "LC_ALL",
                    "C.UTF-8");
        }

        private String variable(int level, String name, String value) {
            return "  ".repeat(level) + name + ": \"" + value + "\"\n";
        }
    },

    SCRIPT("curl", "curl", 1, 4) {
        @Override
        List<String> command(Order order) {
            var script = Parts.example("rolling-upgrade/upgrade.sh").toString();
            var names = order.nodes().stream().map(scripts -> scripts.node().name());
            return Stream.concat(Stream.of("/bin/sh", script, order.war().toString()), names)
                    .toList();
        }

        @Override
        Map<String, String> environment(Order order) {
            var anyBase = order.nodes().get(0).node().base();
            var base = NodeScripts.quoted(anyBase.getParent().toString()) + "/$NODE";
            var address = "http://127.0.0.1:$(cat " + base + "/bin/port)";
            var environment = new HashMap<String, String>();
            environment.put("DRAIN_TOKEN_FILE", order.tokenFile().toString());
            environment.put("DRAIN_URL", "http://127.0.0.1:$(cat " + base + "/bin/control-port)/drain");
            environment.put("APP_URL", address + order.page());
            environment.put("STOP", "sh " + base + "/bin/stop.sh");
            environment.put("STAGE", "cp \"$WAR\" " + base + "/webapps/.ROOT.war.new");
            environment.put(
                    "INSTALL", "cd " + base + "/webapps && cp -p ROOT.war .ROOT.war.old && mv .ROOT.war.new ROOT.war");
            environment.put("ROLLBACK", "cd " + base + "/webapps && mv .ROOT.war.old ROOT.war");
            environment.put("START", "sh " + base + "/bin/start.sh");
            environment.put("DRAIN_WAIT", order.drainLimit().toSeconds() + "s");
            environment.put("READY_SECONDS", "" + READY_LIMIT.toSeconds());
            environment.put("APP_SECONDS", "" + APP_LIMIT.toSeconds());
            environment.put("BETWEEN_SECONDS", "" + order.between().toSeconds());
            return environment;
        }
    };

    private static final Duration READY_LIMIT = Duration.ofSeconds(60);
    private static final Duration APP_LIMIT = Duration.ofSeconds(3);

    private final String program;
    private final String packages;
    private final int statusOfBusyNode;
    private final int statusOfLostNode;

    UpgradeTool(String program, String packages, int statusOfBusyNode, int statusOfLostNode) {
        this.program = program;
        this.packages = packages;
        this.statusOfBusyNode = statusOfBusyNode;
        this.statusOfLostNode = statusOfLostNode;
    }

    /**
     * What is to be done.
     *
     * @param page the page by which the application shows that it works
     * @param drainLimit longest that a node may drain
     * @param directory where the tool may write
     */
    record Order(
            Path war, List<NodeScripts> nodes, String page, Duration drainLimit, Duration between, Path directory) {
        Order {
            try {
                Files.createDirectories(directory);
                var onlyUs = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
                Files.deleteIfExists(directory.resolve("token"));
                Files.writeString(Files.createFile(directory.resolve("token"), onlyUs), TomcatNode.TOKEN);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        Path tokenFile() {
            return directory.resolve("token");
        }
    }

    abstract List<String> command(Order order) throws IOException;

    abstract Map<String, String> environment(Order order);

    /** The exit status when a node cannot be drained in time. */
    int statusOfBusyNode() {
        return statusOfBusyNode;
    }

    /** The exit status when a node does not come back. */
    int statusOfLostNode() {
        return statusOfLostNode;
    }

    /** What is not installed, and how to install it; empty when the tool can be run. */
    Optional<String> missing() {
        var path = System.getenv().getOrDefault("PATH", "");
        return Stream.of(path.split(":")).anyMatch(directory -> Files.isExecutable(Path.of(directory, program)))
                ? Optional.empty()
                : Optional.of(program + " not installed (apt-get install " + packages + ")");
    }
}
