package io.tomcatdrain.valve;

import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * The connectors of a service whose listening socket the process has inherited ({@code useInheritedChannel}): the process that started it keeps
 * that socket open, and the next Tomcat may accept from it, too. This process only stops accepting, and may begin again. Thread-safe.
 */
final class SharedListeners {
    private static final Log LOG = LogFactory.getLog(ListenerCloser.class);

    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    private final Service service;
    private final @Nullable Integer controlPort;

    /** What the last look has found; false before the first drain. */
    private volatile boolean found;

    SharedListeners(Service service, @Nullable Integer controlPort) {
        this.service = service;
        this.controlPort = controlPort;
    }

    /** Returns true if the connector listens at a socket that the process has inherited, and can be told to stop. */
    static boolean isShared(@Nullable Connector connector) {
        NioEndpoint endpoint = connector == null ? null : ListenerCloser.nioEndpoint(connector);
        return endpoint != null && isShared(endpoint) && TOMCAT.serverSocket(endpoint) != null;
    }

    /** The same of an endpoint that listens: Tomcat does not start one that should inherit a socket and has none to inherit. */
    static boolean isShared(NioEndpoint endpoint) {
        return endpoint.getUseInheritedChannel();
    }

    /** Looks whether there is one, and remembers it for {@link #isAnyShared}. */
    boolean lookForAny() {
        found = leaving().stream().anyMatch(SharedListeners::isShared);
        return found;
    }

    /** Returns what the last look has found. */
    boolean isAnyShared() {
        return found;
    }

    /** Returns true if every connector that a drain concerns is one. */
    boolean areAllShared() {
        return leaving().stream().allMatch(SharedListeners::isShared);
    }

    private List<Connector> leaving() {
        List<Connector> connectors = new ArrayList<>();
        for (Connector connector : service.findConnectors()) {
            if (connector.getState().isAvailable() && !ControlPort.isOf(connector, controlPort)) {
                connectors.add(connector);
            }
        }
        return connectors;
    }

    /** Stops accepting, which is to be waited for; returns null if the endpoint does not accept. */
    static @Nullable LeftServerSocketChannel leave(NioEndpoint endpoint) {
        ServerSocketChannel open = TOMCAT.serverSocket(endpoint);
        if (open instanceof LeftServerSocketChannel left) {
            return left;
        }
        Acceptor<?> acceptor = TOMCAT.acceptor(endpoint);
        if (open == null || acceptor == null || endpoint.isPaused()) {
            return null;
        }
        LeftServerSocketChannel left = new LeftServerSocketChannel(open, endpoint, acceptor);
        TOMCAT.serverSocket(endpoint, left);
        left.boundAs(TOMCAT.noteSocketClosed(endpoint));
        left.wakeAcceptor();
        // HTTP/2 has no last answer of a connection: a GOAWAY tells its client, and what the client has sent is served.
        endpoint.getHandler().pause();
        return left;
    }

    /** Accepts again wherever this process has stopped to. */
    void acceptAgain() {
        for (Connector connector : service.findConnectors()) {
            NioEndpoint endpoint = ListenerCloser.nioEndpoint(connector);
            if (endpoint != null && TOMCAT.serverSocket(endpoint) instanceof LeftServerSocketChannel left) {
                TOMCAT.serverSocket(endpoint, left.real);
                TOMCAT.noteSocketBound(endpoint, left.boundAs());
                left.acceptAgain();
                LOG.debug("[" + connector + "] accepts connections again");
            }
        }
    }
}
