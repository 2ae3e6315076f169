package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * However Tomcat ends a request, it is counted exactly once and leaves nothing in flight, wherever the valve sits.
 */
class RequestEndingIT {
    private static final Map<TestServer.Position, TestServer> SERVERS = new EnumMap<>(TestServer.Position.class);

    static List<Arguments> rows() {
        return Arrays.stream(TestServer.Position.values())
                .flatMap(position -> Scenario.all().stream().map(scenario -> Arguments.of(position, scenario)))
                .toList();
    }

    private static TestServer server(TestServer.Position position) throws Exception {
        TestServer server = SERVERS.get(position);
        if (server == null) {
            server = Scenario.prepare(TestServer.with(position)).start();
            SERVERS.put(position, server);
        }
        return server;
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(TestServer::close);
        SERVERS.clear();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("rows")
    void isCountedOnceAndLeavesNothing(TestServer.Position position, Scenario scenario) throws Exception {
        TestServer server = server(position);
        var before = server.drain().status().totals();

        assertThat(scenario.play(server)).isEqualTo(scenario.outcome(position));

        var after = new DrainStatus.Totals(
                before.uploadsCompleted() + scenario.uploadsCompleted(position),
                before.uploadsFailed() + scenario.uploadsFailed(position),
                before.requestsCompleted() + scenario.requests(position),
                before.refused(),
                0);
        await().pollInterval(Duration.ofMillis(5)).untilAsserted(() -> {
            DrainStatus status = server.drain().status();
            assertThat(status.inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
            assertThat(withoutBytes(status.totals())).isEqualTo(after);
        });
        assertThat(server.drain().start("test").get(60, TimeUnit.SECONDS).outcome())
                .isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(withoutBytes(server.drain().status().totals())).isEqualTo(after);
        server.drain().resume();
    }

    /** Tomcat does not watch the connection of an async request that neither reads nor writes. */
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void neverCompletedAsyncRequestHoldsUntilTheLimitAndEndsWithTheServer(TestServer.Position position)
            throws Exception {
        TestServer server = TestServer.with(position)
                .set("requestTimeout", "200ms")
                .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                .start();
        Drain drain = server.drain();
        try (server;
                var client = new Http11Client(server.port())) {
            client.send(Http11Client.head("GET", "/app/async/never", App.KEY + ": never"));
            server.app().awaitEntered("never");
            client.reset();
            assertThat(drain.status().inFlight().requests()).isEqualTo(1);
            DrainReport report = drain.start("test").get(60, TimeUnit.SECONDS);
            assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
            assertThat(report.drainMillis()).isGreaterThanOrEqualTo(200);
        }
        assertThat(drain.status().inFlight().requests()).isZero();
        assertThat(drain.status().totals().requestsCompleted()).isEqualTo(1);
    }

    /** A host that nobody knows reaches the engine's valves only. */
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void requestWithoutAHostIsCountedInTheEngineOnly(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position)
                .customize(each -> each.tomcat().getEngine().setDefaultHost("absent.invalid"))
                .start()) {
            String request = "GET /app/ok HTTP/1.1\r\nHost: elsewhere.invalid\r\n\r\n";
            assertThat(Http11Client.exchange(server.port(), request, new byte[0])
                            .status())
                    .isEqualTo(404);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            awaitNothingInFlight(server);
            assertThat(server.drain().status().totals().requestsCompleted())
                    .isEqualTo(position == TestServer.Position.ENGINE ? 2 : 1);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void upgradedConnectionDoesNotHoldADrain(TestServer.Position position) throws Exception {
        TestServer server = server(position);
        try (var upgraded = new Http11Client(server.port());
                var webSocket = new Http11Client(server.port())) {
            upgraded.send(Http11Client.head("GET", "/app/upgrade", "Connection: Upgrade", "Upgrade: echo"));
            assertThat(upgraded.readOne(false).status()).isEqualTo(101);
            assertThat(webSocket.send(Scenario.webSocketHead()).readOne(false).status())
                    .isEqualTo(101);
            assertThat(server.drain().start("test").get(60, TimeUnit.SECONDS).outcome())
                    .isEqualTo(DrainReport.Outcome.DRAINED);
            assertThat(upgraded.send("x").read(1)).asString().isEqualTo("x");
            assertThat(webSocket.send(Scenario.webSocketFrame('x')).read(3)).contains('x');
        } finally {
            server.drain().resume();
        }
        awaitNothingInFlight(server);
    }

    /** A client may close the connection as soon as it has the last byte of the answer; the upload has not failed by that. */
    @Test
    void answeredUploadIsNoFailureHoweverSoonTheClientLeaves() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            byte[] body = App.multipart(20_000);
            for (int i = 0; i < 60; i++) {
                String path = i % 2 == 0 ? "/app/upload" : "/app/async/upload";
                assertThat(Http2Client.post(server.port(), path, App.MULTIPART, body)
                                .status())
                        .isEqualTo(200);
            }
            awaitNothingInFlight(server);
            assertThat(server.drain().status().totals().uploadsCompleted()).isEqualTo(60);
        }
    }

    private static void awaitNothingInFlight(TestServer server) {
        await().pollInterval(Duration.ofMillis(5))
                .until(() -> server.drain().status().inFlight().equals(new DrainStatus.InFlight(0, 0, 0)));
    }

    private static DrainStatus.Totals withoutBytes(DrainStatus.Totals totals) {
        return new DrainStatus.Totals(
                totals.uploadsCompleted(), totals.uploadsFailed(), totals.requestsCompleted(), totals.refused(), 0);
    }
}
