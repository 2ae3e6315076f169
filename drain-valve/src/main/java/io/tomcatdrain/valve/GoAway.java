package io.tomcatdrain.valve;

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
 * elsewhere.
 *
 * <p>Some clients break off all streams of a connection at a GOAWAY, the open ones too. An upload is worth more than a request that is
 * refused, so they are told only while nothing is under way.
 */
final class GoAway {
    private static final Log LOG = LogFactory.getLog(GoAway.class);

    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    /**
     * The client of the JDK, before its version. Before 24, 21.0.9 and 17.0.17 it breaks off what is under way (JDK-8335181); those of the older
     * lines in which that is mended were not tried. A later one (25.0.3) was seen to wait for ever for an answer behind which a GOAWAY came
     * at once, over a connection that was upgraded from HTTP/1.1, which those that begin with TLS are not.
     */
    private static final String JDK_CLIENT = "Java-http-client/";

    private static final int MENDED_JDK = 24;

    private GoAway() {}

    /**
     * Tells the client of a request that its node leaves, on a thread of that request's; does nothing unless it is HTTP/2's.
     *
     * @param request of Coyote, which has been answered
     */
    static void send(Request request) {
        InternalHttpUpgradeHandler connection = connectionToTell(request);
        if (connection != null) {
            send(connection);
        }
    }

    /** Tells the client at the other end of a connection. */
    static void send(InternalHttpUpgradeHandler connection) {
        try {
            connection.pause();
        } catch (RuntimeException | LinkageError fault) {
            LOG.debug(connection, fault);
        }
    }

    /**
     * Returns the HTTP/2 connection of a request, whose client may be told while that request is under way.
     *
     * @return null over another protocol, for a client that breaks off what is under way, or if unknown
     */
    static @Nullable InternalHttpUpgradeHandler connectionToTell(Request request) {
        InternalHttpUpgradeHandler connection = TOMCAT.http2Connection(request);
        return connection == null || breaksOff(request.getHeader("User-Agent"), isSecure(request)) ? null : connection;
    }

    private static boolean isSecure(Request request) {
        return request.scheme().equalsIgnoreCase("https");
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

    /** Tells the clients of a service's idle HTTP/2 connections. One that is at work is told by its next request. */
    static void sendToIdle(Service service) {
        for (Connector connector : service.findConnectors()) {
            try {
                if (TOMCAT.endpoint(connector.getProtocolHandler()) instanceof NioEndpoint endpoint) {
                    sendToIdle(endpoint);
                }
            } catch (RuntimeException | LinkageError fault) {
                LOG.debug(connector, fault);
            }
        }
    }

    /** The same for the connections of one connector. */
    static void sendToIdle(NioEndpoint endpoint) {
        for (SocketWrapperBase<NioChannel> connection : endpoint.getConnections()) {
            Lock lock = TOMCAT.lock(connection);
            if (lock != null && lock.tryLock()) {
                try {
                    if (connection.getCurrentProcessor() instanceof Processor processor
                            && processor.isUpgrade()
                            && TOMCAT.streams(processor) == 0) {
                        processor.pause();
                    }
                } catch (RuntimeException | LinkageError fault) {
                    LOG.debug(connection, fault);
                } finally {
                    lock.unlock();
                }
            }
        }
    }
}
