package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.parallel.ExecutionMode.SAME_THREAD;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Exchange.Answer;
import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Node;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the examples' front ends let through to a node, and what they tell it. Nobody reaches a node's drain through them, however the path is
 * written; the node itself, asked at its own connectors, takes the same paths for the drain's.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@Execution(SAME_THREAD)
final class FrontEndRulesIT {
    private static final String TOKEN = "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n";

    /** Of a browser that sends a file in several requests, which some front ends lead another way. */
    private static final String SENDING = "Cookie: FILES=.n1; JSESSIONID=A.n1\r\nUpload-Offset: 1\r\n";

    private static final int RANDOM_FORMS = 200;
    private static final Map<Integer, TomcatNode> NODES = new TreeMap<>();

    /** Pages with names that are nearly the drain's, which users must be able to ask for. */
    private static final List<String> PAGES = List.of(
            "/page",
            "/page;jsessionid=A.n1",
            "/page?next=/drain/ready",
            "/page?drain",
            "/x/../page",
            "//page",
            "/drainage",
            "/drain-ready",
            "/drain.html",
            "/undrain/ready",
            "/x;drain/ready",
            "/ready",
            "/x/ready;drain");

    /** One Tomcat of each line is enough: nothing stops it here, and each front end takes it for both its nodes. */
    @BeforeAll
    static void start() throws IOException {
        for (int line : List.of(10, 11)) {
            var node = TomcatNode.installed(Parts.work().resolve("rules/tomcat" + line), "n1", line, "");
            NODES.put(line, node);
            logWhoAsks(node);
            node.launch();
        }
        NODES.values().forEach(TomcatNode::awaitReady);
    }

    @AfterAll
    static void stop() {
        NODES.values().forEach(TomcatNode::close);
    }

    static Stream<Arguments> frontEnds() {
        return Stream.of(FrontEnd.values())
                .flatMap(frontEnd -> Stream.of(Arguments.of(frontEnd, 11), Arguments.of(frontEnd, 10)));
    }

    @ParameterizedTest
    @MethodSource("frontEnds")
    void letsNothingThroughToTheDrain(FrontEnd frontEnd, int line) throws IOException {
        RollingUpgradeIT.needs(frontEnd.server().missing());
        var node = node(line);
        try (var fleet = Fleet.<Node>started(
                frontEnd, "rules/" + frontEnd + "-" + line, (directory, name) -> new SharedNode(node, name))) {
            List<String> through = new ArrayList<>();
            var forms = Stream.of(
                            DrainPaths.ofReadiness(),
                            DrainPaths.ofControl(),
                            DrainPaths.ofNobody(),
                            DrainPaths.atRandom(RANDOM_FORMS))
                    .flatMap(List::stream)
                    .toList();
            for (var form : forms) {
                var answer = ask(fleet.port(), form);
                if (isOfDrain(answer)) {
                    through.add(form + " -> " + answer.status() + " " + answer.body());
                }
            }
            for (var form : DrainPaths.ofControl()) {
                var answer = Exchange.get(fleet.port(), form, TOKEN + SENDING);
                if (isOfDrain(answer)) {
                    through.add(form + " with a file -> " + answer.status() + " " + answer.body());
                }
            }
            assertThat(through).as("%s let through", frontEnd).isEmpty();

            for (var page : PAGES) {
                assertThat(ask(fleet.port(), page))
                        .as("%s keeps [%s] from the node", frontEnd, page)
                        .matches(FrontEndRulesIT::isOfApplication);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void tellsTheNodeThatUserOrProberAsks(FrontEnd frontEnd) throws IOException {
        RollingUpgradeIT.needs(frontEnd.server().missing());
        var node = node(11);
        var name = "who-asks-" + frontEnd;
        try (var fleet = Fleet.<Node>started(
                frontEnd, "rules/" + name, (directory, nodeName) -> new SharedNode(node, nodeName))) {
            ask(fleet.port(), "/page?" + name);

            awaitLine(node, frontEnd.usesAjp() ? node.ajpPort() : node.httpPort(), "127.0.0.1 GET /page?" + name + " ");
            switch (frontEnd) {
                case HAPROXY -> awaitLine(node, node.controlPort(), "- GET /drain/ready?prober=haproxy ");
                case MOD_PROXY_HTTP -> awaitLine(node, node.httpPort(), "- GET /drain/ready?prober=httpd ");
                default -> {}
            }
        }
    }

    /** Waits for a request in the node's access log: at which port, for which client of a front end, and what. */
    private static void awaitLine(TomcatNode node, int port, String request) {
        await(request)
                .untilAsserted(() -> assertThat(log(node))
                        .anyMatch(line -> line.contains("-" + port + "-exec-") && line.contains(" " + request)));
    }

    /** That the forms are what they are meant to be, and that the test would see them pass. */
    @ParameterizedTest
    @ValueSource(ints = {11, 10})
    void nodeTakesThemAtItsOwnConnectors(int line) throws IOException {
        var node = node(line);
        for (var form : DrainPaths.ofReadiness()) {
            for (int port : List.of(node.httpPort(), node.controlPort())) {
                // What it says to a query is for other tests.
                assertThat(ask(port, form))
                        .as(form)
                        .matches(answer -> isOfDrain(answer) && (answer.status() == 200 || form.contains("?")));
            }
        }
        for (var form : DrainPaths.ofControl()) {
            assertThat(Exchange.get(node.controlPort(), form, TOKEN))
                    .as(form)
                    .matches(answer -> answer.status() == 200 && isOfDrain(answer));
            assertThat(Exchange.get(node.controlPort(), form, ""))
                    .as(form)
                    .matches(answer -> answer.status() == 401 && isOfDrain(answer));
            assertThat(ask(node.httpPort(), form))
                    .as(form)
                    .matches(answer -> answer.status() == 403 && isOfDrain(answer));
        }
        for (var form : DrainPaths.ofNobody()) {
            assertThat(ask(node.httpPort(), form))
                    .as(form)
                    .matches(answer -> answer.status() >= 400 && !isOfDrain(answer));
        }
        int taken = 0;
        for (var form : DrainPaths.atRandom(RANDOM_FORMS)) {
            taken += isOfDrain(ask(node.httpPort(), form)) ? 1 : 0;
        }
        assertThat(taken)
                .as("forms at random that Tomcat takes for the drain's")
                .isGreaterThan(RANDOM_FORMS / 20);
    }

    /** Lets the node's access log say where a request came in, which the thread's name tells, and for which client of a front end. */
    private static void logWhoAsks(TomcatNode node) throws IOException {
        var serverXml = node.base().resolve("conf/server.xml");
        Files.writeString(
                serverXml,
                WebServer.replaced(
                        Files.readString(serverXml),
                        "pattern=\"%h %l %u %t &quot;%r&quot; %s %b\"",
                        "buffered=\"false\" pattern=\"%I %{X-Forwarded-For}i %r\""));
    }

    private static List<String> log(TomcatNode node) throws IOException {
        List<String> lines = new ArrayList<>();
        try (var logs = Files.newDirectoryStream(node.base().resolve("logs"), "localhost_access_log.*")) {
            for (var log : logs) {
                lines.addAll(Files.readAllLines(log, StandardCharsets.ISO_8859_1));
            }
        }
        return lines;
    }

    private static TomcatNode node(int line) {
        var node = NODES.get(line);
        if (node == null) {
            throw new IllegalStateException("no Tomcat " + line);
        }
        return node;
    }

    /** Asks with the token, as a client that has stolen it. */
    private static Answer ask(int port, String form) throws IOException {
        return Exchange.get(port, form, TOKEN);
    }

    private static boolean isOfDrain(Answer answer) {
        return "no-store".equals(answer.headers().get("cache-control"))
                && Stream.of("{\"status\":\"", "{\"name\":\"", "{\"error\":\"").anyMatch(answer.body()::startsWith);
    }

    /** Returns true for a page of the sample, or for Tomcat's own page that says that there is none. */
    private static boolean isOfApplication(Answer answer) {
        return answer.status() == 200
                || (answer.status() == 404 && answer.body().contains("Apache Tomcat/"));
    }
}
