package io.tomcatdrain;

import java.lang.reflect.Proxy;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.Callback;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * Passes Jetty's {@code GracefulHandler}. Included are the handler itself with its wrappers of request and callback, and a handler behind
 * it that completes the callback at once. Request and response are proxies that are never called.
 */
@State(Scope.Thread)
public class JettyRequest {
    /** One for all threads. */
    private static final Handler HANDLER = handler();

    private final Request request = nobodyCalls(Request.class);
    private final Response response = nobodyCalls(Response.class);

    private static Handler handler() {
        GracefulHandler graceful = new GracefulHandler(new Handler.Abstract.NonBlocking() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                callback.succeeded();
                return true;
            }
        });
        try {
            new Server().setHandler(graceful);
            graceful.start();
        } catch (Exception e) {
            throw new ExceptionInInitializerError(e);
        }
        return graceful;
    }

    private static <T> T nobodyCalls(Class<T> type) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    throw new UnsupportedOperationException(method.toString());
                }));
    }

    boolean pass() throws Exception {
        return HANDLER.handle(request, response, Callback.NOOP);
    }
}
