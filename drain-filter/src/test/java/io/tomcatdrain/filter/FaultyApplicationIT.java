package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.FaultyApp;
import io.tomcatdrain.testkit.Http11Client;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever an application throws, and wherever, leaves nothing in flight, keeps no drain from ending well, and is not our fault. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class FaultyApplicationIT {
    /** Longer than any test may take, so that one which waits for it shows. */
    private static final String LONG = "1h";

    private static EmbeddedTomcat server;
    private static Drain drain;
    private static CapturedLog log;
    private static DrainListener.Registration registration;

    static List<FaultyApp.Row> rows() {
        return FaultyApp.rows();
    }

    @BeforeAll
    static void start() throws Exception {
        server = FilterServer.with(Map.of("drain.uploadTimeout", LONG, "drain.requestTimeout", LONG))
                .customize(each -> FaultyApp.install(each.context()))
                .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                .start();
        drain = FilterServer.drain(server.context());
        registration = drain.onStateChange((before, after) -> {
            throw new NoClassDefFoundError("on purpose: the class loader is gone");
        });
        assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
        log = new CapturedLog("io.tomcatdrain", line -> !line.contains("a listener failed"));
    }

    /** Where a thread of Tomcat's has died of a fault, its stop has nothing to wait for either. */
    @AfterAll
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    static void stop() {
        registration.close();
        server.close();
        log.close();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void leavesNothingAndHoldsNoDrain(FaultyApp.Row row) throws Exception {
        row.play(server);

        await().pollInterval(Duration.ofMillis(2))
                .until(() -> drain.status().inFlight().equals(new DrainStatus.InFlight(0, 0, 0)));
        assertThat(drain.start("test").get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
        drain.resume();
        assertThat(log.lines()).noneMatch(line -> line.contains("fault"));
    }
}
