package io.tomcatdrain.sample;

import io.tomcatdrain.valve.DrainValve;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.ContextConfig;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.util.ServerInfo;
import org.apache.tomcat.util.scan.StandardJarScanner;
import org.jspecify.annotations.Nullable;

/** An embedded Tomcat with the sample as its only web application and, unless it is to show the difference, the valve. */
final class SampleServer {
    private static final String WAR = "sample-webapp.war";

    private final Tomcat tomcat;
    private final Path directory;
    private final Monitoring monitoring;

    private SampleServer(Tomcat tomcat, Path directory, Monitoring monitoring) {
        this.tomcat = tomcat;
        this.directory = directory;
        this.monitoring = monitoring;
    }

    /**
     * Starts on the ports, 0 for a free one.
     *
     * @param metricsPort where Prometheus finds {@code /metrics}
     * @param valve null for a plain Tomcat
     */
    static SampleServer start(String address, int port, int metricsPort, @Nullable DrainValve valve)
            throws IOException, LifecycleException {
        var connector = new Connector();
        connector.setPort(port);
        connector.setProperty("address", address);
        return start(connector, address, metricsPort, valve);
    }

    /** Starts at the socket that this process has inherited. */
    static SampleServer startInheriting(DrainValve valve) throws IOException, LifecycleException {
        var connector = new Connector();
        connector.setProperty("useInheritedChannel", "true");
        return start(connector, "localhost", 0, valve);
    }

    private static SampleServer start(Connector connector, String address, int metricsPort, @Nullable DrainValve valve)
            throws IOException, LifecycleException {
        Path directory = Files.createTempDirectory("tomcat-drain-sample");
        var tomcat = new Tomcat();
        tomcat.setBaseDir(directory.toString());
        var server = new SampleServer(tomcat, directory, new Monitoring(tomcat, address, metricsPort));
        try {
            server.configure(connector, valve);
            server.tomcat.start();
            return server;
        } catch (IOException | LifecycleException | RuntimeException e) {
            // Only the files: what Tomcat says while it takes a half-started server apart would bury the reason.
            delete(directory);
            throw e;
        }
    }

    int port() {
        return tomcat.getConnector().getLocalPort();
    }

    int metricsPort() {
        return monitoring.port();
    }

    String version() {
        return ServerInfo.getServerInfo();
    }

    /** Stops as every embedded Tomcat is stopped; the valve makes this wait for the uploads. */
    void stop() throws LifecycleException {
        try {
            tomcat.stop();
            tomcat.destroy();
        } finally {
            delete(directory);
        }
    }

    private void configure(Connector connector, @Nullable DrainValve valve) throws IOException {
        Path war = directory.resolve(WAR);
        try (InputStream packed = SampleServer.class.getResourceAsStream("/" + WAR)) {
            if (packed == null) {
                throw new IOException(WAR + " is missing: start the jar whose name ends in -exec.jar");
            }
            Files.copy(packed, war);
        }
        connector.setThrowOnFailure(true);
        tomcat.setConnector(connector);

        if (valve != null) {
            tomcat.getEngine().getPipeline().addValve(valve);
        }

        Files.createDirectory(directory.resolve("webapps")); // where Tomcat unpacks the WAR
        var config = new ContextConfig();
        config.setDefaultWebXml(tomcat.noDefaultWebXmlPath());
        tomcat.setAddDefaultWebXmlToWebapp(false); // it brings JSP, which is not on board
        Context context = tomcat.addWebapp(tomcat.getHost(), "", war.toString(), config);
        ((StandardJarScanner) context.getJarScanner()).setScanClassPath(false);
        Tomcat.addServlet(context, "default", DefaultServlet.class.getName()).addMapping("/");
        Tomcat.addDefaultMimeTypeMappings(context);
        context.addWelcomeFile("index.html");
        context.getPipeline().addValve(new SlowLineValve());
        context.addParameter("slowLine", "true");
    }

    /** Deletes a temporary directory; what cannot be deleted is said. */
    static void delete(Path directory) {
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
                    Files.delete(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            // A request that was cut may still hold a file; nobody needs to know more than where it is.
            System.getLogger(SampleServer.class.getName())
                    .log(System.Logger.Level.WARNING, "the temporary directory [{0}] stays behind: {1}", directory, e);
        }
    }
}
