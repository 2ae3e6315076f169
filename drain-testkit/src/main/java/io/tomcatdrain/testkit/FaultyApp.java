package io.tomcatdrain.testkit;

import static org.awaitility.Awaitility.await;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestEvent;
import jakarta.servlet.ServletRequestListener;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.ErrorPage;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

/** An application that throws, wherever code of an application runs and whatever a request asks for. */
public final class FaultyApp {
    private static final String PATH = "/fault";
    private static final int BODY_BYTES = 20_000;

    /** Where it throws. */
    public enum Place {
        FILTER_BEFORE,
        FILTER_BEHIND,
        REQUEST_INITIALIZED,
        REQUEST_DESTROYED,
        SERVICE,
        IN_THE_BODY,
        AFTER_COMMIT,
        ERROR_PAGE,
        ASYNC_DISPATCH,
        ASYNC_RUNNABLE,
        ASYNC_STARTED,
        ASYNC_NEVER_COMPLETED,
        ASYNC_COMPLETED_TWICE,
        ON_TIMEOUT,
        ON_COMPLETE,
        ON_ERROR,
        ON_START_ASYNC,
        ON_DATA_AVAILABLE,
        ON_ALL_DATA_READ,
        ON_READ_ERROR,
        ON_WRITE_POSSIBLE;

        boolean isUpload() {
            return this == IN_THE_BODY || name().contains("DATA") || this == ON_READ_ERROR;
        }
    }

    private static final Map<String, Supplier<Throwable>> KINDS = new TreeMap<>(Map.of(
            "runtime", () -> new IllegalStateException("on purpose"),
            "io", () -> new IOException("on purpose"),
            "servlet", () -> new ServletException("on purpose"),
            "linkage", () -> new NoClassDefFoundError("on purpose"),
            "memory", () -> new OutOfMemoryError("on purpose"),
            "heap", FaultyApp::realOutOfMemory,
            "stack", () -> new StackOverflowError("on purpose")));

    /** How many requests have come to an application, so that no row is over before it has begun. */
    private static final AtomicInteger BEGUN = new AtomicInteger();

    private FaultyApp() {}

    /** One request that meets a fault. */
    public record Row(Place place, String kind) {
        /** Plays it; whatever the client sees is right, since nobody has answered. */
        public void play(EmbeddedTomcat server) throws IOException {
            byte[] body = place.isUpload() ? App.multipart(BODY_BYTES) : new byte[0];
            String target = "/app" + PATH + "?" + place + "=" + kind;
            String head = place.isUpload()
                    ? Http11Client.head(
                            "POST", target, "Content-Type: " + App.MULTIPART, "Content-Length: " + body.length)
                    : Http11Client.head("GET", target);
            try (var client = new Http11Client(server.port())) {
                client.socket().setSoTimeout(50); // where the VM's own faults end a thread Tomcat answers nothing
                int before = BEGUN.get();
                client.send(head).send(body, 0, body.length / 2);
                client.send(body, body.length / 2, body.length - body.length / 2);
                await().pollInterval(Duration.ofMillis(1)).until(() -> BEGUN.get() > before || client.hasInput());
                client.answer();
            } catch (IOException cut) {
                // as well
            }
        }

        @Override
        public String toString() {
            return place + " " + kind;
        }
    }

    /** Returns each place with each kind of fault that can be thrown there. */
    public static List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (Place place : Place.values()) {
            if (place == Place.ASYNC_NEVER_COMPLETED || place == Place.ASYNC_COMPLETED_TWICE) {
                rows.add(new Row(place, "runtime"));
                continue;
            }
            for (String kind : KINDS.keySet()) {
                if (kinds(place).contains(kind)) {
                    rows.add(new Row(place, kind));
                }
            }
        }
        return rows;
    }

    /** Those that Tomcat tells apart there; where it looks for what has timed out once a second only, one of them. */
    private static Collection<String> kinds(Place place) {
        return switch (place) {
            case SERVICE -> KINDS.keySet();
            case ON_TIMEOUT -> List.of("linkage");
            case ASYNC_RUNNABLE -> List.of("memory");
            default -> List.of("runtime", "linkage", "memory");
        };
    }

    /** Adds it to an application before that starts. */
    public static void install(Context context) {
        context.addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                Wrapper servlet = Tomcat.addServlet(context, "faulty", new Faulty());
                servlet.setAsyncSupported(true);
                servlet.addMapping(PATH);
                FilterDef filter = new FilterDef();
                filter.setFilterName("faulty");
                filter.setFilter(new FaultyFilter());
                filter.setAsyncSupported("true");
                context.addFilterDef(filter);
                FilterMap map = new FilterMap();
                map.setFilterName("faulty");
                map.addURLPattern(PATH);
                context.addFilterMap(map);
                ErrorPage page = new ErrorPage();
                page.setErrorCode(418);
                page.setLocation(PATH);
                context.addErrorPage(page);
            }
            if (Lifecycle.AFTER_START_EVENT.equals(event.getType())) {
                Object[] before = context.getApplicationEventListeners();
                Object[] all = java.util.Arrays.copyOf(before, before.length + 1);
                all[before.length] = new FaultyRequestListener();
                context.setApplicationEventListeners(all);
            }
        });
    }

    /** What the VM throws itself, at the cost of nothing: an array that is longer than any may be. */
    private static Throwable realOutOfMemory() {
        try {
            return new IllegalStateException("there is memory for " + new long[Integer.MAX_VALUE].length);
        } catch (OutOfMemoryError real) {
            return real;
        }
    }

    private static boolean asksFor(ServletRequest request, Place place) {
        String query = ((HttpServletRequest) request).getQueryString();
        return query != null && query.startsWith(place + "=");
    }

    private static void throwIf(ServletRequest request, Place place) {
        if (asksFor(request, place)) {
            throwFor(request);
        }
    }

    private static void throwFor(ServletRequest request) {
        String query = String.valueOf(((HttpServletRequest) request).getQueryString());
        throwAsItIs(KINDS.get(query.substring(query.indexOf('=') + 1)).get());
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T extends Throwable> void throwAsItIs(Throwable fault) throws T {
        throw (T) fault;
    }

    private static final class FaultyRequestListener implements ServletRequestListener {
        @Override
        public void requestInitialized(ServletRequestEvent event) {
            BEGUN.incrementAndGet();
            throwIf(event.getServletRequest(), Place.REQUEST_INITIALIZED);
        }

        @Override
        public void requestDestroyed(ServletRequestEvent event) {
            throwIf(event.getServletRequest(), Place.REQUEST_DESTROYED);
        }
    }

    private static final class FaultyFilter implements Filter {
        @Override
        public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            throwIf(request, Place.FILTER_BEFORE);
            chain.doFilter(request, response);
            throwIf(request, Place.FILTER_BEHIND);
        }
    }

    private static final class Faulty extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response)
                throws ServletException, IOException {
            Place place = Place.valueOf(request.getQueryString().replaceAll("=.*", ""));
            switch (place) {
                case SERVICE -> throwFor(request);
                case IN_THE_BODY -> {
                    request.getInputStream().readNBytes(BODY_BYTES / 4);
                    throwFor(request);
                }
                case AFTER_COMMIT -> {
                    response.getOutputStream().print("begun");
                    response.flushBuffer();
                    throwFor(request);
                }
                case ERROR_PAGE -> {
                    switch (request.getDispatcherType()) {
                        case ERROR -> throwFor(request);
                        default -> response.sendError(418);
                    }
                }
                case FILTER_BEFORE, FILTER_BEHIND, REQUEST_INITIALIZED, REQUEST_DESTROYED ->
                    response.getOutputStream().print("well");
                default -> async(place, request, response);
            }
        }

        private static void async(Place place, HttpServletRequest request, HttpServletResponse response)
                throws IOException {
            if (request.getDispatcherType() == jakarta.servlet.DispatcherType.ASYNC) {
                switch (place) {
                    case ON_START_ASYNC -> request.startAsync().complete();
                    default -> throwFor(request);
                }
                return;
            }
            AsyncContext async = request.startAsync();
            async.setTimeout(20);
            async.addListener(new FaultyAsyncListener());
            switch (place) {
                case ASYNC_DISPATCH, ON_START_ASYNC -> async.dispatch();
                case ASYNC_RUNNABLE -> async.start(() -> throwFor(request));
                case ASYNC_STARTED -> throwFor(request);
                case ASYNC_COMPLETED_TWICE -> {
                    async.complete();
                    async.complete();
                }
                case ON_COMPLETE -> async.complete();
                case ON_ERROR -> throw new IllegalStateException("on purpose");
                case ON_DATA_AVAILABLE, ON_ALL_DATA_READ, ON_READ_ERROR ->
                    request.getInputStream().setReadListener(new FaultyReader(place, request));
                case ON_WRITE_POSSIBLE -> {
                    ServletOutputStream out = response.getOutputStream();
                    out.setWriteListener(new WriteListener() {
                        @Override
                        public void onWritePossible() {
                            throwFor(request);
                        }

                        @Override
                        public void onError(Throwable fault) {
                            throwFor(request);
                        }
                    });
                }
                default -> {} // nobody ever completes it
            }
        }
    }

    private static final class FaultyReader implements ReadListener {
        private final Place place;
        private final HttpServletRequest request;
        private final ServletInputStream in;

        FaultyReader(Place place, HttpServletRequest request) throws IOException {
            this.place = place;
            this.request = request;
            this.in = request.getInputStream();
        }

        @Override
        public void onDataAvailable() throws IOException {
            if (place == Place.ON_DATA_AVAILABLE) {
                throwFor(request);
            } else if (place == Place.ON_READ_ERROR) {
                throw new IllegalStateException("on purpose");
            }
            byte[] buffer = new byte[4_096];
            while (in.isReady() && !in.isFinished()) {
                in.read(buffer);
            }
        }

        @Override
        public void onAllDataRead() {
            throwIf(request, Place.ON_ALL_DATA_READ);
        }

        @Override
        public void onError(Throwable fault) {
            throwFor(request);
        }
    }

    private static final class FaultyAsyncListener implements AsyncListener {
        @Override
        public void onComplete(AsyncEvent event) {
            throwIf(event.getSuppliedRequest() == null ? asked(event) : event.getSuppliedRequest(), Place.ON_COMPLETE);
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            throwIf(asked(event), Place.ON_TIMEOUT);
        }

        @Override
        public void onError(AsyncEvent event) {
            throwIf(asked(event), Place.ON_ERROR);
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            throwIf(asked(event), Place.ON_START_ASYNC);
        }

        private static ServletRequest asked(AsyncEvent event) {
            return event.getAsyncContext().getRequest();
        }
    }
}
