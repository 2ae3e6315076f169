package io.tomcatdrain.valve;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.catalina.connector.Connector;
import org.apache.tomcat.util.net.NioEndpoint;

/**
 * The connections that a server's acceptors have taken, by their clients' ports. Any other that is lost has waited in the queue of a
 * listener that closed: one whose handshake ends between the acceptor's last look and the close is beyond a server's reach.
 */
final class Accepted {
    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    private final Set<Integer> ports = ConcurrentHashMap.newKeySet();

    private Accepted() {}

    /** Notes what the server accepts from now on. */
    static Accepted by(TestServer server) throws IOException {
        Accepted accepted = new Accepted();
        for (Connector connector : server.tomcat().getService().findConnectors()) {
            NioEndpoint endpoint = Objects.requireNonNull(ListenerCloser.nioEndpoint(connector));
            ServerSocketChannel real = Objects.requireNonNull(TOMCAT.serverSocket(endpoint));
            TOMCAT.serverSocket(endpoint, accepted.new Listener(real));
            // The acceptor waits at the real one.
            new Socket(InetAddress.getLoopbackAddress(), connector.getLocalPort()).close();
        }
        return accepted;
    }

    /** Returns true if the connection from that port was accepted, and forgets it. */
    boolean forget(int port) {
        return ports.remove(port);
    }

    /** Accepts by the real one. */
    private final class Listener extends ServerSocketChannel {
        private final ServerSocketChannel real;

        Listener(ServerSocketChannel real) {
            super(real.provider());
            this.real = real;
        }

        @Override
        public SocketChannel accept() throws IOException {
            SocketChannel taken = real.accept();
            if (taken != null) {
                ports.add(taken.socket().getPort());
            }
            return taken;
        }

        @Override
        public ServerSocketChannel bind(SocketAddress local, int backlog) throws IOException {
            return real.bind(local, backlog);
        }

        @Override
        public <T> ServerSocketChannel setOption(SocketOption<T> name, T value) throws IOException {
            return real.setOption(name, value);
        }

        @Override
        public <T> T getOption(SocketOption<T> name) throws IOException {
            return real.getOption(name);
        }

        @Override
        public Set<SocketOption<?>> supportedOptions() {
            return real.supportedOptions();
        }

        @Override
        public ServerSocket socket() {
            return real.socket();
        }

        @Override
        public SocketAddress getLocalAddress() throws IOException {
            return real.getLocalAddress();
        }

        @Override
        protected void implCloseSelectableChannel() throws IOException {
            real.close();
        }

        @Override
        protected void implConfigureBlocking(boolean block) throws IOException {
            real.configureBlocking(block);
        }
    }
}
