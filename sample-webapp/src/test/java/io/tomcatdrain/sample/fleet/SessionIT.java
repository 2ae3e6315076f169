package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.RollingRestart;
import io.tomcatdrain.testkit.fleet.RollingRestart.Extent;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Two real Tomcats with the example's shared session store are restarted in turn, under uploads and sessions in use. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@ResourceLock(providers = LongForm.class)
@Execution(CONCURRENT)
final class SessionIT {
    private static final FrontEnd FRONT_END = FrontEnd.MOD_JK;
    private static final int VISITORS = 6;

    @ParameterizedTest
    @MethodSource("io.tomcatdrain.testkit.fleet.LongForm#lines")
    void losesNoSession(int line) {
        RollingUpgradeIT.needs(FRONT_END.server().missing());
        var store = Parts.emptied(Parts.work().resolve("sessions-store-" + line));
        try (var fleet = Fleet.started(
                FRONT_END, "sessions-" + line, line, FRONT_END.valveAttributes(), node -> keepSessions(node, store))) {
            var restart = new RollingRestart(fleet, FRONT_END);
            var visitors = Visitors.started(fleet.port(), VISITORS);
            try (visitors) {
                restart.underLoad(
                        LongForm.ASKED_FOR
                                ? new Extent(6, 200, Profile.SHORT_UPLOADS)
                                : new Extent(2, 1, Profile.SHORT_UPLOADS));
            }
            System.out.println("sessions, Tomcat " + line + ": "
                    + restart.stops().size() + " stops, " + visitors.visits() + " visits, "
                    + visitors.moves() + " changes of node, "
                    + visitors.faults().size() + " lost; "
                    + restart.tally().uploads() + " uploads, " + restart.tally().gets() + " GETs, slowest GET "
                    + restart.tally().slowestGet().toMillis() + " ms");

            assertThat(visitors.faults()).as(fleet.logs()).isEmpty();
            assertThat(visitors.moves()).as("sessions that changed their node").isPositive();
            assertThat(restart.tally().lostUploads()).as(fleet.logs()).isEmpty();
            assertThat(restart.tally().lostGets()).as(fleet.logs()).isEmpty();
        }
    }

    /** The proof that the test can fail. */
    @Test
    void losesSessionsWithoutTheStore() {
        RollingUpgradeIT.needs(FRONT_END.server().missing());
        try (var fleet = Fleet.started(FRONT_END, "sessions-plain", 11, FRONT_END.valveAttributes())) {
            var visitors = Visitors.started(fleet.port(), VISITORS);
            try (visitors) {
                new RollingRestart(fleet, FRONT_END)
                        .untilLossIsSeen(Profile.SHORT_UPLOADS, () -> hasLostSession(visitors));
            }

            assertThat(hasLostSession(visitors)).as("%s", visitors.faults()).isTrue();
        }
    }

    private static boolean hasLostSession(Visitors visitors) {
        return visitors.faults().stream().anyMatch(fault -> fault.contains("was counted as"));
    }

    /** Installs the example as its README says. */
    private static void keepSessions(TomcatNode node, Path store) {
        var conf = node.base().resolve("conf");
        try {
            Files.copy(
                    Parts.example("sessions").resolve("context.xml"),
                    conf.resolve("context.xml"),
                    StandardCopyOption.REPLACE_EXISTING);
            Files.writeString(
                    conf.resolve("catalina.properties"),
                    "\nsessions.directory=" + store + "\n",
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
