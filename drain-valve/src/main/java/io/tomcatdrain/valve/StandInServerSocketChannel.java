package io.tomcatdrain.valve;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for an endpoint's listening socket while the node leaves: what its acceptor accepts next, and whether that goes on, is decided
 * here, on the acceptor's own thread. One thread brings the acceptor here and waits for it; the rest is the acceptor's.
 */
abstract class StandInServerSocketChannel extends ServerSocketChannel {
    private static final Log LOG = LogFactory.getLog(StandInServerSocketChannel.class);

    private static final long LAST_STEP_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    /** How soon to look again whether the acceptor waits for a place. */
    static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    final ServerSocketChannel real;
    final NioEndpoint endpoint;
    final Acceptor<?> acceptor;
    private final int maxConnections;
    private final Object lock = new Object();

    /** Guarded by the lock. */
    private boolean roomMade;

    /** Guarded by the lock. */
    private boolean arrived;

    private @Nullable SocketChannel wake;

    StandInServerSocketChannel(ServerSocketChannel real, NioEndpoint endpoint, Acceptor<?> acceptor) {
        super(real.provider());
        this.real = real;
        this.endpoint = endpoint;
        this.acceptor = acceptor;
        this.maxConnections = endpoint.getMaxConnections();
    }

    /**
     * Brings the acceptor out of the real listener's accept by one connection, which is not waited for: if it finds no place in the queue,
     * or none in time, the acceptor has something to accept or waits for one of its connections to end, and comes here by itself.
     */
    void wakeAcceptor() {
        forgetWake();
        try {
            SocketAddress address = real.getLocalAddress();
            if (address instanceof InetSocketAddress inet) {
                InetAddress host =
                        inet.getAddress().isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : inet.getAddress();
                wake = SocketChannel.open();
                address = new InetSocketAddress(host, inet.getPort());
            } else {
                wake = SocketChannel.open(StandardProtocolFamily.UNIX);
            }
            wake.configureBlocking(false);
            wake.connect(address);
        } catch (IOException | RuntimeException noPlace) {
            LOG.debug("not connected", noPlace);
        }
    }

    void forgetWake() {
        try {
            if (wake != null) {
                wake.close();
            }
        } catch (IOException gone) {
            LOG.debug("closed already", gone);
        }
    }

    /**
     * An acceptor that waits for connections to end would let those in the queue wait as long, and would not come here.
     *
     * @param places how many connections beyond {@code maxConnections} it may take until it has come
     */
    void makeRoom(int places) {
        synchronized (lock) {
            if (!roomMade && !arrived) {
                roomMade = TomcatInternals.get().makeRoom(endpoint, places);
            }
        }
    }

    /** Notes that the acceptor needs no more room. */
    void arrived() {
        synchronized (lock) {
            arrived = true;
            if (roomMade) {
                roomMade = false;
                endpoint.setMaxConnections(maxConnections);
            }
        }
    }

    /**
     * Waits for the acceptor's last steps, a fraction of a millisecond: a connector paused before them would try to wake it, and warn.
     */
    void awaitEnded(RunningTime patience) {
        while (acceptor.getState() != Acceptor.AcceptorState.ENDED && !patience.isOver()) {
            LockSupport.parkNanos(this, LAST_STEP_NANOS);
        }
    }

    /**
     * Makes a connection that carries nothing: an acceptor that has been told to end drops what it takes, while an exception here would be
     * logged as an error of the connector.
     */
    static SocketChannel harmless() throws IOException {
        try (ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
            SocketChannel peer = SocketChannel.open(listener.getLocalAddress());
            try {
                return listener.accept();
            } finally {
                peer.close();
            }
        }
    }

    @Override
    public final ServerSocketChannel bind(SocketAddress local, int backlog) {
        throw new UnsupportedOperationException("this listener is closing");
    }

    @Override
    public final <T> ServerSocketChannel setOption(SocketOption<T> name, T value) throws IOException {
        real.setOption(name, value);
        return this;
    }

    @Override
    public final <T> T getOption(SocketOption<T> name) throws IOException {
        return real.getOption(name);
    }

    @Override
    public final Set<SocketOption<?>> supportedOptions() {
        return real.supportedOptions();
    }

    @Override
    public final ServerSocket socket() {
        return real.socket();
    }

    @Override
    public final SocketAddress getLocalAddress() throws IOException {
        return real.getLocalAddress();
    }

    @Override
    protected final void implConfigureBlocking(boolean block) {
        // The acceptor's endpoint wants blocking accepts; here it gets what there is, whatever it asks for.
    }
}
