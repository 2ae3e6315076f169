package io.tomcatdrain.valve;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.LogManager;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.core.ContainerBase;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.util.ServerInfo;
import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ActionHook;
import org.apache.coyote.ErrorState;
import org.apache.coyote.ProtocolHandler;
import org.apache.coyote.Response;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.AbstractEndpoint;
import org.apache.tomcat.util.net.Acceptor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.threads.LimitLatch;
import org.jspecify.annotations.Nullable;

/**
 * Every private member of Tomcat that the valve uses, and every one that not all supported Tomcats have: each is resolved once, by name
 * and type. What a Tomcat lacks costs one warning, and the valve does without; docs/design.md has the table. Thread-safe.
 */
final class TomcatInternals {
    private static final Log LOG = LogFactory.getLog(TomcatInternals.class);

    private static final String NO_CLOSE =
            "listeners are left to Tomcat's own means, and where those cannot close one, a drain refuses new requests";

    private static final String NO_END_OF_CONNECTION =
            "a connection whose request is under way when a drain begins stays open for one more request";

    private static final String NO_LAST_LINES =
            "the last lines of a stop may not reach the log if SIGTERM follows a stop";

    private static final String NO_WAIT =
            "an application reloads without waiting for its uploads, which would keep a thread for every request to it";

    private static final String NO_LOG =
            "a valve that is added to a container that has run may notice the end of a response early";

    private static final TomcatInternals INSTANCE =
            new TomcatInternals(LogManager.getLogManager().getClass());

    private final List<String> missing = new ArrayList<>();
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
    private final @Nullable Field accessLogScanComplete;
    private final @Nullable Method isUseShutdownHook;
    private final @Nullable Method setUseShutdownHook;
    private final @Nullable Method shutdown;

    /** Resolves all of them, those of the log manager in that class. */
    TomcatInternals(Class<?> logManager) {
        hook = field(Response.class, "hook", ActionHook.class, NO_END_OF_CONNECTION);
        errorState = field(AbstractProcessor.class, "errorState", ErrorState.class, NO_END_OF_CONNECTION + " over AJP");

        getEndpoint = method(AbstractProtocol.class, List.of("getEndpoint"), NO_CLOSE);
        serverSock = field(NioEndpoint.class, "serverSock", ServerSocketChannel.class, NO_CLOSE);
        bindState = field(AbstractEndpoint.class, "bindState", Enum.class, NO_CLOSE);
        socketClosedOnStop = bindState == null ? null : constant(bindState.getType(), "SOCKET_CLOSED_ON_STOP");
        acceptor = field(AbstractEndpoint.class, "acceptor", Acceptor.class, NO_CLOSE);
        // Only 10.1.24 and later have the first, only 10.1 has the second.
        endAcceptor = method(Acceptor.class, List.of("stopMillis", "stop"), NO_CLOSE, int.class);
        connectionLimitLatch = field(
                AbstractEndpoint.class,
                "connectionLimitLatch",
                LimitLatch.class,
                "where maxConnections is reached a listener closes when connections end");

        paused = field(StandardContext.class, "paused", boolean.class, NO_WAIT);

        accessLogScanComplete = field(ContainerBase.class, "accessLogScanComplete", boolean.class, NO_LOG);

        Class<?> juli = juli(logManager);
        isUseShutdownHook = juli == null ? null : method(juli, List.of("isUseShutdownHook"), NO_LAST_LINES);
        setUseShutdownHook =
                juli == null ? null : method(juli, List.of("setUseShutdownHook"), NO_LAST_LINES, boolean.class);
        shutdown = juli == null ? null : method(juli, List.of("shutdown"), NO_LAST_LINES);
    }

    /** Returns the one instance, which has said what it lacks. */
    static TomcatInternals get() {
        return INSTANCE;
    }

    /** Returns the names of what this Tomcat lacks. */
    List<String> missing() {
        return List.copyOf(missing);
    }

    // ---------------------------------------------------------------- resolving

    private @Nullable Field field(Class<?> owner, String name, Class<?> type, String without) {
        try {
            Field field = owner.getDeclaredField(name);
            if (type == Enum.class ? field.getType().isEnum() : field.getType() == type) {
                field.setAccessible(true);
                return field;
            }
            warn(owner, name, "is a [" + field.getType().getName() + "]", without);
        } catch (ReflectiveOperationException | RuntimeException | LinkageError missing) {
            warn(owner, name, "cannot be had: " + missing, without);
        }
        return null;
    }

    /** Finds the first of these names. */
    private @Nullable Method method(Class<?> owner, List<String> names, String without, Class<?>... parameters) {
        Object why = "";
        for (String name : names) {
            try {
                Method method = owner.getDeclaredMethod(name, parameters);
                method.setAccessible(true);
                return method;
            } catch (ReflectiveOperationException | RuntimeException | LinkageError missing) {
                why = missing;
            }
        }
        warn(owner, String.join(" or ", names), "cannot be had: " + why, without);
        return null;
    }

    private @Nullable Object constant(Class<?> type, String name) {
        for (Object constant : type.getEnumConstants()) {
            if (constant.toString().equals(name)) {
                return constant;
            }
        }
        warn(type, name, "cannot be had", NO_CLOSE);
        return null;
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

    private void warn(Class<?> owner, String name, String what, String without) {
        missing.add(owner.getSimpleName() + "." + name);
        LOG.warn(owner.getSimpleName() + "." + name + " of this Tomcat [" + ServerInfo.getServerNumber() + "] " + what
                + "; " + without);
    }

    private static @Nullable Object get(@Nullable Field field, Object owner) {
        try {
            return field == null ? null : field.get(owner);
        } catch (IllegalAccessException closed) {
            throw new IllegalStateException(closed); // it was made accessible
        }
    }

    private static boolean set(@Nullable Field field, Object owner, Object value) {
        try {
            if (field == null) {
                return false;
            }
            field.set(owner, value);
            return true;
        } catch (IllegalAccessException closed) {
            throw new IllegalStateException(closed);
        }
    }

    private static @Nullable Object call(@Nullable Method method, Object owner, Object... arguments) {
        try {
            return method == null ? null : method.invoke(owner, arguments);
        } catch (IllegalAccessException closed) {
            throw new IllegalStateException(closed);
        } catch (InvocationTargetException thrown) {
            LOG.debug(method, thrown);
            return null;
        }
    }

    // ---------------------------------------------------------------- answers

    /** Returns who acts for the response; null if unknown. */
    @Nullable ActionHook hook(Response response) {
        return (ActionHook) get(hook, response);
    }

    /** Lets another act for the response. Does nothing where {@link #hook} knows nobody. */
    void hook(Response response, ActionHook other) {
        set(hook, response, other);
    }

    /** Changes the state in which a processor finishes its answer; returns false if it is in another than expected, or unknown. */
    boolean exchangeErrorState(ActionHook processor, ErrorState expected, ErrorState next) {
        return get(errorState, processor) == expected && set(errorState, processor, next);
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
        return handler instanceof AbstractProtocol<?> ? (AbstractEndpoint<?, ?>) call(getEndpoint, handler) : null;
    }

    /** Returns the listening socket; null if it does not listen. */
    @Nullable ServerSocketChannel serverSocket(NioEndpoint endpoint) {
        return (ServerSocketChannel) get(serverSock, endpoint);
    }

    /** Puts another listening socket in the place of the endpoint's, to be used from the acceptor's next accept on. */
    void serverSocket(NioEndpoint endpoint, ServerSocketChannel other) {
        set(serverSock, endpoint, other);
    }

    /**
     * Tells the endpoint what its own closeServerSocketGraceful would: without it a later start would not listen again. Connections end
     * with their next answer from then on.
     */
    void noteSocketClosed(AbstractEndpoint<?, ?> endpoint) {
        if (socketClosedOnStop != null) {
            set(bindState, endpoint, socketClosedOnStop);
        }
    }

    /** Returns who accepts for the endpoint; null if it was not started. */
    @Nullable Acceptor<?> acceptor(AbstractEndpoint<?, ?> endpoint) {
        return (Acceptor<?>) get(acceptor, endpoint);
    }

    /** Lets the acceptor end after the connection that it takes next, which it drops. Does not wait for that. */
    void end(Acceptor<?> ending) {
        call(endAcceptor, ending, -1);
    }

    /**
     * Lets the acceptor take as many connections beyond {@code maxConnections}, at once if it waits for a place.
     *
     * @return false if it does not wait, or if that cannot be known
     */
    boolean makeRoom(AbstractEndpoint<?, ?> endpoint, int places) {
        LimitLatch latch = (LimitLatch) get(connectionLimitLatch, endpoint);
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

    // ---------------------------------------------------------------- applications

    /** Marks an application as paused, or not, as its own reload does; Tomcat has no other way. {@code getPaused} tells whether it worked. */
    void pause(Context context, boolean pause) {
        if (context instanceof StandardContext) {
            set(paused, context, pause);
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
        return container instanceof ContainerBase && set(accessLogScanComplete, container, false);
    }

    // ---------------------------------------------------------------- log

    /** Returns true if the log is Tomcat's, and it can be kept open. */
    boolean canKeepLog() {
        return isUseShutdownHook != null && setUseShutdownHook != null && shutdown != null;
    }

    /** Returns true if that log is closed by a JVM hook of its own, as soon as the JVM shuts down. */
    boolean isLogClosedByHook() {
        return Boolean.TRUE.equals(call(isUseShutdownHook, LogManager.getLogManager()));
    }

    /** Lets that hook close the log, or not. */
    void closeLogByHook(boolean close) {
        call(setUseShutdownHook, LogManager.getLogManager(), close);
    }

    /** Closes that log now. */
    void closeLog() {
        call(shutdown, LogManager.getLogManager());
    }
}
