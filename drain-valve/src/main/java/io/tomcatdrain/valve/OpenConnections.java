package io.tomcatdrain.valve;

import io.tomcatdrain.Patience;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.Processor;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * Ends the connections that are open when a drain is over, before Tomcat pauses its connectors and cuts what is left: a request that has
 * arrived, wherever it waits, is answered first, and an idle connection is closed while nothing is on it.
 *
 * <p>A request may sit in the kernel's buffer of a connection, in the executor's queue, or in a thread that is just refusing it. Each of
 * these shows: as bytes that can be read, or as a connection that is locked or has a processor. Every answer that is given now ends its
 * connection. What is idle is closed after a moment, so that a client that has just connected can still send.
 */
final class OpenConnections {
    private static final Log LOG = LogFactory.getLog(OpenConnections.class);

    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    /** How long a stop waits for the connections at most, once each of them has had a thread. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long a connection is left open with nothing on it: a client that has connected sends at once. */
    static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /**
     * How a connection was seen with nothing on it.
     *
     * @param sinceNanos since when
     * @param window how much the server may send over HTTP/2; it grows when the client has taken what was sent
     * @param grows true if it has grown meanwhile
     */
    private record Idle(long sinceNanos, long window, boolean grows) {}

    private final IdentityHashMap<SocketWrapperBase<?>, Idle> idle = new IdentityHashMap<>();

    private final List<NioEndpoint> endpoints = new ArrayList<>();

    private final Service service;

    /**
     * True if the last look has seen a file on its way that Tomcat sends by itself, whose request may be over; or an HTTP/2 client that still
     * takes what was sent. If its connection were closed, what it says of that would let the kernel drop the rest.
     */
    private boolean sending;

    private OpenConnections(Service service) {
        this.service = service;
        for (Connector connector : service.findConnectors()) {
            if (TOMCAT.endpoint(connector.getProtocolHandler()) instanceof NioEndpoint endpoint
                    && endpoint.isRunning()) {
                endpoints.add(endpoint);
            }
        }
    }

    /**
     * Ends the connections of a service whose listeners are closed, within about a second. Connections that were upgraded to anything but
     * HTTP/2 are their applications'. An interrupt ends the wait and stays. Never throws.
     *
     * @param longest how long it may take at most where requests still wait for a thread, or files are on their way
     */
    static void end(Service service, Duration longest) {
        try {
            if (TOMCAT.canEndConnections()) {
                new OpenConnections(service).end(longest.toNanos());
            }
        } catch (RuntimeException | LinkageError fault) {
            Patience.call(() -> LOG.warn(
                    "Could not wait for the last connections of [" + service + "]; Tomcat closes them", fault));
        }
    }

    private void end(long longestNanos) {
        long began = System.nanoTime();
        RunningTime patience = new RunningTime(PATIENCE_NANOS);
        long now = began;
        while (anyLeft(now) && !patience.isOver()) {
            LockSupport.parkNanos(this, LOOK_NANOS);
            now = System.nanoTime();
            if (now - began < longestNanos - PATIENCE_NANOS && (sending || SpareThreads.waiting(service) > 0)) {
                patience.restart();
            }
            if (Thread.currentThread().isInterrupted()) {
                return;
            }
        }
    }

    /** Looks at all connections and closes those that are idle; returns true if there are others. */
    private boolean anyLeft(long now) {
        boolean left = false;
        sending = false;
        for (NioEndpoint endpoint : endpoints) {
            for (SocketWrapperBase<NioChannel> connection : endpoint.getConnections()) {
                left |= isLeft(connection, now);
            }
        }
        return left;
    }

    private boolean isLeft(SocketWrapperBase<NioChannel> connection, long now) {
        Lock lock = TOMCAT.lock(connection);
        if (lock == null || !lock.tryLock()) {
            idle.remove(connection);
            return !connection.isClosed();
        }
        try {
            if (connection.isClosed()) {
                return false;
            }
            Processor processor = (Processor) connection.getCurrentProcessor();
            if (processor != null && processor.isUpgrade() && !TOMCAT.isHttp2(processor)) {
                return false;
            }
            boolean sends = !AnswersOnTheirWay.filesOn(connection).isEmpty();
            sending |= sends;
            if (sends || isBusy(connection, processor)) {
                idle.remove(connection);
                return true;
            }
            Idle before = idle.get(connection);
            long window = processor == null ? 0 : TOMCAT.window(processor);
            if (before == null || before.window != window) {
                sending |= before != null;
                idle.put(connection, new Idle(now, window, before != null));
                return true;
            }
            if (now - before.sinceNanos < (before.grows ? PATIENCE_NANOS : IDLE_NANOS)) {
                return true;
            }
            close(connection, processor);
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Returns true if a request is on its way: a processor has one, or bytes wait for it. */
    private static boolean isBusy(SocketWrapperBase<NioChannel> connection, @Nullable Processor processor) {
        boolean inRequest = processor != null && (!processor.isUpgrade() || TOMCAT.streams(processor) > 0);
        return inRequest || hasBytes(connection.getSocket());
    }

    private static boolean hasBytes(NioChannel channel) {
        try {
            SocketChannel socket = channel.getIOChannel();
            return socket.socket().getInputStream().available() > 0;
        } catch (IOException | UnsupportedOperationException unknown) {
            return false; // closed, or a Unix-domain socket
        }
    }

    /** A GOAWAY says which streams an HTTP/2 connection has seen, so that its client can repeat the others. */
    private static void close(SocketWrapperBase<NioChannel> connection, @Nullable Processor processor) {
        if (processor == null || !TOMCAT.sayGoodbye(processor)) {
            connection.close();
        }
    }
}
