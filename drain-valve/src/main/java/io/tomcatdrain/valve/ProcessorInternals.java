package io.tomcatdrain.valve;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.Request;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * What Tomcat's processors know of their request and tell nobody: its connection, and over HTTP/2 whether Tomcat still has its stream.
 * Without a field or method of these names the answers are those of a request that lives. Thread-safe.
 */
final class ProcessorInternals {
    private static final Log LOG = LogFactory.getLog(ProcessorInternals.class);

    private static final ProcessorInternals INSTANCE = new ProcessorInternals();

    private @Nullable Field hook;
    private @Nullable Field socketWrapper;
    private @Nullable Class<?> streamProcessor;
    private @Nullable Field stream;
    private @Nullable Field handler;
    private @Nullable Field processLock;
    private @Nullable Method streamId;
    private @Nullable Method streamOf;

    private ProcessorInternals() {
        try {
            hook = field(Request.class, "hook");
            socketWrapper = field(AbstractProcessor.class, "socketWrapper");
            Class<?> type = Class.forName(
                    "org.apache.coyote.http2.StreamProcessor", false, AbstractProcessor.class.getClassLoader());
            stream = field(type, "stream");
            handler = field(type, "handler");
            processLock = field(type, "processLock");
            streamId = method(stream.getType().getSuperclass().getSuperclass(), "getIdAsInt");
            streamOf = method(handler.getType(), "getStream", int.class);
            streamProcessor = type;
        } catch (ReflectiveOperationException | RuntimeException | LinkageError unknownTomcat) {
            LOG.warn("An HTTP/2 stream that Tomcat drops without a word holds a drain until its limit: " + unknownTomcat);
        }
    }

    static ProcessorInternals get() {
        return INSTANCE;
    }

    private static Field field(Class<?> owner, String name) throws NoSuchFieldException {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    private static Method method(Class<?> owner, String name, Class<?>... parameters) throws NoSuchMethodException {
        Method method = owner.getDeclaredMethod(name, parameters);
        method.setAccessible(true);
        return method;
    }

    /** Returns who processes the request now; null if unknown. Must be called on the request's own thread. */
    @Nullable Object processor(Request request) {
        try {
            return hook == null ? null : hook.get(request);
        } catch (ReflectiveOperationException closed) {
            return null;
        }
    }

    /** Returns the connection that the processor has now; null if unknown, or if it has none any more. */
    @Nullable SocketWrapperBase<?> connection(@Nullable Object processor) {
        try {
            return socketWrapper == null || !(processor instanceof AbstractProcessor)
                    ? null
                    : (SocketWrapperBase<?>) socketWrapper.get(processor);
        } catch (ReflectiveOperationException closed) {
            return null;
        }
    }

    /**
     * Returns true if the processor's stream is no longer the one that its connection knows by that number: Tomcat ignores whatever happens
     * to such a stream from then on (StreamProcessor#process). Never changes back. False for other protocols than HTTP/2, or if unknown.
     */
    boolean isStreamDropped(@Nullable Object processor) {
        if (streamProcessor == null || !streamProcessor.isInstance(processor)) {
            return false;
        }
        try {
            Object own = stream.get(processor);
            return own != streamOf.invoke(handler.get(processor), streamId.invoke(own));
        } catch (ReflectiveOperationException unknown) {
            return false;
        }
    }

    /** Returns true if a thread of the container is processing the stream at this moment. False for other protocols than HTTP/2. */
    boolean isStreamBusy(@Nullable Object processor) {
        if (streamProcessor == null || !streamProcessor.isInstance(processor)) {
            return false;
        }
        try {
            return !(processLock.get(processor) instanceof ReentrantLock lock) || lock.isLocked();
        } catch (ReflectiveOperationException unknown) {
            return true;
        }
    }
}
