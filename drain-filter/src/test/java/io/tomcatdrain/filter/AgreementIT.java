package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainStatus.Totals;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.valve.DrainValve;
import jakarta.servlet.MultipartConfigElement;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whoever reads the body of an upload, the application or the container for it, the filter judges it as the valve does. */
class AgreementIT {
    private static final String STEPS = "X-Steps";

    /** What applications do to a body, one after the other. */
    private static final List<String> TAKINGS = List.of(
            "nothing",
            "open",
            "some",
            "stream",
            "stream more",
            "stream parameter",
            "stream parameters",
            "reader",
            "reader parameter",
            "parameter",
            "names",
            "values",
            "parameters",
            "parameter open",
            "parameter stream",
            "parameter stream more",
            "names stream",
            "values stream",
            "parameters stream",
            "parameter reader",
            "parts",
            "part",
            "parts open",
            "parts stream more",
            "part stream",
            "parameter parts",
            "parameter parts stream");

    private static final Predicate<String> READS_STREAM = taking -> taking.contains("stream");
    private static final Predicate<String> READS_PARTS =
            Pattern.compile("\\bparts?\\b").asPredicate();
    private static final Predicate<String> ASKS_FOR_PARAMETERS_FIRST =
            Pattern.compile("^(parameter|names|values)").asPredicate();

    enum Kind {
        FORM("POST", "application/x-www-form-urlencoded"),
        /** Whose parameters Tomcat leaves in its body. */
        PUT_FORM("PUT", "application/x-www-form-urlencoded"),
        MULTIPART("POST", App.MULTIPART),
        BYTES("POST", "application/octet-stream");

        private final String method;
        private final String type;

        Kind(String method, String type) {
            this.method = method;
            this.type = type;
        }

        private byte[] body() {
            return this == MULTIPART
                    ? App.multipart(3_000)
                    : ("a=" + "x".repeat(3_000)).getBytes(StandardCharsets.US_ASCII);
        }

        private List<String> takings() {
            return TAKINGS.stream().filter(this::allows).toList();
        }

        private boolean allows(String taking) {
            return this == MULTIPART
                    ? !taking.equals("parameter reader") // Tomcat has no reader for what it has read itself
                    : !READS_PARTS.test(taking);
        }

        private boolean isReadToItsEnd(String taking) {
            return isKnownToBeWhole(taking)
                    || taking.contains("reader")
                    || (this == MULTIPART && ASKS_FOR_PARAMETERS_FIRST.test(taking));
        }

        /** Returns true if the filter knows that it has all bytes of a body whose length was announced. */
        private boolean isKnownToBeWhole(String taking) {
            return READS_STREAM.test(taking)
                    || READS_PARTS.test(taking)
                    || (this == FORM && ASKS_FOR_PARAMETERS_FIRST.test(taking));
        }
    }

    /** How the body comes. */
    private enum Way {
        WITH_LENGTH,
        CHUNKED,
        HTTP2,
        /** Its client leaves in the middle. */
        BROKEN_OFF;

        private boolean isWholeAndAnnounced() {
            return this == WITH_LENGTH || this == HTTP2;
        }

        /** Sends one upload; returns the status of its answer, or 0 if its client does not wait for one. */
        private int send(int port, Kind kind, String taking) throws IOException {
            byte[] body = kind.body();
            if (this == HTTP2) {
                try (Http2Client client = new Http2Client(port)) {
                    int stream = client.request(
                            kind.method,
                            "/app/take",
                            false,
                            "content-type",
                            kind.type,
                            "content-length",
                            String.valueOf(body.length),
                            STEPS.toLowerCase(java.util.Locale.ROOT),
                            taking);
                    client.data(stream, body, true);
                    return client.answer(stream).status();
                }
            }
            try (Http11Client client = new Http11Client(port)) {
                client.send(Http11Client.head(
                        kind.method,
                        "/app/take",
                        "Content-Type: " + kind.type,
                        this == CHUNKED ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length,
                        STEPS + ": " + taking));
                switch (this) {
                    case CHUNKED -> client.chunk(body).chunk(new byte[0]);
                    case BROKEN_OFF -> {
                        client.send(body, 0, body.length / 2);
                        return 0;
                    }
                    default -> client.send(body);
                }
                return client.answer().status();
            }
        }
    }

    /** Takes the body of a request in the steps that the request asks for. */
    private static final class Taker extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response)
                throws IOException, ServletException {
            for (String step : request.getHeader(STEPS).split(" ")) {
                take(request, step);
            }
            response.getWriter().print("taken");
        }

        private static void take(HttpServletRequest request, String step) throws IOException, ServletException {
            switch (step) {
                case "open" -> request.getInputStream();
                case "some" -> request.getInputStream().readNBytes(100);
                case "stream" -> request.getInputStream().readAllBytes();
                case "more" -> request.getInputStream().read();
                case "reader" -> request.getReader().transferTo(Writer.nullWriter());
                case "parameter" -> request.getParameter("a");
                case "names" -> request.getParameterNames();
                case "values" -> request.getParameterValues("a");
                case "parameters" -> request.getParameterMap();
                case "parts" -> request.getParts();
                case "part" -> request.getPart("file");
                default -> {
                    // the body stays unread
                }
            }
        }
    }

    private static EmbeddedTomcat withFilter;
    private static EmbeddedTomcat withValve;

    @BeforeAll
    static void start() throws Exception {
        withFilter = FilterServer.with(Map.of("drain.uploadSize", "1KB"))
                .customize(server -> install(server.context()))
                .start();
        DrainValve valve = new DrainValve();
        valve.setLameDuck("off");
        valve.setUploadSize("1KB");
        withValve = EmbeddedTomcat.plain()
                .after(valve)
                .customize(server -> install(server.context()))
                .start();
    }

    private static void install(Context context) {
        context.addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                Wrapper taker = Tomcat.addServlet(context, "taker", new Taker());
                taker.setMultipartConfigElement(new MultipartConfigElement((String) null));
                taker.addMapping("/take");
            }
        });
    }

    @AfterAll
    static void stop() {
        withFilter.close();
        withValve.close();
    }

    /** What is said of one upload. */
    private record Judgement(int status, long completed, long failed, long bytes) {
        private Judgement withoutBytes() {
            return new Judgement(status, completed, failed, 0);
        }
    }

    private static Judgement judge(EmbeddedTomcat server, Kind kind, Way way, String taking) throws IOException {
        Drain drain = FilterServer.drain(server.context());
        Totals before = drain.summary().totals();
        int status = way.send(server.port(), kind, taking);
        await().pollInterval(Duration.ofMillis(2))
                .until(() -> ended(drain.summary().totals()) > ended(before));
        Totals after = drain.summary().totals();
        return new Judgement(
                status,
                after.uploadsCompleted() - before.uploadsCompleted(),
                after.uploadsFailed() - before.uploadsFailed(),
                after.uploadBytes() - before.uploadBytes());
    }

    private static long ended(Totals totals) {
        return totals.uploadsCompleted() + totals.uploadsFailed();
    }

    /** The bytes as well, where the filter can know them; it never shows more. */
    @ParameterizedTest
    @EnumSource
    void theFilterSaysOfEveryUploadWhatTheValveSays(Kind kind) throws Exception {
        List<String> apart = new ArrayList<>();
        for (Way way : Way.values()) {
            for (String taking : kind.takings()) {
                if (!kind.isReadToItsEnd(taking) && (way == Way.HTTP2 || way == Way.BROKEN_OFF)) {
                    continue; // whether the answer or the client's leaving comes first is luck
                }
                Judgement filter = judge(withFilter, kind, way, taking);
                Judgement valve = judge(withValve, kind, way, taking);
                boolean bytesAgree = way.isWholeAndAnnounced() && kind.isKnownToBeWhole(taking)
                        ? filter.bytes == valve.bytes
                        : filter.bytes <= valve.bytes;
                if (!bytesAgree || !filter.withoutBytes().equals(valve.withoutBytes())) {
                    apart.add(way + ", " + taking + ": filter " + filter + ", valve " + valve);
                }
            }
        }
        assertThat(apart).isEmpty();
    }
}
