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
 * What Tomcat's processors know of a request and tell nobody: its connection, and over HTTP/2 whether Tomcat still has its stream.
 * Where a Tomcat lacks one of these fields and methods, every request is taken for one that lives. Thread-safe.
 */
final class ProcessorInternals {
    private static final Log LOG = LogFactory.getLog(ProcessorInternals.class);

    private static final ProcessorInternals INSTANCE = new ProcessorInternals();

    private final @Nullable Processors processors;
    private final @Nullable Streams streams;

    /** What every processor has. */
    private record Processors(Field hook, Field connection) {
        static Processors resolve() throws ReflectiveOperationException {
            return new Processors(field(Request.class, "hook"), field(AbstractProcessor.class, "socketWrapper"));
        }
    }

    /** What the processor of an HTTP/2 stream has besides. */
    private record Streams(Class<?> processor, Field stream, Field handler, Field lock, Method number, Method find) {
        static Streams resolve() throws ReflectiveOperationException {
            Class<?> processor = Class.forName(
                    "org.apache.coyote.http2.StreamProcessor", false, AbstractProcessor.class.getClassLoader());
            Class<?> any = Class.forName(
                    "org.apache.coyote.http2.AbstractStream", false, AbstractProcessor.class.getClassLoader());
            Field handler = field(processor, "handler");
            return new Streams(
                    processor,
                    field(processor, "stream"),
                    handler,
                    field(processor, "processLock"),
                    method(any, "getIdAsInt"),
                    method(handler.getType(), "getStream", int.class));
        }
    }

    @FunctionalInterface
    private interface Resolved<T> {
        T of() throws ReflectiveOperationException;
    }

    private ProcessorInternals() {
        processors = resolve(Processors::resolve, "a request whose connection is gone");
        streams = resolve(Streams::resolve, "an HTTP/2 stream that this Tomcat drops for a broken frame");
    }

    static ProcessorInternals get() {
        return INSTANCE;
    }

    private static <T> @Nullable T resolve(Resolved<T> handles, String what) {
        try {
            return handles.of();
        } catch (ReflectiveOperationException | RuntimeException | LinkageError unknownTomcat) {
            LOG.warn(what + " may hold a drain until its limits: " + unknownTomcat);
            return null;
        }
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

    /** Returns the processor that the request has at present; null if unknown. */
    @Nullable Object processor(Request request) {
        try {
            return processors == null ? null : processors.hook.get(request);
        } catch (ReflectiveOperationException closed) {
            return null;
        }
    }

    /** Returns the connection that the processor has at present; null if it has none, or if unknown. */
    @Nullable SocketWrapperBase<?> connection(@Nullable Object processor) {
        try {
            return processors == null || !(processor instanceof AbstractProcessor)
                    ? null
                    : (SocketWrapperBase<?>) processors.connection.get(processor);
        } catch (ReflectiveOperationException closed) {
            return null;
        }
    }

    /**
     * Returns true if the connection does not know the processor's stream any more: whatever happens to such a stream from then on, Tomcat
     * ignores it (StreamProcessor#process). Never becomes false again. False for other protocols than HTTP/2, or if unknown.
     */
    boolean isStreamDropped(@Nullable Object processor) {
        if (streams == null || !streams.processor.isInstance(processor)) {
            return false;
        }
        try {
            Object own = streams.stream.get(processor);
            return own != streams.find.invoke(streams.handler.get(processor), streams.number.invoke(own));
        } catch (ReflectiveOperationException unknown) {
            return false;
        }
    }

    /** Returns true if a thread of the container is at work on the processor's stream. False for other protocols than HTTP/2. */
    boolean isStreamBusy(@Nullable Object processor) {
        if (streams == null || !streams.processor.isInstance(processor)) {
            return false;
        }
        try {
            return !(streams.lock.get(processor) instanceof ReentrantLock lock) || lock.isLocked();
        } catch (ReflectiveOperationException unknown) {
            return true;
        }
    }
}
