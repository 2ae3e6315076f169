package io.tomcatdrain.valve;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ProtocolHandler;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.AbstractEndpoint;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * Closes the listening sockets of a service's connectors without losing a connection that has already been made, while open
 * connections go on being served.
 *
 * <p>Tomcat's own {@code closeServerSocketGraceful} needs {@code bindOnInit="false"}, drops the connection that the acceptor takes next
 * and resets those in the kernel's queue. It is what is left for endpoints other than NIO.
 */
final class ListenerCloser {
    private static final Log LOG = LogFactory.getLog(ListenerCloser.class);

    /** One pass of the acceptor takes far less, unless the connector has reached its maxConnections. */
    private static final long PATIENCE_MILLIS = 1_000;

    private static final int WAKE_TIMEOUT_MILLIS = 500;

    private ListenerCloser() {}

    /** Lets those connectors close their listeners later that can do it by Tomcat's own means only: what binds at init stays open. */
    static void letClose(Service service) {
        for (Connector connector : service.findConnectors()) {
            if (!(endpointOrNull(connector) instanceof NioEndpoint)) {
                connector.setProperty("bindOnInit", "false");
            }
        }
    }

    /**
     * Closes the listeners of all the service's connectors that are open.
     *
     * @param except the port of a connector that stays open; null: none does
     */
    static void closeAll(Service service, @Nullable Integer except) {
        List<ClosingServerSocketChannel> closing = new ArrayList<>();
        for (Connector connector : service.findConnectors()) {
            if (except == null || except != connector.getPort()) {
                ClosingServerSocketChannel last = begin(connector);
                if (last != null) {
                    closing.add(last);
                }
            }
        }
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        for (ClosingServerSocketChannel last : closing) {
            awaitClosed(last, until);
        }
    }

    private static void awaitClosed(ClosingServerSocketChannel last, long until) {
        try {
            if (!last.awaitClosed(until - System.nanoTime())) {
                LOG.warn("The listener of [" + last.connector()
                        + "] is still accepting what waits in its queue; it closes"
                        + " as soon as its maxConnections allow");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static @Nullable ClosingServerSocketChannel begin(Connector connector) {
        ProtocolHandler handler = connector.getProtocolHandler();
        try {
            if (endpointOf(handler) instanceof NioEndpoint endpoint) {
                return replaceListener(connector, endpoint);
            }
        } catch (ReflectiveOperationException | IOException | RuntimeException unknownTomcat) {
            LOG.warn(
                    "Cannot take the last connections of [" + connector + "] by itself: " + unknownTomcat,
                    unknownTomcat);
        }
        LOG.warn("Closing the listener of [" + connector
                + "] by Tomcat's own means: connections in its accept queue may be reset, and"
                + " it stays open where the connector was bound at its initialization (bindOnInit)");
        handler.closeServerSocketGraceful();
        return null;
    }

    private static @Nullable ClosingServerSocketChannel replaceListener(Connector connector, NioEndpoint endpoint)
            throws ReflectiveOperationException, IOException {
        Field field = NioEndpoint.class.getDeclaredField("serverSock");
        field.setAccessible(true);
        ServerSocketChannel open = (ServerSocketChannel) field.get(endpoint);
        Acceptor<?> acceptor = acceptorOf(endpoint);
        if (open == null
                || !open.isOpen()
                || open instanceof ClosingServerSocketChannel
                || acceptor == null
                || endpoint.isPaused()) {
            return null; // not started, stopped, or closed already
        }
        if (!(open.getLocalAddress() instanceof InetSocketAddress address)) {
            throw new IOException("it listens on [" + open.getLocalAddress() + "]");
        }
        ClosingServerSocketChannel last = new ClosingServerSocketChannel(connector.toString(), open, acceptor);
        field.set(endpoint, last);
        noteClosed(endpoint);
        wake(address);
        // HTTP/2 has no last answer of a connection: its clients are told by GOAWAY, and what they have sent is served.
        endpoint.getHandler().pause();
        return last;
    }

    /** Tells the endpoint what its own closeServerSocketGraceful would: without it a later start would not listen again. */
    private static void noteClosed(NioEndpoint endpoint) throws ReflectiveOperationException {
        Field field = AbstractEndpoint.class.getDeclaredField("bindState");
        field.setAccessible(true);
        for (Object state : field.getType().getEnumConstants()) {
            if (state.toString().equals("SOCKET_CLOSED_ON_STOP")) {
                field.set(endpoint, state);
            }
        }
    }

    /** The acceptor sits in the old listener's accept; one connection brings it to the new one's. */
    private static void wake(InetSocketAddress address) throws IOException {
        InetAddress host =
                address.getAddress().isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : address.getAddress();
        try (SocketChannel wake = SocketChannel.open()) {
            wake.socket().connect(new InetSocketAddress(host, address.getPort()), WAKE_TIMEOUT_MILLIS);
        }
    }

    private static @Nullable Acceptor<?> acceptorOf(NioEndpoint endpoint) throws ReflectiveOperationException {
        Field field = AbstractEndpoint.class.getDeclaredField("acceptor");
        field.setAccessible(true);
        return (Acceptor<?>) field.get(endpoint);
    }

    private static @Nullable Object endpointOrNull(Connector connector) {
        try {
            return endpointOf(connector.getProtocolHandler());
        } catch (ReflectiveOperationException | RuntimeException unknownTomcat) {
            return null;
        }
    }

    private static @Nullable Object endpointOf(ProtocolHandler handler) throws ReflectiveOperationException {
        if (!(handler instanceof AbstractProtocol<?>)) {
            return null;
        }
        Method method = AbstractProtocol.class.getDeclaredMethod("getEndpoint");
        method.setAccessible(true);
        return method.invoke(handler);
    }
}
