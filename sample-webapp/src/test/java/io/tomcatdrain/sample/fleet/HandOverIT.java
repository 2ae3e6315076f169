package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.sample.fleet.OneMachine.Speaks;
import io.tomcatdrain.testkit.fleet.Load;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One machine is upgraded again and again without a balancer, by the tools of {@code examples/one-machine}, under uploads and page reads
 * on new and on kept connections: the next Tomcat takes the socket over.
 *
 * <p>A quick form by default; {@code -Dfleet=long} makes 20 hand-overs.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
@ResourceLock(providers = LongForm.class)
@Execution(CONCURRENT)
final class HandOverIT {
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);
    private static final Duration WITHOUT_HAND_OVER = Duration.ofSeconds(30);

    /** What the connector speaks that inherits the socket: a front end stands before it where it is AJP. */
    enum Row {
        TOMCAT_11(11, Speaks.HTTP),
        MOD_JK(11, Speaks.AJP),
        TOMCAT_10(10, Speaks.HTTP);

        private final int line;
        private final Speaks speaks;

        Row(int line, Speaks speaks) {
            this.line = line;
            this.speaks = speaks;
        }
    }

    static List<Row> rows() {
        return LongForm.ASKED_FOR ? List.of(Row.values()) : List.of(Row.TOMCAT_11, Row.MOD_JK);
    }

    @ParameterizedTest
    @MethodSource("rows")
    void losesNothing(Row row) throws IOException {
        if (row.speaks == Speaks.AJP) {
            RollingUpgradeIT.needs(WebServer.HTTPD_MOD_JK.missing());
        }
        try (var machine = new OneMachine("one-machine-" + row, row.line, row.speaks, "");
                var front = row.speaks == Speaks.AJP ? new OneWorker(machine.port()) : null) {
            var tally = new Tally();
            var load = Load.started(front == null ? machine.port() : front.port(), Profile.SHORT_UPLOADS, tally);
            var kept = front == null ? new KeptConnections(machine.port()) : null;
            var slowestWithout = Duration.ZERO;
            try {
                if (LongForm.ASKED_FOR) {
                    slowestWithout = slowestWithoutHandOver(tally);
                }
                handOver(machine, tally, LongForm.ASKED_FOR ? 20 : 1);
            } finally {
                load.finish();
                if (kept != null) {
                    kept.finish();
                }
            }
            System.out.println("hand-overs, " + row + ": " + tally.uploads() + " uploads, "
                    + tally.lostUploads().size() + " lost; " + tally.gets() + " GETs, "
                    + tally.lostGets().size() + " lost, slowest "
                    + tally.slowestGet().toMillis() + " ms (before the first hand-over " + slowestWithout.toMillis()
                    + " ms)"
                    + (kept == null
                            ? ""
                            : "; " + kept.answered() + " requests on kept connections, "
                                    + kept.lost().size() + " lost"));
            if (kept != null) {
                assertThat(kept.lost()).as(machine.logs()).isEmpty();
                assertThat(kept.answered()).isPositive();
            }
            assertThat(tally.lostUploads()).as(machine.logs()).isEmpty();
            assertThat(tally.lostGets()).as(machine.logs()).isEmpty();
        }
    }

    /** The slowest GET of a time in which nothing is handed over; the next one counts from now on. */
    private static Duration slowestWithoutHandOver(Tally tally) {
        long untilNanos = System.nanoTime() + WITHOUT_HAND_OVER.toNanos();
        await().atMost(USE_LIMIT).until(() -> System.nanoTime() - untilNanos >= 0);
        return tally.takeSlowestGet();
    }

    private static void handOver(OneMachine machine, Tally tally, int times) {
        var serving = "blue";
        for (int i = 0; i < times; i++) {
            tally.awaitUploadBy(serving, System.nanoTime(), USE_LIMIT);
            tally.phase("hand-over " + i);
            var printed = machine.upgrade(i == 0 ? Parts.sampleWar() : null);
            assertThat(printed).as(machine.logs()).endsWith("status 0\n");
            // An inherited channel that is closed takes the standard streams along.
            assertThat(machine.console(serving).lines())
                    .as("the last line of " + serving)
                    .last()
                    .asString()
                    .contains("Destroying ProtocolHandler");
            serving = other(serving);
        }
        tally.awaitUploadBy(serving, System.nanoTime(), USE_LIMIT);
    }

    private static String other(String node) {
        return "blue".equals(node) ? "green" : "blue";
    }

    /** The proof that this test can fail. */
    @Test
    void losesUploadsWithoutTheValve() {
        try (var machine = new OneMachine("one-machine-plain", 11, Speaks.HTTP, null)) {
            var tally = new Tally();
            var load = Load.started(machine.port(), Profile.LONG_UPLOADS, tally);
            try {
                var serving = "blue";
                for (int i = 0; i < 12 && tally.lostUploads().isEmpty(); i++) {
                    tally.awaitUploadBy(serving, System.nanoTime(), USE_LIMIT);
                    machine.upgrade(null);
                    serving = other(serving);
                }
            } finally {
                load.abandon();
            }
            assertThat(tally.lostUploads()).isNotEmpty();
        }
    }
}
