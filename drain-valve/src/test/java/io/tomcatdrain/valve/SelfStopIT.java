package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.valves.ValveBase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A request that waits for a stop, or for the drain, holds neither; the others that are in flight do. */
@Timeout(60)
class SelfStopIT {
    private static final int LENGTH = 1_000;

    /** Far below every limit of the drains here, and far above what a stop takes. */
    private static final long END_SECONDS = 20;

    @TempDir
    private Path directory;

    // ---------------------------------------------------------------- the process

    /** Each row: what asks the application to end the process. The upload beside it is waited for. */
    @ParameterizedTest
    @CsvSource({"GET", "POST"})
    void endsInSecondsWhereAnApplicationExits(String method) throws Exception {
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        LeavingServer.class.getName(),
                        directory.toString(),
                        "exits")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            int port = awaitPort(process, output);
            try (Socket upload = SmallServer.beginUpload(port, "/app/upload", LENGTH, 1);
                    Http11Client exits = new Http11Client(port)) {
                awaitStatus(port, "\"uploads\":1");
                exits.send(
                        method.equals("GET")
                                ? Http11Client.head("GET", "/app/exit")
                                : Http11Client.head(
                                                "POST",
                                                "/app/exit",
                                                "Content-Type: multipart/form-data",
                                                "Content-Length: 3")
                                        + "abc");
                awaitStatus(port, "\"state\":\"DRAINING\"");
                awaitStatus(port, "\"inFlight\":{\"uploads\":1,\"requests\":0");
                upload.getOutputStream().write(new byte[LENGTH - 1]);
                String answer = new String(upload.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
                assertThat(answer).isEqualTo("HTTP/1.1 200");
            }
            assertThat(process.waitFor(END_SECONDS, TimeUnit.SECONDS))
                    .as(Files.readString(output))
                    .isTrue();
            assertThat(process.exitValue()).isEqualTo(3);
        } finally {
            process.destroyForcibly();
        }
    }

    private static int awaitPort(Process process, Path output) throws IOException {
        Pattern line = Pattern.compile("port (\\d+)\n");
        await().atMost(END_SECONDS, TimeUnit.SECONDS)
                .until(() -> line.matcher(Files.readString(output)).find() || !process.isAlive());
        Matcher found = line.matcher(Files.readString(output));
        assertThat(found.find()).as(Files.readString(output)).isTrue();
        return Integer.parseInt(found.group(1));
    }

    private static void awaitStatus(int port, String part) {
        await().atMost(END_SECONDS, TimeUnit.SECONDS)
                .until(() -> Http11Client.get(port, "/drain", "Authorization: Bearer " + SmallServer.TOKEN)
                        .text()
                        .contains(part));
    }

    // ---------------------------------------------------------------- parts of the server, and the drain

    /** What a request of the application asks for and waits for. */
    enum Wish {
        /** The server drains; the rest of its stop is Tomcat's. */
        SERVER {
            @Override
            String of(TestServer server) {
                server.valve().drainBeforeStop("asked by a request");
                return "";
            }
        },
        ENGINE {
            @Override
            String of(TestServer server) throws Exception {
                server.tomcat().getEngine().stop();
                return "";
            }
        },
        OWN_APPLICATION {
            @Override
            String of(TestServer server) throws Exception {
                server.context().stop();
                return "";
            }
        },
        DRAIN {
            @Override
            String of(TestServer server) throws Exception {
                return server.drain()
                        .start("asked by a request")
                        .get()
                        .outcome()
                        .name();
            }
        },
        END_OF_DRAIN {
            @Override
            String of(TestServer server) throws Exception {
                var unused = server.drain().start("asked by a request");
                return server.drain().awaitDrained(Duration.ofMinutes(30)) ? "DRAINED" : "EXPIRED";
            }
        };

        abstract String of(TestServer server) throws Exception;
    }

    @ParameterizedTest
    @EnumSource
    void holdsNothing(Wish wish) throws Exception {
        for (boolean upload : new boolean[] {false, true}) {
            holdsNothing(wish, upload);
        }
    }

    private static void holdsNothing(Wish wish, boolean upload) throws Exception {
        AtomicReference<Object> end = new AtomicReference<>("none");
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("requestTimeout", "5m")
                .customize(made -> addWishes(made, wish, end))
                .start()) {
            Drain drain = server.drain();
            long before = System.nanoTime();
            Background<Answer> asks = Background.call(() -> Http11Client.exchange(
                    server.port(),
                    upload
                            ? Http11Client.head(
                                    "POST", "/app/wish", "Content-Type: " + App.MULTIPART, "Content-Length: 3")
                            : Http11Client.head("GET", "/app/wish"),
                    upload ? new byte[3] : new byte[0]));
            await().atMost(Duration.ofSeconds(END_SECONDS)).until(() -> end.get() != "none");
            assertThat(end.get()).isIn("", "DRAINED");
            assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(END_SECONDS));
            assertThat(drain.state()).isNotEqualTo(DrainState.EXPIRED);
            assertThat(drain.status().inFlight().requests()).isZero();
            assertThat(drain.status().inFlight().uploads()).isZero();
            asks.result();
        }
    }

    private static void addWishes(TestServer server, Wish wish, AtomicReference<Object> end) {
        ((StandardContext) server.context()).setUnloadDelay(20);
        server.context().addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                Tomcat.addServlet(server.context(), "wish", new Wishes(server, wish, end))
                        .addMapping("/wish");
            }
        });
    }

    private static final class Wishes extends HttpServlet {
        private static final long serialVersionUID = 1;
        private final transient TestServer server;
        private final Wish wish;
        private final transient AtomicReference<Object> end;

        Wishes(TestServer server, Wish wish, AtomicReference<Object> end) {
            this.server = server;
            this.wish = wish;
            this.end = end;
        }

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) {
            try {
                end.set(wish.of(server));
            } catch (Exception failed) {
                end.set(failed);
            }
        }
    }

    /** A caller with less patience than the drain has may have more to do afterwards. */
    @Test
    void aRequestThatWaitsForAMomentOnlyIsWaitedFor() throws Exception {
        AtomicReference<Object> end = new AtomicReference<>("none");
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .after(new LooksForTheEnd(end))
                        .start();
                Http11Client slow = new Http11Client(server.port())) {
            Drain drain = server.drain();
            slow.send(Http11Client.head("GET", "/app/slow", App.KEY + ": slow"));
            server.app().awaitEntered("slow");
            assertThat(end.get()).isEqualTo(false);
            assertThat(drain.status().inFlight().requests()).isEqualTo(1);
            server.app().release("slow");
            assertThat(slow.answer().status()).isEqualTo(200);
        }
    }

    private static final class LooksForTheEnd extends ValveBase {
        private final AtomicReference<Object> end;

        LooksForTheEnd(AtomicReference<Object> end) {
            super(true);
            this.end = end;
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            try {
                Drain drain = (Drain) request.getServletContext().getAttribute(Drain.ATTRIBUTE);
                var unused = drain.start("asked by a request");
                end.set(drain.awaitDrained(Duration.ofMillis(1)));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
            getNext().invoke(request, response);
        }
    }
}
