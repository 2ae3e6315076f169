package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Report;
import io.tomcatdrain.testkit.fleet.RollingRestart;
import io.tomcatdrain.testkit.fleet.RollingRestart.Extent;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two real Tomcats behind a real front end are restarted in turn, under uploads and page reads.
 *
 * <p>A quick form by default, in which three fleets run at once. {@code -Dfleet=long} makes at least 6 stops and 200 uploads behind each front end,
 * {@code -Dfleet=dense} at least 8 stops and 6,000 small uploads; {@code -Dfleet.only=MOD_JK,HAPROXY} takes these only.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@ResourceLock(providers = LongForm.class)
@Execution(CONCURRENT)
final class FleetIT {
    private static final Report REPORT = new Report();

    /**
     * Each front end once, some of them before Tomcat 10; in the long form all before 11, and these before 10 too. Two that learn of a drain
     * by a closed listener, as others do, are in the longer forms only.
     */
    static Stream<Arguments> rows() {
        var before10 = EnumSet.of(FrontEnd.MOD_JK_CLOSE_LISTENER, FrontEnd.CADDY, FrontEnd.HAPROXY);
        var inLongForms = EnumSet.of(FrontEnd.MOD_JK_CLOSE_LISTENER, FrontEnd.MOD_PROXY_HTTP_CLOSE_LISTENER);
        return Stream.of(FrontEnd.values())
                .filter(frontEnd -> LongForm.ASKED_FOR || LongForm.DENSE || !inLongForms.contains(frontEnd))
                .flatMap(frontEnd -> IntStream.of(11, 10)
                        .filter(line ->
                                before10.contains(frontEnd) == (line == 10) || (LongForm.ASKED_FOR && line == 11))
                        .mapToObj(line -> Arguments.of(frontEnd, line)));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void losesNothingBehind(FrontEnd frontEnd, int line) {
        losesNothing(frontEnd, line);
    }

    /** The proof that this test can fail. */
    @Test
    void losesUploadsWithoutTheValve() {
        var frontEnd = FrontEnd.MOD_JK;
        needs(frontEnd);
        try (var fleet = Fleet.started(frontEnd, "plain-" + frontEnd, 11, null)) {
            var restart = new RollingRestart(fleet, frontEnd);
            restart.untilLossIsSeen(
                    Profile.LONG_UPLOADS, () -> !restart.tally().lostUploads().isEmpty());
            REPORT.add(frontEnd + ", no valve", 11, restart);
            assertThat(restart.tally().lostUploads()).isNotEmpty();
        }
    }

    @AfterAll
    static void report() {
        REPORT.print();
    }

    private static void losesNothing(FrontEnd frontEnd, int line) {
        needs(frontEnd);
        try (var fleet = Fleet.started(frontEnd, "tomcat" + line + "-" + frontEnd, line, frontEnd.valveAttributes())) {
            var restart = new RollingRestart(fleet, frontEnd);
            restart.underLoad(extent(frontEnd));
            REPORT.add(frontEnd.toString(), line, restart);
            assertThat(restart.tally().lostUploads())
                    .as("lost uploads\n%s", fleet.logs())
                    .isEmpty();
            assertThat(restart.tally().lostGets())
                    .as("lost GETs\n%s", fleet.logs())
                    .isEmpty();
            if (!frontEnd.keepsUploadsToItself() && !LongForm.DENSE) {
                assertThat(restart.stops())
                        .as("a stop that waited for uploads")
                        .anyMatch(stop -> stop.heldUploads() > 0);
            }
            // Several fleets at once share a machine, and catalina.sh starts a JVM only to send its command. Who
            // waits for requestTimeout in vain takes 30 s.
            assertThat(restart.medianBeyondSlowestUpload())
                    .as("a stop's time beyond lame duck and slowest upload, %s", restart.stops())
                    .isLessThan(Duration.ofSeconds(LongForm.ASKED_FOR ? 3 : 25));
            if (LongForm.ASKED_FOR) {
                // Of a few stops, several fleets at once, this would tell of the machine.
                assertThat(restart.medianAfterLastUpload())
                        .as("from the last upload to the exit, %s", restart.stops())
                        .isLessThan(Duration.ofSeconds(1));
            }
        }
    }

    private static Extent extent(FrontEnd frontEnd) {
        if (LongForm.ASKED_FOR) {
            return new Extent(6, 200, Profile.LONG_UPLOADS);
        }
        if (LongForm.DENSE) {
            return new Extent(8, 6_000, Profile.SMALL_UPLOADS);
        }
        return new Extent(frontEnd.quickStops(), 1, Profile.SHORT_UPLOADS);
    }

    /** Skips what cannot run here, by name; where nothing may be skipped that is a failure. */
    static void needs(FrontEnd frontEnd) {
        var only = System.getProperty("fleet.only");
        if (only != null && !List.of(only.split(",")).contains(frontEnd.name())) {
            abort("not asked for: fleet.only [" + only + "]");
        }
        frontEnd.server().missing().ifPresent(missing -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            REPORT.skip(frontEnd.toString(), missing);
            abort("skipped: " + missing);
        });
    }
}
