package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.tomcatdrain.sample.fleet.Load.Profile;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two real Tomcats behind a real front end are restarted in turn, under uploads and page reads.
 *
 * <p>A quick form by default. {@code -Dfleet=long} makes at least 6 stops and 200 uploads behind each front end;
 * {@code -Dfleet.only=MOD_JK} takes one front end only.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class FleetIT {
    private static final boolean LONG = "long".equals(System.getProperty("fleet"));
    private static final int STOPS = LONG ? 6 : 4;
    private static final int UPLOADS = LONG ? 200 : 1;
    private static final Report REPORT = new Report();

    @ParameterizedTest
    @EnumSource
    void losesNothingBehind(FrontEnd frontEnd) {
        needs(frontEnd);
        try (var fleet = Fleet.started(frontEnd, "valve-" + frontEnd, 11, frontEnd.valveAttributes())) {
            var tally = new Tally();
            var stops = restartUnderLoad(fleet, frontEnd, tally, STOPS, UPLOADS);
            REPORT.add(frontEnd.toString(), 11, stops, tally);
            assertThat(tally.lostUploads()).as("lost uploads\n%s", fleet.logs()).isEmpty();
            assertThat(tally.lostGets()).as("lost GETs\n%s", fleet.logs()).isEmpty();
            assertThat(stops).as("a stop that waited for uploads").anyMatch(stop -> stop.heldUploads() > 0);
            assertThat(Report.medianAfterLastUpload(stops))
                    .as("from the last upload to the exit, %s", stops)
                    .isLessThan(Duration.ofSeconds(1));
        }
    }

    /** The proof that this test can fail. */
    @Test
    void losesUploadsWithoutTheValve() {
        needs(FrontEnd.MOD_JK);
        try (var fleet = Fleet.started(FrontEnd.MOD_JK, "plain-MOD_JK", 11, null)) {
            var tally = new Tally();
            var stops = restartUnderLoad(fleet, FrontEnd.MOD_JK, tally, 2, 1);
            REPORT.add("MOD_JK, no valve", 11, stops, tally);
            assertThat(tally.lostUploads()).isNotEmpty();
        }
    }

    @AfterAll
    static void report() {
        REPORT.print();
    }

    private static List<RollingRestart.Stopped> restartUnderLoad(
            Fleet fleet, FrontEnd frontEnd, Tally tally, int stops, int uploads) {
        var restart = new RollingRestart(fleet.nodes(), frontEnd, tally);
        try (var load = Load.started(fleet.port(), LONG ? Profile.LONG : Profile.QUICK, tally)) {
            restart.awaitAllUsed(System.nanoTime());
            while (restart.stops().size() < stops || tally.uploads() < uploads) {
                restart.round();
            }
            tally.phase("the load ends");
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(e.getMessage() + "\n" + fleet.logs(), e);
        }
        return restart.stops();
    }

    /** Skips what cannot run here, by name; where nothing may be skipped that is a failure. */
    private static void needs(FrontEnd frontEnd) {
        var only = System.getProperty("fleet.only");
        if (only != null && !only.equals(frontEnd.name())) {
            abort("not asked for");
        }
        frontEnd.server().missing().ifPresent(missing -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            abort("skipped: " + missing);
        });
    }
}
