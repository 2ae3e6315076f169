package io.tomcatdrain.testkit.fleet;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One Tomcat of the fleet: the real distribution with its stock {@code server.xml}, changed only as an administrator
 * would change it, and started and stopped by {@code catalina.sh}.
 */
public final class TomcatNode extends ProcessNode {
    public static final String TOKEN = "fleet-test-secret-of-this-run";

    private static final String STOCK_ENGINE = "<Engine name=\"Catalina\" defaultHost=\"localhost\">";

    private final Path home;
    private final Path base;
    private final boolean drains;
    private final int ajpPort = Ports.free();
    private final int controlPort = Ports.free();
    private final int shutdownPort = Ports.free();

    private TomcatNode(String name, int line, Path base, boolean drains) {
        super(name, base.resolve("logs/console.log"));
        this.home = Parts.tomcatHome(line);
        this.base = base;
        this.drains = drains;
    }

    /**
     * Makes the directories of a node. With attributes (maybe none) the valve is installed by its one line; without
     * them, null, this is a Tomcat as it comes.
     */
    public static TomcatNode installed(Path directory, String name, int line, @Nullable String valveAttributes) {
        var node = new TomcatNode(name, line, directory, valveAttributes != null);
        try {
            node.install(valveAttributes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return node;
    }

    @Override
    public int ajpPort() {
        return ajpPort;
    }

    @Override
    public int controlPort() {
        return controlPort;
    }

    @Override
    public List<Stop> ways() {
        return List.of(Stop.values());
    }

    /** The node's {@code CATALINA_BASE}. */
    public Path base() {
        return base;
    }

    /** Changes the node's {@code server.xml}, before it is started. */
    public void changeServerXml(UnaryOperator<String> change) {
        try {
            var serverXml = base.resolve("conf/server.xml");
            Files.writeString(serverXml, change.apply(Files.readString(serverXml)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends the process a signal by its name. */
    public void signal(String name) {
        running().signal(name);
    }

    /** The process that {@link #start()} started. */
    public long pid() {
        return running().pid();
    }

    @Override
    protected List<String> command() {
        return catalina("run");
    }

    @Override
    protected int lastPort() {
        return controlPort;
    }

    @Override
    protected void beginStop(Stop way, ServerProcess running) {
        switch (way) {
            case SIGTERM -> running.sendSigterm();
            case CATALINA_SH -> ServerProcess.start(catalina("stop"), environment(), console());
            case SHUTDOWN_PORT_THEN_SIGTERM -> {
                sendShutdownCommand();
                // The signal must find the drain running: earlier it would be a plain SIGTERM.
                await(name() + " drains").pollInterval(Duration.ofMillis(50)).until(this::hasLeftServing);
                running.sendSigterm();
            }
        }
    }

    private void install(@Nullable String valveAttributes) throws IOException {
        Parts.emptied(base);
        for (var directory : List.of("conf", "lib", "logs", "temp", "webapps", "work")) {
            Files.createDirectories(base.resolve(directory));
        }
        try (var stock = Files.list(home.resolve("conf"))) {
            for (Path file : stock.filter(Files::isRegularFile).toList()) {
                Files.copy(file, base.resolve("conf").resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        // Nothing in the sample is found that way, and several nodes share a machine with the build.
        Files.writeString(
                base.resolve("conf/catalina.properties"),
                "\ntomcat.util.scan.StandardJarScanFilter.jarsToSkip=*.jar\n",
                StandardOpenOption.APPEND);
        Files.copy(Parts.sampleWar(), base.resolve("webapps/ROOT.war"));
        var serverXml = base.resolve("conf/server.xml");
        Files.writeString(serverXml, serverXml(Files.readString(serverXml), valveAttributes));
        if (valveAttributes != null) {
            Files.copy(
                    Parts.valveJar(),
                    base.resolve("lib").resolve(Parts.valveJar().getFileName()));
            Files.writeString(
                    base.resolve("conf/catalina.properties"),
                    "\ndrain.token=" + TOKEN + "\n",
                    StandardOpenOption.APPEND);
        }
    }

    private String serverXml(String stock, @Nullable String valveAttributes) {
        var engine = STOCK_ENGINE.replace(">", " jvmRoute=\"" + name() + "\">");
        if (valveAttributes != null) {
            engine += "\n      <Valve className=\"io.tomcatdrain.valve.DrainValve\" token=\"${drain.token}\" "
                    + "controlPort=\"" + controlPort + "\" " + valveAttributes + " />";
        }
        // As the examples say: the one for probes and control is the last, and answers when the others do.
        var more = connector("AJP/1.3", ajpPort, "secretRequired=\"false\" ") + connector("HTTP/1.1", controlPort, "");
        var xml = replaceFirst(stock, "<Server port=\"8005\"", "<Server port=\"" + shutdownPort + "\"");
        xml = replaceFirst(
                xml, "<Connector port=\"8080\"", "<Connector bindOnInit=\"false\" port=\"" + httpPort() + "\"");
        return replaceFirst(xml, STOCK_ENGINE, more + engine);
    }

    private static String connector(String protocol, int port, String attributes) {
        return "<Connector protocol=\"" + protocol + "\" address=\"127.0.0.1\" port=\"" + port + "\" " + attributes
                + "bindOnInit=\"false\" />\n    ";
    }

    private static String replaceFirst(String text, String stock, String replacement) {
        int at = text.indexOf(stock);
        if (at < 0) {
            throw new IllegalStateException("the stock server.xml has no [" + stock + "]");
        }
        return text.substring(0, at) + replacement + text.substring(at + stock.length());
    }

    /** The command line of the node's {@code catalina.sh}, to be run in the node's environment. */
    public List<String> catalina(String command) {
        return List.of("/bin/sh", home.resolve("bin/catalina.sh").toString(), command);
    }

    @Override
    public Map<String, String> environment() {
        var environment = new HashMap<String, String>();
        environment.put("JRE_HOME", System.getProperty("java.home"));
        environment.put("CATALINA_HOME", home.toString());
        environment.put("CATALINA_BASE", base.toString());
        // Small and quick to start: several nodes share a machine with the build.
        environment.put("CATALINA_OPTS", "-Dnode=" + name() + " -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1");
        // Left over from the environment of the build, these would change the stock Tomcat.
        environment.put("JAVA_OPTS", "");
        environment.put("CATALINA_PID", "");
        return environment;
    }

    /** Asks the status, not readiness: a client that polls readiness is a prober that a drain waits for. */
    private boolean hasLeftServing() {
        if (!drains) {
            return true;
        }
        try {
            var status = Exchange.get(controlPort, "/drain", "Authorization: Bearer " + TOKEN + "\r\n");
            return !status.body().contains("\"SERVING\"");
        } catch (IOException gone) {
            return true;
        }
    }

    private void sendShutdownCommand() {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), shutdownPort)) {
            socket.getOutputStream().write("SHUTDOWN".getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
