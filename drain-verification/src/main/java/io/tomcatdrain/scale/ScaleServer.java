package io.tomcatdrain.scale;

import io.tomcatdrain.Drain;
import io.tomcatdrain.TemporaryDirectories;
import io.tomcatdrain.valve.DrainValve;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.management.ObjectName;
import javax.management.openmbean.TabularData;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

/**
 * A node in a process of its own: an embedded Tomcat with the drain valve and one servlet that takes uploads. Commands come on its
 * standard input, a word in a line, and each is answered with a line; state changes are told in between.
 */
public final class ScaleServer {
    static final String TOKEN = "a-token-of-16-or-more";

    /** Kept, as its level is forgotten with it. */
    private static final Logger LOG = Logger.getLogger("");

    private static final int MAX_CONNECTIONS = 12_000;

    private ScaleServer() {}

    /** Serves until it is told to stop; the arguments are a {@link Mode} and for how many uploads. */
    public static void main(String[] arguments) throws Exception {
        LOG.setLevel(Level.SEVERE);
        Mode mode = Mode.valueOf(arguments[0]);
        int uploads = Integer.parseInt(arguments[1]);
        Path directory = TemporaryDirectories.make("scale");
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(directory.toString());
        tomcat.setConnector(connector(mode, uploads));
        DrainValve valve = new DrainValve();
        valve.setToken(TOKEN);
        valve.setLameDuck("off");
        tomcat.getEngine().getPipeline().addValve(valve);
        Context context = tomcat.addContext("/app", directory.toString());
        Wrapper servlet = Tomcat.addServlet(context, "upload", new UploadServlet(mode == Mode.BLOCKING));
        servlet.setAsyncSupported(true);
        servlet.addMapping("/upload/*");
        tomcat.start();
        Drain drain = Objects.requireNonNull(valve.drain());
        var unused = drain.onStateChange((before, after) -> say("state " + after + " " + System.nanoTime()));
        say("port " + tomcat.getConnector().getLocalPort());
        obey(tomcat, drain.name());
        TemporaryDirectories.delete();
        System.exit(0);
    }

    private static Connector connector(Mode mode, int uploads) {
        Connector connector = new Connector("org.apache.coyote.http11.Http11NioProtocol");
        connector.setPort(0);
        Map.of(
                        "address", "127.0.0.1",
                        "maxConnections", Integer.toString(MAX_CONNECTIONS),
                        "acceptCount", "4096",
                        "connectionTimeout", "300000")
                .forEach(connector::setProperty);
        if (mode == Mode.BLOCKING) {
            if (mode.hasVirtualThreads()) {
                connector.setProperty("useVirtualThreads", "true");
            } else {
                connector.setProperty("maxThreads", Integer.toString(uploads + 20));
            }
        }
        return connector;
    }

    private static void obey(Tomcat tomcat, String drainName) throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            switch (command) {
                case "heap" -> say("heap " + usedHeap());
                case "threads" ->
                    say("threads " + ManagementFactory.getThreadMXBean().getThreadCount());
                case "own" -> say("own " + ownThreads() + " " + ownBeans());
                case "jmx" -> {
                    ObjectName name = new ObjectName("io.tomcatdrain:type=Drain,name=" + drainName);
                    long start = System.nanoTime();
                    TabularData uploads = (TabularData)
                            ManagementFactory.getPlatformMBeanServer().getAttribute(name, "ActiveUploads");
                    say("jmx " + uploads.size() + " " + (System.nanoTime() - start));
                }
                case "stop" -> {
                    tomcat.stop();
                    say("stopped " + System.nanoTime());
                    return;
                }
                default -> throw new IllegalArgumentException(command);
            }
        }
    }

    /** Returns how many threads the drain has, which it has only while there is something to do. */
    private static long ownThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("drain-"))
                .count();
    }

    private static int ownBeans() throws Exception {
        return ManagementFactory.getPlatformMBeanServer()
                .queryNames(new ObjectName("io.tomcatdrain:*"), null)
                .size();
    }

    private static long usedHeap() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }

    private static synchronized void say(String line) {
        System.out.println(line);
    }
}
