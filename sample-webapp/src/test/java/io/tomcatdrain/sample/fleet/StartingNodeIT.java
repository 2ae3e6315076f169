package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.parallel.ExecutionMode.SAME_THREAD;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Node;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.UploadForm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** While a node starts, its front end serves everybody by the other one: nobody waits for an application that is not there yet. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@Execution(SAME_THREAD)
final class StartingNodeIT {
    private static final Duration CONTINUE_LIMIT = Duration.ofSeconds(1);
    private static final int START_MILLIS = 180_000;
    private static final int ROUNDS = 6;
    private static final Random RANDOM = new Random(1);

    private static final Map<Integer, Pair> PAIRS = new TreeMap<>();

    /** A page that is made at the start of its application, and is not made before the connection to the test has ended. */
    private static final String SLOW_PAGE = """
            <%%! public void jspInit() {
                try (var held = new java.net.Socket(java.net.InetAddress.getLoopbackAddress(), %d)) {
                    held.getInputStream().read();
                } catch (java.io.IOException released) {
                    log("released: " + released);
                }
            } %%>
            """;

    private static final String WEB_XML = """
            <web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
              <servlet>
                <servlet-name>slow</servlet-name>
                <jsp-file>/slow.jsp</jsp-file>
                <load-on-startup>1</load-on-startup>
              </servlet>
            </web-app>
            """;

    /** Two nodes of a line: one that serves, and one whose start ends with a connection of the test's. */
    private record Pair(TomcatNode serving, TomcatNode starting, Socket hold) {
        static Pair of(int line) throws IOException {
            var directory = Parts.work().resolve("starting/tomcat" + line);
            var serving = TomcatNode.installed(directory.resolve("n1"), "n1", line, "");
            var starting = TomcatNode.installed(directory.resolve("n2"), "n2", line, "");
            try (var gate = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                gate.setSoTimeout(START_MILLIS);
                var slow = Files.createDirectories(starting.base().resolve("webapps/slow/WEB-INF"));
                Files.writeString(slow.resolve("web.xml"), WEB_XML);
                Files.writeString(slow.resolveSibling("slow.jsp"), SLOW_PAGE.formatted(gate.getLocalPort()));
                starting.launch();
                serving.start();
                return new Pair(serving, starting, gate.accept());
            } catch (IOException | RuntimeException | Error e) {
                serving.close();
                starting.close();
                throw e;
            }
        }

        TomcatNode node(String name) {
            return name.equals(serving.name()) ? serving : starting;
        }
    }

    @BeforeAll
    static void start() throws IOException {
        for (int line : List.of(10, 11)) {
            PAIRS.put(line, Pair.of(line));
        }
    }

    @AfterAll
    static void stop() throws IOException {
        for (var pair : PAIRS.values()) {
            pair.serving().close();
            pair.starting().close();
            pair.hold().close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void nobodyWaitsForItBehind(FrontEnd frontEnd) throws IOException {
        nobodyWaits(frontEnd, 11);
    }

    /** Two that have neither health checks nor a ping. */
    @ParameterizedTest
    @EnumSource(names = {"MOD_PROXY_HTTP_CLOSE_LISTENER", "NGINX_STREAMING"})
    void nobodyWaitsForTomcat10Behind(FrontEnd frontEnd) throws IOException {
        nobodyWaits(frontEnd, 10);
    }

    private static void nobodyWaits(FrontEnd frontEnd, int line) throws IOException {
        RollingUpgradeIT.needs(frontEnd.server().missing());
        var pair = Objects.requireNonNull(PAIRS.get(line));
        try (var fleet = Fleet.<Node>started(
                frontEnd,
                "starting/" + frontEnd + "-" + line,
                (directory, name) -> new SharedNode(pair.node(name), name))) {
            for (int round = 1; round <= ROUNDS; round++) {
                assertThat(Exchange.get(fleet.port(), "/page", "").status())
                        .as("page %d", round)
                        .isEqualTo(200);
                assertThat(upload(fleet.port(), "")).as("upload %d", round).isEmpty();
                assertThat(upload(fleet.port(), "Expect: 100-continue\r\n"))
                        .as("upload %d that asks before it sends", round)
                        .isEmpty();
            }
        }
    }

    /** Uploads a form; returns what differs between it and the answer. */
    private static String upload(int port, String expect) throws IOException {
        var form = UploadForm.random(RANDOM, 200_000);
        try (var exchange = Exchange.with(port)) {
            exchange.sendHead(
                    "POST",
                    "/upload",
                    "Content-Type: " + form.contentType() + "\r\nContent-Length: " + form.length() + "\r\n" + expect);
            if (expect.isEmpty() || exchange.mayContinue(CONTINUE_LIMIT)) {
                exchange.send(form.head());
                exchange.send(form.fileSource(), form.fileOffset(), form.fileSize());
                exchange.send(form.tail());
            }
            var answer = exchange.answer();
            return answer.status() == 200 ? form.difference(answer.body()) : "status " + answer.status();
        }
    }
}
