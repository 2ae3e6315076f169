package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Report;
import io.tomcatdrain.testkit.fleet.RollingRestart;
import io.tomcatdrain.testkit.fleet.RollingRestart.Extent;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.SpringBootVersion;

/**
 * Two applications of Spring Boot behind a real front end are restarted in turn, under uploads and page reads.
 *
 * <p>A quick form by default, with one of the front ends for each line of Spring Boot. {@code -Dfleet=long} takes both, and makes at least 6 stops and 200 uploads; {@code -Dfleet.boot=alone} shows what Spring Boot loses by itself, behind both.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class BootFleetIT {
    private static final boolean ALONE = "alone".equals(System.getProperty("fleet.boot"));
    private static final boolean OLDER_LINE = SpringBootVersion.getVersion().startsWith("3.");
    private static final Report REPORT = new Report();

    static List<FrontEnd> frontEnds() {
        return LongForm.ASKED_FOR || ALONE
                ? List.of(FrontEnd.HAPROXY, FrontEnd.MOD_PROXY_HTTP)
                : List.of(OLDER_LINE ? FrontEnd.HAPROXY : FrontEnd.MOD_PROXY_HTTP);
    }

    @ParameterizedTest
    @MethodSource("frontEnds")
    void losesNothingBehind(FrontEnd frontEnd) {
        needs(frontEnd);
        var properties = ALONE
                ? List.of("drain.enabled=false", "server.shutdown=graceful")
                : List.of("server.shutdown=graceful");
        var name = "boot-" + SpringBootVersion.getVersion() + "-" + frontEnd;
        try (var fleet =
                Fleet.started(frontEnd, name, (directory, node) -> new BootNode(directory, node, properties))) {
            var restart = new RollingRestart(fleet, frontEnd);
            restart.underLoad(extent());
            REPORT.add(
                    frontEnd + ", Boot " + SpringBootVersion.getVersion() + (ALONE ? " alone" : ""),
                    OLDER_LINE ? 10 : 11,
                    restart);
            assertThat(restart.tally().lostUploads())
                    .as("lost uploads\n%s", fleet.logs())
                    .isEmpty();
            assertThat(restart.tally().lostGets())
                    .as("lost GETs\n%s", fleet.logs())
                    .isEmpty();
            assertThat(restart.stops()).as("a stop that waited for uploads").anyMatch(stop -> stop.heldUploads() > 0);
        }
    }

    @AfterAll
    static void report() {
        REPORT.print();
    }

    private static Extent extent() {
        return LongForm.ASKED_FOR ? new Extent(6, 200, Profile.LONG_UPLOADS) : new Extent(2, 1, Profile.SHORT_UPLOADS);
    }

    /** Skips what cannot run here, by name; where nothing may be skipped that is a failure. */
    private static void needs(FrontEnd frontEnd) {
        frontEnd.server().missing().ifPresent(missing -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            abort("skipped: " + missing);
        });
    }
}
