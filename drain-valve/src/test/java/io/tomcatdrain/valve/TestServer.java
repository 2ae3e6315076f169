package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import jakarta.servlet.MultipartConfigElement;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Valve;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ajp.AjpNioProtocol;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.apache.tomcat.websocket.server.WsSci;
import org.awaitility.Awaitility;

/**
 * A Tomcat with the {@link App} under {@code /app}, an HTTP connector that also speaks HTTP/2, and an AJP connector, on free ports
 * of the loopback address. There is no ROOT context.
 */
final class TestServer implements AutoCloseable {
    /** Where the valve sits. */
    enum Position {
        ENGINE,
        HOST,
        CONTEXT
    }

    static {
        Thread.setDefaultUncaughtExceptionHandler((thread, fault) -> {
            if (!"on purpose".equals(fault.getMessage())) {
                fault.printStackTrace();
            }
        });
        // Tomcat's threads may die of what a servlet throws on purpose while a test awaits something else.
        Awaitility.doNotCatchUncaughtExceptionsByDefault();
        // Requests that fail on purpose, and drains by the hundred, would fill pages of every build's log.
        if (!Boolean.getBoolean("tomcat.log")) {
            for (Handler handler : Logger.getLogger("").getHandlers()) {
                handler.setFilter(record -> false);
            }
        }
    }

    private final Tomcat tomcat;
    private final Context context;
    private final App app;
    private final Path directory;
    private final DrainValve valve;
    private final List<Connector> connectors;

    private TestServer(Builder builder) throws IOException {
        directory = Files.createTempDirectory("drain-valve-it");
        tomcat = new Tomcat();
        tomcat.setBaseDir(directory.toString());
        Files.createDirectories(directory.resolve("webapps"));
        connectors = List.of(httpConnector(), httpConnector(), ajpConnector());
        // With it Tomcat (10.1.61, 11.0.27) takes body bytes for an HTTP/2 frame's head in about 3 of 100 uploads that
        // come in several writes, with or without the valve.
        connectors.get(0).setProperty("useAsyncIO", "false");
        tomcat.setConnector(connectors.get(0));
        connectors.forEach(connector -> {
            if (connector.getService() == null) {
                tomcat.getService().addConnector(connector);
            }
        });
        context = addApp(tomcat, "/app", directory.toFile(), app = new App());
        valve = builder.position == null ? null : new DrainValve();
        Container home = home(builder.position);
        builder.before.forEach(home.getPipeline()::addValve);
        if (valve != null) {
            builder.settings.forEach((name, value) -> set(valve, name, value));
            home.getPipeline().addValve(valve);
        }
        builder.after.forEach(home.getPipeline()::addValve);
        builder.customizers.forEach(customizer -> customizer.accept(this));
    }

    /** Keeps Tomcat's log from the build's, for a test that starts a server of its own. */
    static void beQuiet() {
        // The initializer of this class has done it.
    }

    /** Sets an attribute as Tomcat does: by its setter, or by name. */
    static void set(DrainValve valve, String name, String value) {
        if (!org.apache.tomcat.util.IntrospectionUtils.setProperty(valve, name, value)) {
            throw new IllegalArgumentException(name);
        }
    }

    static Builder with(Position position) {
        return new Builder(position);
    }

    /** A server without the valve. */
    static Builder bare() {
        return new Builder(null);
    }

    static final class Builder {
        private final Position position;
        private final Map<String, String> settings = new LinkedHashMap<>(Map.of("lameDuck", "off"));
        private final List<Valve> before = new ArrayList<>();
        private final List<Valve> after = new ArrayList<>();
        private final List<Consumer<TestServer>> customizers = new ArrayList<>();

        private Builder(Position position) {
            this.position = position;
        }

        Builder set(String name, String value) {
            settings.put(name, value);
            return this;
        }

        /** Puts a valve before the drain valve, in the same pipeline. */
        Builder before(Valve earlier) {
            before.add(earlier);
            return this;
        }

        /** Puts a valve behind the drain valve, in the same pipeline. */
        Builder after(Valve later) {
            after.add(later);
            return this;
        }

        Builder customize(Consumer<TestServer> customizer) {
            customizers.add(customizer);
            return this;
        }

        TestServer start() throws IOException, LifecycleException {
            TestServer server = build();
            try {
                server.tomcat.start();
                for (Connector connector : server.connectors) {
                    if (connector.getState() != LifecycleState.STARTED) {
                        throw new LifecycleException("a connector did not start");
                    }
                }
                return server;
            } catch (LifecycleException | RuntimeException failed) {
                try {
                    server.close();
                } catch (IllegalStateException halfStarted) {
                    failed.addSuppressed(halfStarted);
                }
                throw failed;
            }
        }

        TestServer build() throws IOException {
            return new TestServer(this);
        }
    }

    private static Connector httpConnector() {
        Connector connector = new Connector("org.apache.coyote.http11.Http11NioProtocol");
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("minSpareThreads", "2");
        Http2Protocol http2 = new Http2Protocol();
        // Tests open and break streams at a rate that Tomcat would take for an attack.
        http2.setOverheadCountFactor(0);
        http2.setOverheadResetFactor(0);
        http2.setOverheadDataThreshold(0);
        http2.setOverheadWindowUpdateThreshold(0);
        connector.addUpgradeProtocol(http2);
        return connector;
    }

    private static Connector ajpConnector() {
        Connector connector = new Connector("org.apache.coyote.ajp.AjpNioProtocol");
        connector.setPort(0);
        AjpNioProtocol ajp = (AjpNioProtocol) connector.getProtocolHandler();
        ajp.setSecretRequired(false);
        ajp.setMinSpareThreads(2);
        return connector;
    }

    /** Deploys the application. */
    static Context addApp(Tomcat tomcat, String path, File base, App app) {
        return addApp(tomcat, tomcat.getHost(), path, base, app);
    }

    /** Deploys the application on a host. */
    static Context addApp(Tomcat tomcat, org.apache.catalina.Host host, String path, File base, App app) {
        Context context = tomcat.addContext(host, path, base.getAbsolutePath());
        // A context forgets what it was given when it stops.
        context.addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                addServlets(context, base, app);
                context.addServletContainerInitializer(new WsSci(), Set.of(App.WebSocket.class));
            }
        });
        return context;
    }

    private static void addServlets(Context context, File base, App app) {
        Wrapper main = Tomcat.addServlet(context, "main", app.new Main());
        main.setAsyncSupported(true);
        main.setMultipartConfigElement(new MultipartConfigElement(base.getAbsolutePath()));
        for (String servletPath : new String[] {
            "/ok",
            "/sendError",
            "/runtime",
            "/io",
            "/servletException",
            "/error",
            "/vmError",
            "/forward",
            "/big",
            "/slow",
            "/slowBody",
            "/unread",
            "/upload",
            "/uploadSized",
            "/uploadThenThrow",
            "/uploadThenWait",
            "/parts",
            "/upgrade",
            "/async/complete",
            "/async/completeBeforeReturn",
            "/async/timeout",
            "/async/timeoutListener",
            "/async/dispatch",
            "/async/dispatchTwice",
            "/async/throw",
            "/async/never",
            "/async/upload",
            "/async/read",
            "/async/big",
            "/ws"
        }) {
            main.addMapping(servletPath);
        }
    }

    Tomcat tomcat() {
        return tomcat;
    }

    Context context() {
        return context;
    }

    App app() {
        return app;
    }

    DrainValve valve() {
        return valve;
    }

    Drain drain() {
        return valve.drain();
    }

    Path directory() {
        return directory;
    }

    /** Returns the container that a valve in this position sits in. */
    Container home(Position position) {
        return position == Position.CONTEXT
                ? context
                : position == Position.HOST ? tomcat.getHost() : tomcat.getEngine();
    }

    /** The port of HTTP/1.1 and HTTP/2. */
    int port() {
        return connectors.get(0).getLocalPort();
    }

    /** The port of a second such connector. */
    int otherPort() {
        return connectors.get(1).getLocalPort();
    }

    int ajpPort() {
        return connectors.get(2).getLocalPort();
    }

    /**
     * Waits until no thread of a connector is at work: a client has its answer before Tomcat logs the request, and a stop ends
     * access logs before those threads.
     */
    void awaitRest() {
        Awaitility.await()
                .until(() -> connectors.stream()
                        .map(connector -> (ThreadPoolExecutor)
                                connector.getProtocolHandler().getExecutor())
                        .allMatch(threads -> threads.getActiveCount() == 0
                                && threads.getQueue().isEmpty()));
    }

    /** Waits until no client is connected any more, and no thread of a connector is at work. */
    void awaitNoClients() {
        awaitNoConnections();
        awaitRest();
    }

    /** Waits until no client is connected any more. */
    void awaitNoConnections() {
        Awaitility.await()
                .until(() -> connectors.stream()
                        .map(connector -> (AbstractProtocol<?>) connector.getProtocolHandler())
                        // the acceptor counts the connection that it waits for
                        .allMatch(protocol -> protocol.getConnectionCount() <= 1));
    }

    @Override
    public void close() {
        try {
            app.close();
            if (tomcat.getServer().getState().isAvailable()) {
                tomcat.stop();
            }
            tomcat.destroy();
        } catch (LifecycleException e) {
            throw new IllegalStateException(e);
        } finally {
            delete();
        }
    }

    private void delete() {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException leftBehind) {
            // a temporary directory
        }
    }
}
