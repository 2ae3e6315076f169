package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.Scenario;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** However Tomcat ends a request that reaches the application, the filter counts it exactly once and leaves nothing in flight. */
class FilterEndingIT {
    private static EmbeddedTomcat server;

    /** All but those in which another valve plays a part, which are nothing to a filter. */
    static List<Scenario> scenarios() {
        return Scenario.all().stream()
                .filter(scenario -> !scenario.toString().matches("(?i).*valve.*"))
                .toList();
    }

    @BeforeAll
    static void start() throws Exception {
        server = FilterServer.with(Map.of()).start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scenarios")
    void isCountedOnceAndLeavesNothing(Scenario scenario) throws Exception {
        Drain drain = FilterServer.drain(server.context());
        var before = drain.status().totals();

        assertThat(scenario.play(server)).isEqualTo(scenario.outcome(EmbeddedTomcat.Position.CONTEXT));

        boolean known = !isLostToHttp2(scenario);
        var after = comparable(
                known,
                new DrainStatus.Totals(
                        before.uploadsCompleted() + scenario.uploadsCompleted(EmbeddedTomcat.Position.CONTEXT),
                        before.uploadsFailed() + scenario.uploadsFailed(EmbeddedTomcat.Position.CONTEXT),
                        before.requestsCompleted() + scenario.requests(EmbeddedTomcat.Position.CONTEXT),
                        before.refused(),
                        0));
        await().pollInterval(Duration.ofMillis(5)).untilAsserted(() -> {
            DrainStatus status = drain.status();
            assertThat(status.inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
            assertThat(comparable(known, status.totals())).isEqualTo(after);
        });
        assertThat(drain.start("test").get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(comparable(known, drain.status().totals())).isEqualTo(after);
        drain.resume();
    }

    /** A stream that its client has reset may end like any other for the application, and then for the filter. */
    private static boolean isLostToHttp2(Scenario scenario) {
        return scenario.toString().matches("HTTP/2 upload .* reset in the middle");
    }

    /** Leaves out the bytes, and, where it is not known which, whether an upload has failed. */
    private static DrainStatus.Totals comparable(boolean known, DrainStatus.Totals totals) {
        long completed = totals.uploadsCompleted();
        long failed = totals.uploadsFailed();
        return new DrainStatus.Totals(
                known ? completed : completed + failed,
                known ? failed : 0,
                totals.requestsCompleted(),
                totals.refused(),
                0);
    }
}
