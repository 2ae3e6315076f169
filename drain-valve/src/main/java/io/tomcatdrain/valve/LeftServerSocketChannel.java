package io.tomcatdrain.valve;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for a listening socket that this process shares with others: its acceptor waits here and takes nothing more, so that the
 * other processes get each client that connects or already waits in the kernel's queue.
 *
 * <p>The real socket is left as it is. The JDK would point the standard streams at {@code /dev/null} if the channel that a process has
 * inherited were closed, and a mode that is set here is every other process's mode too.
 */
final class LeftServerSocketChannel extends StandInServerSocketChannel {
    private enum Next {
        WAIT,
        ACCEPT,
        END
    }

    private final CountDownLatch left = new CountDownLatch(1);
    private volatile Next next = Next.WAIT;

    /** How the endpoint was bound, as Tomcat notes it. */
    private volatile @Nullable Object boundAs;

    LeftServerSocketChannel(ServerSocketChannel real, NioEndpoint endpoint, Acceptor<?> acceptor) {
        super(real, endpoint, acceptor);
    }

    /** Waits until the acceptor is here, and wakes it until it is; returns false if that takes longer. */
    boolean awaitLeft(RunningTime patience) throws InterruptedException {
        try {
            while (!left.await(LOOK_NANOS, TimeUnit.NANOSECONDS)) {
                if (patience.isOver()) {
                    return false;
                }
                makeRoom(1);
                wakeAcceptor(); // another process may have taken the one before
            }
            return true;
        } finally {
            forgetWake();
        }
    }

    void boundAs(@Nullable Object state) {
        boundAs = state;
    }

    @Nullable Object boundAs() {
        return boundAs;
    }

    /** Lets the acceptor take what waits at the real socket from now on. */
    void acceptAgain() {
        next = Next.ACCEPT;
    }

    /** Lets the acceptor end. */
    void end() {
        next = Next.END;
    }

    @Override
    public SocketChannel accept() throws IOException {
        arrived();
        left.countDown();
        while (next == Next.WAIT && endpoint.isRunning() && !endpoint.isPaused()) {
            LockSupport.parkNanos(this, LOOK_NANOS);
        }
        if (next == Next.ACCEPT) {
            return real.accept();
        }
        if (next == Next.END) {
            TomcatInternals.get().end(acceptor);
        }
        return harmless();
    }

    @Override
    protected void implCloseSelectableChannel() {
        // Tomcat does not close what it has inherited, and nothing else refers to this one.
    }
}
