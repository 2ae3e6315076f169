package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.parallel.ExecutionMode.SAME_THREAD;

import io.tomcatdrain.sample.fleet.Exchange.Answer;
import java.io.IOException;
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
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Nobody reaches a node's drain through an example's front end, however the path is written; the node itself, asked at its own connectors,
 * takes the same paths for the drain's.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
@Execution(SAME_THREAD)
final class FrontEndPathsIT {
    private static final String TOKEN = "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n";
    private static final int RANDOM_FORMS = 600;
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
    static void start() {
        for (int line : List.of(10, 11)) {
            var node = TomcatNode.installed(Parts.work().resolve("paths/tomcat" + line), "n1", line, "");
            NODES.put(line, node);
            node.start();
        }
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
                frontEnd, "paths/" + frontEnd + "-" + line, (directory, name) -> new SharedNode(node, name))) {
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
            assertThat(through).as("%s let through", frontEnd).isEmpty();

            for (var page : PAGES) {
                assertThat(ask(fleet.port(), page))
                        .as("%s keeps [%s] from the node", frontEnd, page)
                        .matches(FrontEndPathsIT::isOfApplication);
            }
        }
    }

    /** That the forms are what they are meant to be, and that the test would see them pass. */
    @ParameterizedTest
    @ValueSource(ints = {11, 10})
    void nodeTakesThemAtItsOwnConnectors(int line) throws IOException {
        var node = node(line);
        for (var form : DrainPaths.ofReadiness()) {
            for (int port : List.of(node.httpPort(), node.controlPort())) {
                assertThat(ask(port, form)).as(form).matches(answer -> answer.status() == 200 && isOfDrain(answer));
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
