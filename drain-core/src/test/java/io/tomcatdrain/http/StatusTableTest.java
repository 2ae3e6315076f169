package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import java.time.Instant;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusTableTest {
    private static final Instant NOON = Instant.parse("2026-11-28T12:00:00.250Z");

    private static final ActiveUpload KNOWN = new ActiveUpload(
            7, "POST", "/upload", "10.0.0.17", NOON, 2_000, 4_200_000, 10_000_000, 2_100_000, 2_762, 0);
    private static final ActiveUpload UNKNOWN =
            new ActiveUpload(9, "PUT", null, null, NOON, 2_000, -1, -1, -1, -1, 12_000);

    private static DrainStatus status(DrainState state, List<ActiveUpload> uploads, DrainReport report) {
        boolean serving = state == DrainState.SERVING;
        return new DrainStatus(
                "Catalina",
                state,
                serving,
                NOON,
                serving ? null : "upgrade",
                state == DrainState.DRAINING ? NOON.plusSeconds(558) : null,
                state == DrainState.DRAINING ? 558_000 : -1,
                -1,
                serving ? 0 : 42_000,
                serving ? 0 : 4_000,
                -1,
                true,
                new DrainStatus.InFlight(uploads.size(), 1, 0),
                new DrainStatus.Totals(12, 0, 340, 3, 5_000),
                serving ? List.of() : List.of(new DrainStatus.Prober("10.0.0.5", "web", "HAProxy", 2)),
                uploads,
                List.of(),
                report);
    }

    @Test
    void servingNodeIsToldInAFewLines() {
        assertThat(StatusTable.of(status(DrainState.SERVING, List.of(), null))).isEqualTo("""
                Catalina: SERVING
                  since 2026-11-28T12:00:00Z
                  in flight: 0 uploads, 1 other request, 0 holds
                  since the start: 12 uploads completed, 0 failed, 5.0 kB; 340 other requests completed; 3 refused
                """);
    }

    @Test
    void drainIsToldWithItsLimitsUploadsAndProbers() {
        assertThat(StatusTable.of(status(DrainState.DRAINING, List.of(KNOWN, UNKNOWN), null)))
                .isEqualTo("""
                Catalina: DRAINING, reason: upgrade
                  running for 0:42, 0:04 of it as lame duck; over in at most 9:18 (2026-11-28T12:09:18Z)
                  in flight: 2 uploads, 1 other request, 0 holds
                  since the start: 12 uploads completed, 0 failed, 5.0 kB; 340 other requests completed; 3 refused

                uploads in flight:
                      id                               received        of per second     left  request
                       7  [########------------] 42%     4.2 MB   10.0 MB     2.1 MB     0:03  POST /upload from 10.0.0.17
                       9                                      ?         ?          ?        ?  PUT ? from ?, no byte for 0:12

                probers:
                  web at 10.0.0.5 [HAProxy], was told 2 times that the node is not ready
                """);
    }

    @Test
    void pauseBetweenTwoReadsIsNoSilence() {
        var moving = new ActiveUpload(7, "POST", "/upload", "::1", NOON, 2_000, 10, 20, 5, 2_000, 999);
        var silent = new ActiveUpload(8, "POST", "/upload", "::1", NOON, 2_000, 10, 20, 5, -1, 1_000);

        assertThat(StatusTable.of(status(DrainState.DRAINING, List.of(moving, silent), null)))
                .containsPattern("(?m)^ +7 .* from ::1$")
                .containsPattern("(?m)^ +8 .* from ::1, no byte for 0:01$");
    }

    @Test
    void reportNamesWhatWasGivenUp() {
        var report = new DrainReport(
                DrainReport.Outcome.EXPIRED,
                "upgrade",
                4_000,
                600_000,
                2,
                1,
                31,
                List.of(KNOWN),
                List.of(new DrainReport.AbandonedRequest("GET", "/report", 31_000)));

        assertThat(StatusTable.of(status(DrainState.EXPIRED, List.of(), report)))
                .contains(
                        "took 0:42",
                        "last drain: EXPIRED, reason: upgrade\n  lame duck 0:04, then 10:00; 2 finished, 1 failed, 31 refused\n",
                        "uploads given up:\n",
                        "  given up: GET /report, after 0:31\n",
                        "POST /upload from 10.0.0.17\n");
    }

    @Test
    void crowdIsToldInPart() {
        List<ActiveUpload> crowd = LongStream.range(0, 10_000)
                .mapToObj(id -> new ActiveUpload(id, "POST", "/u", "::1", NOON, 0, 0, 10, 0, -1, 0))
                .toList();

        assertThat(StatusTable.of(status(DrainState.DRAINING, crowd, null)))
                .hasLineCount(4 + 3 + 40 + 1 + 3)
                .contains("  and 9960 more\n");
    }

    @ParameterizedTest
    @CsvSource({
        "-1,?",
        "0,0 B",
        "999,999 B",
        "1000,1.0 kB",
        "999949,999.9 kB",
        "999950,1.0 MB",
        "9223372036854775807,9.2 EB"
    })
    void bytesHaveDecimalUnits(long bytes, String text) {
        assertThat(StatusTable.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"-5,0:00", "1,0:01", "59000,0:59", "60000,1:00", "3599000,59:59", "3600000,1:00:00"})
    void timesAreRoundedUpToSeconds(long millis, String text) {
        assertThat(StatusTable.time(millis)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "0,10,[--------------------] 0%",
        "10,10,[####################] 100%",
        "30,10,[####################] 100%"
    })
    void barIsFullAtMost(long received, long length, String bar) {
        assertThat(StatusTable.bar(received, length)).isEqualTo(bar);
    }

    @ParameterizedTest
    @CsvSource({"-1,10", "5,-1", "0,0"})
    void barNeedsBothNumbers(long received, long length) {
        assertThat(StatusTable.bar(received, length)).isEmpty();
    }
}
