package io.tomcatdrain.valve;

import io.tomcatdrain.Patience;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.AbstractEndpoint;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * Closes the listening sockets of a service's connectors without losing a connection that has already been made, while open
 * connections go on being served. One that other processes share is left to them ({@link SharedListeners}).
 *
 * <p>Tomcat's own {@code closeServerSocketGraceful} needs {@code bindOnInit="false"}, drops the connection that the acceptor takes next
 * and resets those in the kernel's queue. It is what is left for endpoints other than NIO, and for a Tomcat that lacks what this takes.
 * None of this throws: what fails is logged in one line, and said.
 */
final class ListenerCloser {
    private static final Log LOG = LogFactory.getLog(ListenerCloser.class);

    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    /** One pass of the acceptor takes far less, unless the connector has reached its maxConnections. */
    private static final long PATIENCE_MILLIS = 1_000;

    private ListenerCloser() {}

    /** Lets those connectors close their listeners later that can do it by Tomcat's own means only: what binds at init stays open. */
    static void letClose(Service service) {
        for (Connector connector : service.findConnectors()) {
            if (nioEndpoint(connector) == null) {
                connector.setProperty("bindOnInit", "false");
            }
        }
    }

    /**
     * Closes the listeners of all the service's connectors that are open, those of Unix-domain sockets too.
     *
     * @param except the port of connectors that stay open ({@link ControlPort}); null: none does
     * @return false if one of the others is still open, and a warning has said why; it may close later
     */
    static boolean closeAll(Service service, @Nullable Integer except) {
        return closeAll(service, except, true);
    }

    /** Stops accepting at those listeners of the service that are shared, and closes none. */
    static void leaveShared(Service service, @Nullable Integer except) {
        Map<Connector, StandInServerSocketChannel> leaving = new LinkedHashMap<>();
        for (Connector connector : service.findConnectors()) {
            if (SharedListeners.isShared(connector) && !ControlPort.isOf(connector, except)) {
                begin(connector, leaving, true);
            }
        }
        awaitAll(leaving, true);
    }

    /** Returns true if all the service's connectors listen, those that were closed and have been started again since among them. */
    static boolean areAllOpen(Service service) {
        for (Connector connector : service.findConnectors()) {
            if (!connector.getState().isAvailable() || !isOpen(connector)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isOpen(Connector connector) {
        NioEndpoint endpoint = nioEndpoint(connector);
        if (endpoint == null) {
            return connector.getLocalPort() > 0;
        }
        ServerSocketChannel socket = TOMCAT.serverSocket(endpoint);
        return socket != null && socket.isOpen() && !(socket instanceof StandInServerSocketChannel);
    }

    /** Closes what is still open before Tomcat does, which loses what waits there; what has to be left to Tomcat is no fault. */
    static void closeAllForStop(Service service) {
        closeAll(service, null, false);
    }

    private static boolean closeAll(Service service, @Nullable Integer except, boolean promised) {
        Map<Connector, StandInServerSocketChannel> closing = new LinkedHashMap<>();
        boolean all = true;
        for (Connector connector : service.findConnectors()) {
            if (!ControlPort.isOf(connector, except)) {
                all &= begin(connector, closing, promised);
            }
        }
        return awaitAll(closing, promised) && all;
    }

    private static boolean awaitAll(Map<Connector, StandInServerSocketChannel> closing, boolean promised) {
        RunningTime patience = new RunningTime(TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS));
        boolean all = true;
        for (Map.Entry<Connector, StandInServerSocketChannel> each : closing.entrySet()) {
            all &= each.getValue() instanceof LeftServerSocketChannel left
                    ? awaitLeft(each.getKey(), left, patience, !promised)
                    : awaitClosed(each.getKey(), (ClosingServerSocketChannel) each.getValue(), patience);
        }
        return all;
    }

    /** Returns true in any case: what is accepted still is served. */
    private static boolean awaitLeft(
            Connector connector, LeftServerSocketChannel listener, RunningTime patience, boolean end) {
        try {
            if (!listener.awaitLeft(patience)) {
                Patience.call(() -> LOG.warn("[" + connector
                        + "] has not stopped accepting within " + PATIENCE_MILLIS
                        + " ms: it may take one more connection from the socket that it shares"));
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (end) {
            listener.end();
            listener.awaitEnded(patience);
        }
        return true;
    }

    private static boolean awaitClosed(Connector connector, ClosingServerSocketChannel listener, RunningTime patience) {
        try {
            if (listener.awaitClosed(patience)) {
                return true;
            }
            Patience.call(() -> LOG.warn("The listener of [" + connector + "] is not closed after " + PATIENCE_MILLIS
                    + " ms: connections still wait in its queue; it closes when Tomcat has taken them"));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /** Returns false if it can be seen already that the connector's listener stays open. */
    private static boolean begin(
            Connector connector, Map<Connector, StandInServerSocketChannel> closing, boolean promised) {
        String what;
        boolean closed = false;
        try {
            NioEndpoint endpoint = nioEndpoint(connector);
            if (endpoint != null) {
                StandInServerSocketChannel listener = SharedListeners.isShared(endpoint)
                        ? SharedListeners.leave(endpoint)
                        : replaceListener(endpoint);
                if (listener != null) {
                    closing.put(connector, listener);
                }
                return true;
            }
            closed = closeByTomcat(connector);
            what = closed
                    ? "Closed the listener of [" + connector
                            + "] by Tomcat's own means: connections in its accept queue may have been reset"
                    : "Cannot close the listener of [" + connector
                            + "]: Tomcat can only where a connector was not bound at its initialization (bindOnInit)";
        } catch (IOException | RuntimeException | LinkageError unknownTomcat) {
            what = "Cannot close the listener of [" + connector + "]: " + unknownTomcat;
        }
        if (promised) {
            String line = what;
            Patience.call(() -> LOG.warn(line));
        } else {
            LOG.debug(what);
        }
        return closed;
    }

    /** Returns null if it is not started, stopped, or closed already. */
    private static @Nullable ClosingServerSocketChannel replaceListener(NioEndpoint endpoint) throws IOException {
        ServerSocketChannel open = TOMCAT.serverSocket(endpoint);
        Acceptor<?> acceptor = TOMCAT.acceptor(endpoint);
        if (open == null
                || !open.isOpen()
                || open instanceof StandInServerSocketChannel
                || acceptor == null
                || endpoint.isPaused()) {
            return null;
        }
        ClosingServerSocketChannel listener = new ClosingServerSocketChannel(open, endpoint, acceptor);
        TOMCAT.serverSocket(endpoint, listener);
        TOMCAT.noteSocketClosed(endpoint);
        listener.wakeAcceptor();
        // HTTP/2 has no last answer of a connection: a GOAWAY tells its client, and what the client has sent is served.
        GoAway.sendToIdle(endpoint, Duration.ZERO);
        return listener;
    }

    /** Returns false if the listener stays open. */
    private static boolean closeByTomcat(Connector connector) {
        connector.getProtocolHandler().closeServerSocketGraceful();
        // A Unix-domain socket has no port, closed or not.
        return "false".equals(String.valueOf(connector.getProperty("bindOnInit"))) && connector.getLocalPort() <= 0;
    }

    /** Returns the connector's endpoint if its listener can be closed here; null if that is left to Tomcat. */
    static @Nullable NioEndpoint nioEndpoint(Connector connector) {
        try {
            AbstractEndpoint<?, ?> endpoint = TOMCAT.endpoint(connector.getProtocolHandler());
            return endpoint instanceof NioEndpoint nio && TOMCAT.canCloseListeners() ? nio : null;
        } catch (RuntimeException | LinkageError unknownTomcat) {
            LOG.debug(connector, unknownTomcat);
            return null;
        }
    }
}
