package io.tomcatdrain.valve;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.locks.Lock;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.Processor;
import org.apache.coyote.Request;
import org.apache.coyote.http11.upgrade.InternalHttpUpgradeHandler;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * Tells HTTP/2 clients by GOAWAY that the node leaves, so that they send what comes next over another connection, which a front end leads
 * elsewhere: what {@code Connection: close} is over HTTP/1.1. The streams that are open go on, and none of them is cut. Nothing of this
 * throws.
 *
 * <p>Tomcat sends the frame once for each connection ({@code Http2UpgradeHandler.pause}), with the highest possible stream, and goes on to
 * take new streams for a round trip. One that comes later is ignored, and a second GOAWAY says so to its client, which repeats it
 * elsewhere. A busy front end has sent it before it hears, and many repeat no upload: so a node that still serves takes what comes.
 *
 * <p>Some clients break off all streams of a connection at a GOAWAY, the open ones too. They are told only while nothing is under way. Until
 * then what they send comes here, so that beside an upload their requests are admitted although the node refuses others.
 */
final class GoAway {
    private static final Log LOG = LogFactory.getLog(GoAway.class);

    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    /** That by which Tomcat notes when a connection was used. */
    private static final InstantSource CLOCK = InstantSource.system();

    /**
     * The client of the JDK, before its version. Before 24, 21.0.9 and 17.0.17 it breaks off what is under way (JDK-8335181); those of the older
     * lines in which that is mended were not tried. A later one (25.0.3) was seen to wait for ever for an answer behind which a GOAWAY came
     * at once, over a connection that was upgraded from HTTP/1.1, which those that begin with TLS are not.
     */
    private static final String JDK_CLIENT = "Java-http-client/";

    private static final int MENDED_JDK = 24;

    /** How long nothing was sent or received over a connection that is idle: a GOAWAY right behind an answer can cost it, too. */
    private static final long QUIET_MILLIS = 10;

    private GoAway() {}

    /**
     * Tells the client of a request that its node leaves, on a thread of that request's; does nothing unless it is HTTP/2's.
     *
     * @param request of Coyote, which has been answered
     * @param serves how long the node still serves, at most
     */
    static void send(Request request, Duration serves) {
        InternalHttpUpgradeHandler connection = connection(request);
        if (connection != null && !breaksOff(request)) {
            send(connection, serves);
        }
    }

    /** Tells the client at the other end of a connection. */
    static void send(InternalHttpUpgradeHandler connection, Duration serves) {
        try {
            connection.pause();
            TOMCAT.takeStreams(connection, serves);
        } catch (RuntimeException | LinkageError fault) {
            LOG.debug(connection, fault);
        }
    }

    /** Returns the HTTP/2 connection of a request; null over another protocol, or if unknown. */
    static @Nullable InternalHttpUpgradeHandler connection(Request request) {
        return TOMCAT.http2Connection(request);
    }

    /** Returns true for the request of a client that is not to be told while anything of its is under way. */
    static boolean breaksOff(Request request) {
        return breaksOff(request.getHeader("User-Agent"), request.scheme().equalsIgnoreCase("https"));
    }

    /**
     * Returns true for a client that is not to be told while anything of its is under way.
     *
     * @param secure true if its connection began with TLS
     */
    static boolean breaksOff(@Nullable String userAgent, boolean secure) {
        return userAgent != null
                && userAgent.startsWith(JDK_CLIENT)
                && !(secure && isMended(userAgent.substring(JDK_CLIENT.length())));
    }

    private static boolean isMended(String version) {
        try {
            return Runtime.Version.parse(version).feature() >= MENDED_JDK;
        } catch (IllegalArgumentException unknown) {
            return false;
        }
    }

    /**
     * Tells the clients of a service's idle HTTP/2 connections, which costs nothing for those that were told before.
     *
     * @param serves how long the node still serves, at most
     * @return true if other connections are at work, so that they may be idle later
     */
    static boolean sendToIdle(Service service, Duration serves) {
        boolean othersWork = false;
        for (Connector connector : service.findConnectors()) {
            try {
                if (TOMCAT.endpoint(connector.getProtocolHandler()) instanceof NioEndpoint endpoint) {
                    othersWork |= sendToIdle(endpoint, serves);
                }
            } catch (RuntimeException | LinkageError fault) {
                LOG.debug(connector, fault);
            }
        }
        return othersWork;
    }

    /** The same for the connections of one connector. */
    static boolean sendToIdle(NioEndpoint endpoint, Duration serves) {
        boolean othersWork = false;
        for (SocketWrapperBase<NioChannel> connection : endpoint.getConnections()) {
            Lock lock = TOMCAT.lock(connection);
            if (lock != null && lock.tryLock()) {
                try {
                    othersWork |= !sendIfIdle(connection, serves);
                } catch (RuntimeException | LinkageError fault) {
                    LOG.debug(connection, fault);
                } finally {
                    lock.unlock();
                }
            } else {
                othersWork |= lock != null;
            }
        }
        return othersWork;
    }

    /** Returns false if it is a connection of HTTP/2 that is at work. */
    private static boolean sendIfIdle(SocketWrapperBase<NioChannel> connection, Duration serves) {
        if (!(connection.getCurrentProcessor() instanceof Processor processor) || !processor.isUpgrade()) {
            return true;
        }
        int streams = TOMCAT.streams(processor);
        boolean idle = streams == 0 && isQuiet(connection) && !OpenConnections.hasBytes(connection.getSocket());
        if (idle) {
            processor.pause();
            TOMCAT.takeStreams(processor, serves);
        }
        return idle || streams < 0;
    }

    /** A clock that is set meanwhile makes it true a little too soon, and never false for long. */
    private static boolean isQuiet(SocketWrapperBase<NioChannel> connection) {
        return connection instanceof NioEndpoint.NioSocketWrapper socket
                && isPast(socket.getLastRead())
                && isPast(socket.getLastWrite());
    }

    private static boolean isPast(long millis) {
        return Math.abs(CLOCK.millis() - millis) >= QUIET_MILLIS;
    }
}
