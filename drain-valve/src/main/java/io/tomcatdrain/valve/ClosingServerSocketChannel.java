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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for a listening socket: hands out what waits in the kernel's accept queue, one connection a call and on the acceptor's own
 * thread, and closes the real one at the first call that finds nothing. One thread closes, by {@link #wakeAcceptor} and
 * {@link #awaitClosed}; the rest is the acceptor's.
 */
final class ClosingServerSocketChannel extends ServerSocketChannel {
    private static final Log LOG = LogFactory.getLog(ClosingServerSocketChannel.class);

    private static final long LAST_STEP_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    /** How soon to look again whether the acceptor waits for a place. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final ServerSocketChannel real;
    private final NioEndpoint endpoint;
    private final Acceptor<?> acceptor;
    private final int maxConnections;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Object lock = new Object();

    /** Guarded by the lock. */
    private boolean roomMade;

    private @Nullable SocketChannel wake;

    ClosingServerSocketChannel(ServerSocketChannel real, NioEndpoint endpoint, Acceptor<?> acceptor) {
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

    /** Waits until the real listener is closed and its acceptor has ended; returns false if that takes longer. */
    boolean awaitClosed(long until) throws InterruptedException {
        try {
            while (!closed.await(LOOK_NANOS, TimeUnit.NANOSECONDS)) {
                if (System.nanoTime() - until >= 0) {
                    return false;
                }
                makeRoom();
            }
            // The acceptor's last steps, a fraction of a millisecond: a connector paused before them would try to wake
            // it,
            // and warn.
            while (acceptor.getState() != Acceptor.AcceptorState.ENDED && System.nanoTime() - until < 0) {
                LockSupport.parkNanos(this, LAST_STEP_NANOS);
            }
            return true;
        } finally {
            forgetWake();
        }
    }

    /** An acceptor that waits for connections to end would let those in the queue wait as long, and the listener stay open. */
    private void makeRoom() {
        synchronized (lock) {
            if (!roomMade && closed.getCount() > 0) {
                // A queue holds more than it was told: one on Linux, half as many again on BSD. One more place is for
                // the look that
                // finds nothing.
                int places = endpoint.getAcceptCount() * 3 / 2 + 2;
                roomMade = TomcatInternals.get().makeRoom(endpoint, places);
            }
        }
    }

    private void forgetWake() {
        try {
            if (wake != null) {
                wake.close();
            }
        } catch (IOException gone) {
            LOG.debug("closed already", gone);
        }
    }

    @Override
    public SocketChannel accept() throws IOException {
        real.configureBlocking(false);
        SocketChannel waiting = real.accept();
        if (waiting != null) {
            return waiting;
        }
        real.close();
        TomcatInternals.get().end(acceptor);
        over();
        return harmless();
    }

    private void over() {
        synchronized (lock) {
            if (roomMade) {
                endpoint.setMaxConnections(maxConnections);
            }
            closed.countDown();
        }
    }

    /**
     * Makes a connection that carries nothing: an acceptor that has been told to end drops what it takes, while an exception here would be
     * logged as an error of the connector.
     */
    private static SocketChannel harmless() throws IOException {
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
    public ServerSocketChannel bind(SocketAddress local, int backlog) {
        throw new UnsupportedOperationException("this listener is closing");
    }

    @Override
    public <T> ServerSocketChannel setOption(SocketOption<T> name, T value) throws IOException {
        real.setOption(name, value);
        return this;
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
        over();
    }

    @Override
    protected void implConfigureBlocking(boolean block) {
        // The acceptor's endpoint wants blocking accepts; these never block, whatever it asks for.
    }
}
