package io.tomcatdrain.overhead;

import io.tomcatdrain.TemporaryDirectories;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.AccessLog;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * What a valve does for a plain GET, without the server around it: one pooled request of Tomcat's passes it again and again, to a valve
 * that does nothing. Each time a request begins, which costs what {@code NO_VALVE} shows, is passed, and is logged where the valve is an
 * access log. The small young generation soon makes the pooled objects old, as they are in a server.
 */
@SuppressWarnings("NullAway.Init") // JMH calls take() first
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 8, jvmArgsAppend = "-Xmn16m")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class ValveBenchmark {
    private Request request;
    private Valve valve;
    private @Nullable AccessLog log;

    /** The one server of all threads, with a request for each of them. */
    @SuppressWarnings("NullAway.Init") // JMH calls start() first
    @State(Scope.Benchmark)
    public static class Server {
        @Param({"NO_VALVE", "DRAIN_VALVE", "STUCK_THREAD_DETECTION_VALVE", "ACCESS_LOG_VALVE"})
        private Subject subject = Subject.NO_VALVE;

        private final Queue<Request> requests = new ConcurrentLinkedQueue<>();
        private MeasuredServer server;
        private Valve valve;

        /** Starts it, and brings the requests to its valve. */
        @Setup
        public void start(BenchmarkParams benchmark) throws Exception {
            Logger.getLogger("").setLevel(Level.WARNING);
            server = new MeasuredServer(subject, "127.0.0.1", TemporaryDirectories.make("overhead"));
            for (int thread = 0; thread < benchmark.getThreads(); thread++) {
                requests.add(new InMemoryProcessor(server.adapter()).prepare(Exchange.PLAIN_GET, "203.0.113.7"));
            }
            valve = subject == Subject.NO_VALVE ? new Onwards() : server.firstValve();
            valve.setNext(new Nowhere());
        }

        @TearDown
        public void stop() throws Exception {
            server.close();
            TemporaryDirectories.delete();
        }
    }

    private static final class Nowhere extends ValveBase {
        Nowhere() {
            super(true);
        }

        @Override
        public void invoke(Request passed, Response response) {}
    }

    private static final class Onwards extends ValveBase {
        Onwards() {
            super(true);
        }

        @Override
        public void invoke(Request passed, Response response) throws IOException, ServletException {
            getNext().invoke(passed, response);
        }
    }

    /** Takes one of the server's requests. */
    @Setup
    public void take(Server measured) {
        request = measured.requests.remove();
        valve = measured.valve;
        log = valve instanceof AccessLog logs ? logs : null;
    }

    /** One request. */
    @Benchmark
    public void plainGet() throws Exception {
        request.getCoyoteRequest().markStartTime();
        valve.invoke(request, request.getResponse());
        if (log != null) {
            log.log(request, request.getResponse(), 1);
        }
    }
}
