package io.tomcatdrain.valve;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.logging.LogManager;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.core.ContainerBase;
import org.apache.catalina.core.StandardContext;
import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ActionHook;
import org.apache.coyote.ErrorState;
import org.apache.coyote.Processor;
import org.apache.coyote.ProtocolHandler;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.coyote.UpgradeToken;
import org.apache.coyote.http11.upgrade.InternalHttpUpgradeHandler;
import org.apache.tomcat.util.net.AbstractEndpoint;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.apache.tomcat.util.threads.LimitLatch;
import org.jspecify.annotations.Nullable;

/**
 * Every private member of Tomcat that the valve uses, and every one that not all supported Tomcats have: each is resolved once, by name
 * and type. What a Tomcat lacks costs one warning, and the valve does without; docs/design.md has the table. Thread-safe.
 */
final class TomcatInternals {
    private static final String NO_CLOSE =
            "listeners are left to Tomcat's own means, and where those cannot close one, a drain refuses new requests";

    private static final String NO_END_OF_CONNECTION =
            "a connection whose request is under way when a drain begins stays open for one more request";

    private static final String NO_LAST_LINES = "the last lines of a stop may not reach the log if SIGTERM follows";

    private static final String NO_WAIT =
            "an application reloads without waiting for its uploads, which would keep a thread for every request to it";

    private static final String NO_QUIET_END = "a request that arrives at the end of a stop may be cut unanswered";

    private static final String NO_LIFE = "a request whose connection is gone may hold a drain until its limits";

    private static final String NO_STREAM =
            "an HTTP/2 stream that Tomcat drops for a broken frame may hold a drain until its limits";

    private static final String NO_FILE =
            "a file that Tomcat sends by itself over HTTP/2 may be cut at the end of a drain";

    private static final String NO_TAKING =
            "at the end of a stop an HTTP/2 client that still takes what was sent may lose the rest of it";

    private static final String NO_GOODBYE = "an HTTP/2 client is not told which of its last streams were seen";

    private static final String NO_CROSSING =
            "an HTTP/2 request that is sent before its client hears of the lame duck is left to the client to repeat";

    private static final String NO_LOG =
            "a valve that is added to a container that has run may notice the end of a response early";

    private static final TomcatInternals INSTANCE =
            new TomcatInternals(LogManager.getLogManager().getClass());

    private final Members members = new Members();
    private final @Nullable Field hook;
    private final @Nullable Field errorState;
    private final @Nullable Method getEndpoint;
    private final @Nullable Field serverSock;
    private final @Nullable Field bindState;
    private final @Nullable Object socketClosedOnStop;
    private final @Nullable Field acceptor;
    private final @Nullable Method endAcceptor;
    private final @Nullable Field connectionLimitLatch;
    private final @Nullable Field paused;
    private final @Nullable Method getLock;
    private final @Nullable Method getHttpUpgradeHandler;
    private final @Nullable Class<?> http2Handler;
    private final @Nullable Field activeRemoteStreamCount;
    private final @Nullable Field pausedNanoTime;
    private final @Nullable Method closeConnection;
    private final @Nullable Method getWindowSize;
    private final @Nullable Field requestHook;
    private final @Nullable Field socketWrapper;
    private final @Nullable Class<?> streamProcessor;
    private final @Nullable Field stream;
    private final @Nullable Field streamHandler;
    private final @Nullable Field streamLock;
    private final @Nullable Method streamNumber;
    private final @Nullable Method getStream;
    private final @Nullable Field streams;
    private final @Nullable Field coyoteRequest;
    private final @Nullable Method canWrite;
    private final @Nullable Field sendfileData;
    private final @Nullable Field left;
    private final @Nullable Field accessLogScanComplete;
    private final @Nullable Method isUseShutdownHook;
    private final @Nullable Method setUseShutdownHook;
    private final @Nullable Method shutdown;

    /** Resolves all of them, those of the log manager in that class. */
    TomcatInternals(Class<?> logManager) {
        hook = members.field(Response.class, "hook", ActionHook.class, NO_END_OF_CONNECTION);
        errorState = members.field(
                AbstractProcessor.class, "errorState", ErrorState.class, NO_END_OF_CONNECTION + " over AJP");

        getEndpoint = members.method(AbstractProtocol.class, List.of("getEndpoint"), NO_CLOSE);
        serverSock = members.field(NioEndpoint.class, "serverSock", ServerSocketChannel.class, NO_CLOSE);
        bindState = members.field(AbstractEndpoint.class, "bindState", Enum.class, NO_CLOSE);
        socketClosedOnStop =
                bindState == null ? null : members.constant(bindState.getType(), "SOCKET_CLOSED_ON_STOP", NO_CLOSE);
        acceptor = members.field(AbstractEndpoint.class, "acceptor", Acceptor.class, NO_CLOSE);
        // Only 10.1.24 and later have the first, only 10.1 has the second.
        endAcceptor = members.method(Acceptor.class, List.of("stopMillis", "stop"), NO_CLOSE, int.class);
        connectionLimitLatch = members.field(
                AbstractEndpoint.class,
                "connectionLimitLatch",
                LimitLatch.class,
                "where maxConnections is reached a listener closes when connections end");

        paused = members.field(StandardContext.class, "paused", boolean.class, NO_WAIT);

        // Public, but of another type in each line.
        getLock = members.method(SocketWrapperBase.class, List.of("getLock"), NO_QUIET_END);
        getHttpUpgradeHandler = members.method(
                UpgradeToken.class,
                List.of("getHttpUpgradeHandler", "httpUpgradeHandler"),
                NO_QUIET_END + " over HTTP/2");
        http2Handler = members.type("org.apache.coyote.http2.Http2UpgradeHandler", NO_QUIET_END + " over HTTP/2");
        activeRemoteStreamCount = http2Handler == null
                ? null
                : members.field(
                        http2Handler, "activeRemoteStreamCount", AtomicInteger.class, NO_QUIET_END + " over HTTP/2");
        pausedNanoTime =
                http2Handler == null ? null : members.field(http2Handler, "pausedNanoTime", long.class, NO_CROSSING);
        Class<?> http2Exception = members.type("org.apache.coyote.http2.Http2Exception", NO_GOODBYE);
        closeConnection = http2Handler == null || http2Exception == null
                ? null
                : members.method(http2Handler, List.of("closeConnection"), NO_GOODBYE, http2Exception);

        Class<?> anyStream = members.type("org.apache.coyote.http2.AbstractStream", NO_STREAM);
        getWindowSize = anyStream == null ? null : members.method(anyStream, List.of("getWindowSize"), NO_TAKING);

        requestHook = members.field(Request.class, "hook", ActionHook.class, NO_LIFE);
        socketWrapper = members.field(AbstractProcessor.class, "socketWrapper", SocketWrapperBase.class, NO_LIFE);
        streamProcessor = members.type("org.apache.coyote.http2.StreamProcessor", NO_STREAM);
        stream = ofStreams("stream", null, NO_STREAM);
        streamHandler = ofStreams("handler", null, NO_STREAM);
        streamLock = ofStreams("processLock", Lock.class, NO_STREAM);
        streamNumber = anyStream == null ? null : members.method(anyStream, List.of("getIdAsInt"), NO_STREAM);
        getStream = streamHandler == null
                ? null
                : members.method(streamHandler.getType(), List.of("getStream"), NO_STREAM, int.class);

        streams = http2Handler == null ? null : members.field(http2Handler, "streams", Map.class, NO_FILE);
        coyoteRequest =
                stream == null ? null : members.field(stream.getType(), "coyoteRequest", Request.class, NO_FILE);
        canWrite = stream == null ? null : members.method(stream.getType(), List.of("canWrite"), NO_FILE);
        sendfileData = ofStreams("sendfileData", null, NO_FILE);
        left = sendfileData == null ? null : members.field(sendfileData.getType(), "left", long.class, NO_FILE);

        accessLogScanComplete = members.field(ContainerBase.class, "accessLogScanComplete", boolean.class, NO_LOG);

        Class<?> juli = juli(logManager);
        isUseShutdownHook = juli == null ? null : members.method(juli, List.of("isUseShutdownHook"), NO_LAST_LINES);
        setUseShutdownHook =
                juli == null ? null : members.method(juli, List.of("setUseShutdownHook"), NO_LAST_LINES, boolean.class);
        shutdown = juli == null ? null : members.method(juli, List.of("shutdown"), NO_LAST_LINES);
    }

    private @Nullable Field ofStreams(String name, @Nullable Class<?> type, String without) {
        return streamProcessor == null ? null : members.field(streamProcessor, name, type, without);
    }

    /** Returns the one instance, which has said what it lacks. */
    static TomcatInternals get() {
        return INSTANCE;
    }

    /** Returns the names of what this Tomcat lacks. */
    List<String> missing() {
        return members.missing();
    }

    // ---------------------------------------------------------------- answers

    /** Returns the hook that acts for the response; null if unknown. */
    @Nullable ActionHook hook(Response response) {
        return (ActionHook) Members.get(hook, response);
    }

    /** Lets another hook act for the response. Does nothing where {@link #hook} returns null. */
    void hook(Response response, ActionHook other) {
        Members.set(hook, response, other);
    }

    /** Changes the state in which a processor finishes its answer; returns false if it is in another than expected, or unknown. */
    boolean exchangeErrorState(ActionHook processor, ErrorState expected, ErrorState next) {
        return Members.get(errorState, processor) == expected && Members.set(errorState, processor, next);
    }

    // ---------------------------------------------------------------- listeners

    /** Returns true if this Tomcat has all that it takes to close a listener without losing what waits in its queue. */
    boolean canCloseListeners() {
        return getEndpoint != null
                && serverSock != null
                && socketClosedOnStop != null
                && acceptor != null
                && endAcceptor != null;
    }

    /** Returns what listens for the connector; null for a handler that is not of Tomcat's kind, or if unknown. */
    @Nullable AbstractEndpoint<?, ?> endpoint(ProtocolHandler handler) {
        return handler instanceof AbstractProtocol<?>
                ? (AbstractEndpoint<?, ?>) Members.call(getEndpoint, handler)
                : null;
    }

    /** Returns the listening socket; null if it does not listen. */
    @Nullable ServerSocketChannel serverSocket(NioEndpoint endpoint) {
        return (ServerSocketChannel) Members.get(serverSock, endpoint);
    }

    /** Puts another listening socket in the place of the endpoint's, to be used from the acceptor's next accept on. */
    void serverSocket(NioEndpoint endpoint, ServerSocketChannel other) {
        Members.set(serverSock, endpoint, other);
    }

    /**
     * Sets the state that the endpoint's own closeServerSocketGraceful would set: without it a later start would not listen again.
     * Connections end with their next answer from then on. Returns the state before.
     */
    @Nullable Object noteSocketClosed(AbstractEndpoint<?, ?> endpoint) {
        Object before = Members.get(bindState, endpoint);
        noteSocketBound(endpoint, socketClosedOnStop);
        return before;
    }

    /** Sets the state back to what it was before. */
    void noteSocketBound(AbstractEndpoint<?, ?> endpoint, @Nullable Object before) {
        if (before != null) {
            Members.set(bindState, endpoint, before);
        }
    }

    /** Returns the acceptor of the endpoint; null if it was not started. */
    @Nullable Acceptor<?> acceptor(AbstractEndpoint<?, ?> endpoint) {
        return (Acceptor<?>) Members.get(acceptor, endpoint);
    }

    /** Lets the acceptor end after the connection that it takes next, which it drops. Does not wait for that. */
    void end(Acceptor<?> ending) {
        Members.call(endAcceptor, ending, -1);
    }

    /**
     * Lets the acceptor take as many connections beyond {@code maxConnections}, at once if it waits for a place.
     *
     * @return false if it does not wait, or if that cannot be known
     */
    boolean makeRoom(AbstractEndpoint<?, ?> endpoint, int places) {
        LimitLatch latch = (LimitLatch) Members.get(connectionLimitLatch, endpoint);
        if (latch == null) {
            return false;
        }
        Collection<Thread> waiting = latch.getQueuedThreads();
        if (waiting.isEmpty()) {
            return false;
        }
        endpoint.setMaxConnections(endpoint.getMaxConnections() + places);
        waiting.forEach(LockSupport::unpark); // it looks again only when a connection ends, or so
        return true;
    }

    // ---------------------------------------------------------------- connections

    /** Returns true if connections that are being processed can be told from idle ones. */
    boolean canEndConnections() {
        return getEndpoint != null && getLock != null;
    }

    /** Returns the lock that a thread holds while it processes the connection; null if unknown. */
    @Nullable Lock lock(SocketWrapperBase<?> connection) {
        return (Lock) Members.call(getLock, connection);
    }

    /** Returns true if an upgraded connection's processor speaks HTTP/2; false if it does not, or if unknown. */
    boolean isHttp2(Processor processor) {
        return http2(processor) != null;
    }

    private @Nullable Object http2(Processor processor) {
        UpgradeToken token = processor.getUpgradeToken();
        Object handler = token == null ? null : Members.call(getHttpUpgradeHandler, token);
        return http2Handler != null && http2Handler.isInstance(handler) ? handler : null;
    }

    /** Returns how many streams of the client's are open on that HTTP/2 connection; −1 for another protocol, or if unknown. */
    int streams(Processor processor) {
        Object handler = http2(processor);
        return handler == null ? -1 : streams(handler);
    }

    private int streams(Object handler) {
        return Members.get(activeRemoteStreamCount, handler) instanceof AtomicInteger streams ? streams.get() : -1;
    }

    /** Returns how much the server may send over that HTTP/2 connection before its client takes some; 0 for another protocol, or if unknown. */
    long window(Processor processor) {
        Object handler = http2(processor);
        return handler != null && Members.call(getWindowSize, handler) instanceof Long window ? window : 0;
    }

    /** Returns the files that Tomcat sends by itself over that HTTP/2 connection; none for another protocol, or if unknown. */
    List<AnswersOnTheirWay.SentFile> sentFiles(Processor processor) {
        Object handler = http2(processor);
        if (handler == null
                || stream == null
                || streams(processor) == 0
                || !(Members.get(streams, handler) instanceof Map<?, ?> open)) {
            return List.of();
        }
        List<AnswersOnTheirWay.SentFile> files = new ArrayList<>();
        for (Object each : open.values()) {
            // Others have ended, and what they were made of is gone.
            if (stream.getType().isInstance(each)
                    && Members.get(coyoteRequest, each) instanceof Request request
                    && processor(request) instanceof AbstractProcessor own
                    && isStream(own)) {
                Object file = Members.get(sendfileData, own);
                // A stream that was reset can be written no more, and what is left of its file is never sent.
                if (file != null
                        && Members.get(left, file) instanceof Long bytes
                        && bytes > 0
                        && Boolean.TRUE.equals(Members.call(canWrite, each))) {
                    files.add(new AnswersOnTheirWay.SentFile(file, bytes, null, request));
                }
            }
        }
        return files;
    }

    /** Closes an HTTP/2 connection with the number of the last stream that was seen; returns false if that cannot be done. */
    boolean sayGoodbye(Processor processor) {
        Object handler = http2(processor);
        if (handler == null || closeConnection == null) {
            return false;
        }
        Members.call(closeConnection, handler, (Object) null);
        return true;
    }

    // ---------------------------------------------------------------- requests

    /** Returns the processor that the request has at present; null if unknown. */
    @Nullable Object processor(Request request) {
        return Members.get(requestHook, request);
    }

    /** Returns the HTTP/2 connection that the request has come over; null for another protocol, or if unknown. */
    @Nullable InternalHttpUpgradeHandler http2Connection(Request request) {
        Object processor = processor(request);
        return processor != null
                        && isStream(processor)
                        && Members.get(streamHandler, processor) instanceof InternalHttpUpgradeHandler handler
                ? handler
                : null;
    }

    /**
     * Lets an HTTP/2 connection whose client was told that the node leaves take new streams for that time from now on, and for a round trip
     * more. Zero takes back what an earlier call has allowed. Does nothing once a stream has been ignored.
     */
    void takeStreams(InternalHttpUpgradeHandler connection, Duration time) {
        long now = System.nanoTime();
        boolean isHttp2 = http2Handler != null && http2Handler.isInstance(connection);
        if (isHttp2
                && Members.get(pausedNanoTime, connection) instanceof Long until
                && (!time.isZero() || until - now > 0)) {
            Members.set(pausedNanoTime, connection, now + time.toNanos());
        }
    }

    /** The same for the connection of that processor; does nothing for one of another protocol. */
    void takeStreams(Processor processor, Duration time) {
        if (http2(processor) instanceof InternalHttpUpgradeHandler connection) {
            takeStreams(connection, time);
        }
    }

    /** Returns false if that HTTP/2 connection has no other stream than the one of the request that the caller has. */
    boolean mayHaveOtherStreams(InternalHttpUpgradeHandler connection) {
        return streams(connection) != 1;
    }

    /** Returns the connection that the processor has at present; null if it has none, or if unknown. */
    @Nullable SocketWrapperBase<?> connection(@Nullable Object processor) {
        return processor instanceof AbstractProcessor
                ? (SocketWrapperBase<?>) Members.get(socketWrapper, processor)
                : null;
    }

    /**
     * Returns true if the connection does not know the processor's stream any more: whatever happens to such a stream from then on, Tomcat
     * ignores it (StreamProcessor#process). Never becomes false again. False for other protocols than HTTP/2, or if unknown.
     */
    boolean isStreamDropped(@Nullable Object processor) {
        if (processor == null || !isStream(processor) || streamNumber == null || getStream == null) {
            return false;
        }
        Object own = Members.get(stream, processor);
        Object handler = Members.get(streamHandler, processor);
        Object number = own == null ? null : Members.call(streamNumber, own);
        return own != null && handler != null && number != null && own != Members.call(getStream, handler, number);
    }

    /** Returns true if a thread of the container is at work on the processor's stream. False for other protocols than HTTP/2. */
    boolean isStreamBusy(@Nullable Object processor) {
        return processor != null
                && isStream(processor)
                && !(Members.get(streamLock, processor) instanceof ReentrantLock lock && !lock.isLocked());
    }

    private boolean isStream(Object processor) {
        return streamProcessor != null && streamProcessor.isInstance(processor);
    }

    // ---------------------------------------------------------------- applications

    /** Marks an application as paused, or not, as its own reload does; Tomcat has no other way. {@code getPaused} tells whether it worked. */
    void pause(Context context, boolean pause) {
        if (context instanceof StandardContext) {
            Members.set(paused, context, pause);
        }
    }

    // ---------------------------------------------------------------- access logs

    /**
     * Lets a container look its access logs up again. It does so once, at the first request that it logs, and never again, whether a
     * valve comes or the container is started anew; what it has found stays in use until it has looked.
     *
     * @return false if it goes on with those that it knows
     */
    boolean lookAccessLogsUpAgain(Container container) {
        return container instanceof ContainerBase && Members.set(accessLogScanComplete, container, false);
    }

    // ---------------------------------------------------------------- log

    /** Returns true if the log is Tomcat's, and it can be kept open. */
    boolean canKeepLog() {
        return isUseShutdownHook != null && setUseShutdownHook != null && shutdown != null;
    }

    /** Returns true if that log is closed by a JVM hook of its own, as soon as the JVM shuts down. */
    boolean isLogClosedByHook() {
        return Boolean.TRUE.equals(Members.call(isUseShutdownHook, LogManager.getLogManager()));
    }

    /** Lets that hook close the log, or not. */
    void closeLogByHook(boolean close) {
        Members.call(setUseShutdownHook, LogManager.getLogManager(), close);
    }

    /** Closes that log now. */
    void closeLog() {
        Members.call(shutdown, LogManager.getLogManager());
    }

    /** Tomcat's log manager, which embedded Tomcat does not have and another may stand in for. */
    private static @Nullable Class<?> juli(Class<?> logManager) {
        for (Class<?> type = logManager; type != null; type = type.getSuperclass()) {
            if (type.getName().equals("org.apache.juli.ClassLoaderLogManager")) {
                return type;
            }
        }
        return null;
    }
}
