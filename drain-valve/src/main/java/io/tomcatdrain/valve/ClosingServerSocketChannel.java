package io.tomcatdrain.valve;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;

/**
 * Stands in for a listening socket that is to be closed: hands out what waits in the kernel's accept queue, one connection a call, and
 * closes the real one at the first call that finds nothing. One thread closes, by {@link #wakeAcceptor} and {@link #awaitClosed}.
 */
final class ClosingServerSocketChannel extends StandInServerSocketChannel {
    private final CountDownLatch closed = new CountDownLatch(1);

    ClosingServerSocketChannel(ServerSocketChannel real, NioEndpoint endpoint, Acceptor<?> acceptor) {
        super(real, endpoint, acceptor);
    }

    /** Waits until the real listener is closed and its acceptor has ended; returns false if that takes longer. */
    boolean awaitClosed(RunningTime patience) throws InterruptedException {
        try {
            while (!closed.await(LOOK_NANOS, TimeUnit.NANOSECONDS)) {
                if (patience.isOver()) {
                    return false;
                }
                // A queue holds more than acceptCount says: one more on Linux, half as many again on BSD. One more
                // place is for the look that finds nothing.
                makeRoom(endpoint.getAcceptCount() * 3 / 2 + 2);
            }
            awaitEnded(patience);
            return true;
        } finally {
            forgetWake();
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
        arrived();
        closed.countDown();
    }

    @Override
    protected void implCloseSelectableChannel() throws IOException {
        real.close();
        over();
    }
}
