package io.tomcatdrain.testkit;

import jakarta.servlet.MultipartConfigElement;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Globals;
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
 * A Tomcat with the {@link App} under {@code /app}, an HTTP connector that also speaks HTTP/2, a second one, and an AJP connector, on
 * free ports of the loopback address. There is no ROOT context. A module that brings a valve of its own makes a subclass.
 */
public class EmbeddedTomcat implements AutoCloseable {
    /** The container that a plan's valves sit in. */
    public enum Position {
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
    private final List<Connector> connectors;

    /** Makes what the plan says, with these valves between those before and those after them. */
    protected EmbeddedTomcat(Plan<?, ?> plan, Valve... own) throws IOException {
        directory = Files.createTempDirectory("drain-it");
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
        Container home = home(plan.position);
        plan.before.forEach(home.getPipeline()::addValve);
        List.of(own).forEach(home.getPipeline()::addValve);
        plan.after.forEach(home.getPipeline()::addValve);
    }

    /** Keeps Tomcat's log from the build's, for a test that starts a server of its own. */
    public static void beQuiet() {
        // The initializer of this class has done it.
    }

    /** Plans a server whose valves, if it gets any, sit in the engine. */
    public static Builder plain() {
        return new Builder();
    }

    /** Plans an {@link EmbeddedTomcat} as it is. */
    public static final class Builder extends Plan<EmbeddedTomcat, Builder> {
        private Builder() {
            super(Position.ENGINE);
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        protected EmbeddedTomcat make() throws IOException {
            return new EmbeddedTomcat(this);
        }
    }

    /**
     * What a server will be.
     *
     * @param <S> the kind of server
     * @param <P> the kind of plan
     */
    public abstract static class Plan<S extends EmbeddedTomcat, P extends Plan<S, P>> {
        private final Position position;
        private final List<Valve> before = new ArrayList<>();
        private final List<Valve> after = new ArrayList<>();
        private final List<Consumer<? super S>> customizers = new ArrayList<>();

        protected Plan(Position position) {
            this.position = position;
        }

        protected abstract P self();

        /** Makes the server, which {@link #build} then customizes. */
        protected abstract S make() throws IOException;

        /** Puts a valve before the server's own, in the same pipeline. */
        public P before(Valve earlier) {
            before.add(earlier);
            return self();
        }

        /** Puts a valve behind the server's own, in the same pipeline. */
        public P after(Valve later) {
            after.add(later);
            return self();
        }

        /** Changes the server before it starts. */
        public P customize(Consumer<? super S> customizer) {
            customizers.add(customizer);
            return self();
        }

        /** Makes the server and starts it; fails if a connector does not start. */
        public S start() throws IOException, LifecycleException {
            S server = build();
            try {
                server.tomcat().start();
                for (Connector connector : ((EmbeddedTomcat) server).connectors) {
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

        /** Makes the server and leaves its start to the test. */
        public S build() throws IOException {
            S server = make();
            customizers.forEach(customizer -> customizer.accept(server));
            return server;
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
        org.apache.tomcat.util.IntrospectionUtils.setProperty(http2, "overheadResetFactor", "0"); // not on the oldest
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
    public static Context addApp(Tomcat tomcat, String path, File base, App app) {
        return addApp(tomcat, tomcat.getHost(), path, base, app);
    }

    /** Deploys the application on a host. */
    public static Context addApp(Tomcat tomcat, org.apache.catalina.Host host, String path, File base, App app) {
        Context context = tomcat.addContext(host, path, base.getAbsolutePath());
        install(context, base, app);
        return context;
    }

    /** Puts the application into a context that has not started. */
    public static void install(Context context, File base, App app) {
        // A context forgets what it was given when it stops.
        context.addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                addServlets(context, base, app);
                context.addServletContainerInitializer(new WsSci(), Set.of(WebSocketEcho.class));
            }
        });
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
            "/partsThenWait",
            "/upgrade",
            "/async/complete",
            "/async/completeBeforeReturn",
            "/async/timeout",
            "/async/timeoutListener",
            "/async/dispatch",
            "/async/dispatchTwice",
            "/async/throw",
            "/async/never",
            "/async/events",
            "/async/upload",
            "/async/read",
            "/async/big",
            "/ws"
        }) {
            main.addMapping(servletPath);
        }
        Wrapper resumable = Tomcat.addServlet(context, "resumable", new ResumableUploads());
        resumable.setAsyncSupported(true);
        for (String servletPath : ResumableUploads.MAPPINGS) {
            resumable.addMapping(servletPath);
        }
    }

    public Tomcat tomcat() {
        return tomcat;
    }

    public Context context() {
        return context;
    }

    public App app() {
        return app;
    }

    public Path directory() {
        return directory;
    }

    /** Returns the container that a valve in this position sits in. */
    public Container home(Position position) {
        return position == Position.CONTEXT
                ? context
                : position == Position.HOST ? tomcat.getHost() : tomcat.getEngine();
    }

    /** The port of HTTP/1.1 and HTTP/2. */
    public int port() {
        return connectors.get(0).getLocalPort();
    }

    /** The port of a second such connector. */
    public int otherPort() {
        return connectors.get(1).getLocalPort();
    }

    public int ajpPort() {
        return connectors.get(2).getLocalPort();
    }

    /**
     * Waits until no thread of a connector is at work: a client has its answer before Tomcat logs the request, and a stop ends
     * access logs before those threads.
     */
    public void awaitRest() {
        Awaitility.await()
                .until(() -> connectors.stream()
                        .map(connector -> (ThreadPoolExecutor)
                                connector.getProtocolHandler().getExecutor())
                        // one number for what waits and what runs: a task may go from the one to the other between two
                        // looks
                        .allMatch(threads -> threads.getSubmittedCount() == 0));
    }

    /** Waits until no client is connected any more, and no thread of a connector is at work. */
    public void awaitNoClients() {
        awaitNoConnections();
        awaitRest();
    }

    /** Waits until no client is connected any more. */
    public void awaitNoConnections() {
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
        // The first embedded Tomcat of a JVM sets it, for all that come: each makes the directory again if it is gone.
        if (directory.toString().equals(System.getProperty(Globals.CATALINA_HOME_PROP))) {
            System.clearProperty(Globals.CATALINA_HOME_PROP);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException leftBehind) {
            // a temporary directory
        }
    }
}
