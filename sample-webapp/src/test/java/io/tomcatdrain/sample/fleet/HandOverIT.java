package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.sample.fleet.OneMachine.Speaks;
import io.tomcatdrain.testkit.fleet.Load;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Tally;
import java.time.Duration;
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
final class HandOverIT {
    private static final Duration USE_LIMIT = Duration.ofSeconds(60);

    @ParameterizedTest
    @Execution(CONCURRENT)
    @MethodSource("io.tomcatdrain.testkit.fleet.LongForm#lines")
    void losesNothing(int line) {
        try (var machine = new OneMachine("one-machine-" + line, line, Speaks.HTTP, "")) {
            var tally = new Tally();
            var load = Load.started(machine.port(), Profile.SHORT_UPLOADS, tally);
            var kept = new KeptConnections(machine.port());
            try {
                handOver(machine, tally, LongForm.ASKED_FOR ? 20 : 2);
            } finally {
                load.finish();
                kept.finish();
            }
            System.out.println("hand-overs on Tomcat " + line + ": " + tally.uploads() + " uploads, "
                    + tally.lostUploads().size() + " lost; " + tally.gets() + " GETs, "
                    + tally.lostGets().size() + " lost, slowest "
                    + tally.slowestGet().toMillis() + " ms; "
                    + kept.answered() + " requests on kept connections, "
                    + kept.lost().size() + " lost");
            assertThat(kept.lost()).as(machine.logs()).isEmpty();
            assertThat(kept.answered()).isPositive();
            assertThat(tally.lostUploads()).as(machine.logs()).isEmpty();
            assertThat(tally.lostGets()).as(machine.logs()).isEmpty();
        }
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
            serving = "blue".equals(serving) ? "green" : "blue";
        }
        tally.awaitUploadBy(serving, System.nanoTime(), USE_LIMIT);
    }

    /** The proof that this test can fail. */
    @Test
    @Execution(CONCURRENT)
    void losesUploadsWithoutTheValve() {
        try (var machine = new OneMachine("one-machine-plain", 11, Speaks.HTTP, null)) {
            var tally = new Tally();
            var load = Load.started(machine.port(), Profile.LONG_UPLOADS, tally);
            try {
                tally.awaitUploadBy("blue", System.nanoTime(), USE_LIMIT);
                machine.upgrade(null);
            } finally {
                load.finish();
            }
            assertThat(tally.lostUploads()).isNotEmpty();
        }
    }
}
