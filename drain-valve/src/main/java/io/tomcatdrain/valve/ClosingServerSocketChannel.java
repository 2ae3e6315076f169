package io.tomcatdrain.valve;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.tomcat.util.net.Acceptor;

/**
 * Stands in for a listening socket: hands out what waits in the kernel's accept queue, one connection a call and on the acceptor's own
 * thread, and closes the real one at the first call that finds nothing.
 */
final class ClosingServerSocketChannel extends ServerSocketChannel {
    private static final long LAST_STEP_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    private final String connector;
    private final ServerSocketChannel real;
    private final Acceptor<?> acceptor;
    private final CountDownLatch closed = new CountDownLatch(1);

    ClosingServerSocketChannel(String connector, ServerSocketChannel real, Acceptor<?> acceptor) {
        super(real.provider());
        this.connector = connector;
        this.real = real;
        this.acceptor = acceptor;
    }

    String connector() {
        return connector;
    }

    /** Waits until the real listener is closed and its acceptor has ended; returns false if that takes longer. */
    boolean awaitClosed(long nanos) throws InterruptedException {
        long until = System.nanoTime() + nanos;
        if (!closed.await(Math.max(0, nanos), TimeUnit.NANOSECONDS)) {
            return false;
        }
        // The acceptor's last steps, a fraction of a millisecond: a connector paused before them would try to wake it,
        // and warn.
        while (acceptor.getState() != Acceptor.AcceptorState.ENDED && System.nanoTime() < until) {
            LockSupport.parkNanos(this, LAST_STEP_NANOS);
        }
        return true;
    }

    @Override
    public SocketChannel accept() throws IOException {
        real.configureBlocking(false);
        SocketChannel waiting = real.accept();
        if (waiting != null) {
            return waiting;
        }
        real.close();
        acceptor.stopMillis(-1);
        closed.countDown();
        return harmless();
    }

    /**
     * Makes a connection that nobody uses: an acceptor that has been told to end drops what it takes, while an exception here would be
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
        closed.countDown();
    }

    @Override
    protected void implConfigureBlocking(boolean block) {
        // The acceptor's endpoint wants blocking accepts; these never block, whatever it asks for.
    }
}
