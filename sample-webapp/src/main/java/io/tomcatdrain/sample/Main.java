package io.tomcatdrain.sample;

import io.tomcatdrain.valve.DrainValve;
import java.io.IOException;
import java.io.PrintWriter;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.logging.ConsoleHandler;
import java.util.logging.Level;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.util.ServerInfo;
import org.apache.juli.OneLineFormatter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves the sample on embedded Tomcat with the valve until the process is told to stop; {@code demo} and {@code handover} play it. */
@Command(
        name = "java -jar sample-webapp-exec.jar",
        header = "An upload form on embedded Tomcat with the drain valve.",
        description = "Ctrl-C or SIGTERM: uploads in flight finish first, then the process ends by itself.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        subcommands = {Demo.class, Handover.class})
public final class Main implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--port", defaultValue = "8080", description = "0 for a free one; default: ${DEFAULT-VALUE}")
    private int port;

    @Option(
            names = "--metrics-port",
            defaultValue = "0",
            description =
                    "where Prometheus finds /metrics, in every state; 0 for a free one; default: ${DEFAULT-VALUE}")
    private int metricsPort;

    @Option(
            names = "--address",
            defaultValue = "localhost",
            description = "0.0.0.0 to be reached from other machines; default: ${DEFAULT-VALUE}")
    private String address = "localhost";

    @Option(
            names = "--token",
            defaultValue = "${env:DRAIN_TOKEN}",
            description = "secret for the control endpoints, at least 16 characters; default: the environment's"
                    + " DRAIN_TOKEN (other users of a machine can see its command lines), else one is made up")
    private @Nullable String token;

    @Option(names = "--lame-duck", description = "auto, off, or a duration such as 10s")
    private @Nullable String lameDuck;

    @Option(names = "--upload-timeout", description = "longest that uploads can hold a drain, such as 10m")
    private @Nullable String uploadTimeout;

    @Option(names = "--request-timeout", description = "longest that other requests can, such as 30s")
    private @Nullable String requestTimeout;

    @Option(names = "--stall-timeout", description = "how long an upload may stand still and still hold, such as 60s")
    private @Nullable String stallTimeout;

    private Main() {}

    /**
     * Runs the command line.
     *
     * @param args see {@code --help}
     */
    public static void main(String[] args) {
        Logs.install();
        System.exit(new CommandLine(new Main()).execute(args));
    }

    /** A token that nobody can guess. */
    static String randomToken() {
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        return HexFormat.of().formatHex(random);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var console = new ConsoleHandler();
        console.setFormatter(new OneLineFormatter());
        Logs.sendTo(console, Level.WARNING);

        boolean madeUp = token == null || token.isEmpty();
        String secret = token == null || token.isEmpty() ? randomToken() : token;
        SampleServer server;
        try {
            server = SampleServer.start(address, port, metricsPort, valve(secret));
        } catch (LifecycleException e) {
            spec.commandLine().getErr().printf("Cannot start on %s:%d: %s%n", address, port, explain(e));
            return CommandLine.ExitCode.SOFTWARE;
        }
        PrintWriter out = spec.commandLine().getOut();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, out), "sample-stop"));
        greet(out, server, secret, madeUp);
        new CountDownLatch(1).await(); // a signal ends the process, and the hook does the rest
        return CommandLine.ExitCode.OK;
    }

    private DrainValve valve(String secret) {
        var valve = new DrainValve();
        valve.setToken(secret);
        if (lameDuck != null) {
            valve.setLameDuck(lameDuck);
        }
        if (uploadTimeout != null) {
            valve.setUploadTimeout(uploadTimeout);
        }
        if (requestTimeout != null) {
            valve.setRequestTimeout(requestTimeout);
        }
        if (stallTimeout != null) {
            valve.setStallTimeout(stallTimeout);
        }
        return valve;
    }

    private void greet(PrintWriter out, SampleServer server, String secret, boolean madeUp) {
        String host = "http://" + (address.equals("0.0.0.0") ? "localhost" : address) + ":";
        String root = host + server.port();
        String authorization = "-H 'Authorization: Bearer " + secret + "'";
        out.println();
        out.println(server.version() + " with the drain valve is ready. Process id: "
                + ProcessHandle.current().pid());
        out.println();
        out.println("  Open     " + root + "/");
        out.println("  Token    " + secret + (madeUp ? "   (made up for this run)" : ""));
        out.println();
        out.println("  Status   curl " + authorization + " " + root + "/drain");
        out.println("  Drain    curl -X POST " + authorization + " " + root + "/drain");
        out.println("  Resume   curl -X DELETE " + authorization + " " + root + "/drain");
        out.println("  Probe    curl -i " + root + "/drain/ready");
        out.println("  Metrics  curl " + host + server.metricsPort() + "/metrics");
        out.println();
        out.println("  Stop     Ctrl-C: uploads in flight finish first");
        out.println();
        out.flush();
    }

    private static void stop(SampleServer server, PrintWriter out) {
        out.println("Stopping as soon as the uploads in flight are through.");
        out.flush();
        try {
            server.stop();
            out.println("Stopped.");
        } catch (LifecycleException e) {
            out.println("Stopped with an error: " + explain(e));
        }
        out.flush();
    }

    /** What a user can act on: Tomcat wraps it into one message for each component that could not start because of it. */
    private static String explain(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && String.valueOf(cause.getMessage()).contains("component [")) {
            cause = cause.getCause();
        }
        String next = cause.getCause() instanceof IOException io ? ": " + io.getMessage() : "";
        return cause.getMessage() + next;
    }

    /** What the jar's manifest says, and what is on board. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String own = Main.class.getPackage().getImplementationVersion();
            return new String[] {"sample-webapp " + (own == null ? "unpacked" : own), ServerInfo.getServerInfo()};
        }
    }
}
