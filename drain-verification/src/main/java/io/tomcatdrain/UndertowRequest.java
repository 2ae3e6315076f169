package io.tomcatdrain;

import io.undertow.server.ExchangeCompletionListener;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.GracefulShutdownHandler;
import io.undertow.util.HeaderMap;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * Passes Undertow's {@code GracefulShutdownHandler}. Included are the handler itself, an empty handler behind it, the registration of its
 * completion listener with a real exchange, and the call of that listener. Left out is everything else that an exchange costs from
 * its making to its end: one exchange is used again and again, by putting its number of listeners back.
 */
@State(Scope.Thread)
public class UndertowRequest {
    private static final VarHandle LISTENERS;
    private static final VarHandle COUNT;

    static {
        try {
            MethodHandles.Lookup inside =
                    MethodHandles.privateLookupIn(HttpServerExchange.class, MethodHandles.lookup());
            LISTENERS = inside.findVarHandle(
                    HttpServerExchange.class, "exchangeCompleteListeners", ExchangeCompletionListener[].class);
            COUNT = inside.findVarHandle(HttpServerExchange.class, "exchangeCompletionListenersCount", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** One for all threads. */
    private static final HttpHandler HANDLER = new GracefulShutdownHandler(exchange -> {});

    private final HttpServerExchange exchange = new HttpServerExchange(null, new HeaderMap(), new HeaderMap(), 0);
    private final ExchangeCompletionListener.NextListener nobody = () -> {};

    Object pass() throws Exception {
        HANDLER.handleRequest(exchange);
        ExchangeCompletionListener listener = ((ExchangeCompletionListener[]) LISTENERS.get(exchange))[0];
        COUNT.set(exchange, 0);
        listener.exchangeEvent(exchange, nobody);
        return listener;
    }
}
