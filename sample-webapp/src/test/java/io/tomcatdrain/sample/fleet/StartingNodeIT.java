package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.parallel.ExecutionMode.SAME_THREAD;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** While a node starts, its front end serves everybody by the other one: nobody waits for an application that is not there yet. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
@Execution(SAME_THREAD)
final class StartingNodeIT {
    private static final Duration CONTINUE_LIMIT = Duration.ofSeconds(1);
    private static final int ROUNDS = 6;
    private static final Random RANDOM = new Random(1);

    private static @Nullable TomcatNode serving;
    private static @Nullable TomcatNode starting;
    private static @Nullable Socket hold;

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

    @BeforeAll
    static void start() throws IOException {
        serving = TomcatNode.installed(Parts.work().resolve("starting/n1"), "n1", 11, "");
        starting = TomcatNode.installed(Parts.work().resolve("starting/n2"), "n2", 11, "");
        try (var gate = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            gate.setSoTimeout(60_000);
            var slow = Files.createDirectories(starting.base().resolve("webapps/slow/WEB-INF"));
            Files.writeString(slow.resolve("web.xml"), WEB_XML);
            Files.writeString(slow.resolveSibling("slow.jsp"), SLOW_PAGE.formatted(gate.getLocalPort()));
            starting.launch();
            serving.start();
            hold = gate.accept();
        }
    }

    @AfterAll
    static void stop() throws IOException {
        try (var node = serving;
                var other = starting;
                var socket = hold) {
            assertThat(socket).as("the second node is starting").isNotNull();
            assertThat(node).isNotNull();
            assertThat(other).isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void nobodyWaitsForItBehind(FrontEnd frontEnd) throws IOException {
        RollingUpgradeIT.needs(frontEnd.server().missing());
        try (var fleet = Fleet.<Node>started(
                frontEnd, "starting/" + frontEnd, (directory, name) -> new SharedNode(node(name), name))) {
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

    private static TomcatNode node(String name) {
        var node = name.equals("n1") ? serving : starting;
        if (node == null) {
            throw new IllegalStateException(name + " was not started");
        }
        return node;
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
