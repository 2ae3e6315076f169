package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.cli.Exchange.Kind;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a check prints of the requests that were lost. */
class CheckReportTest {
    private static Exchange lost(Kind kind, long sentBytes, String trouble) {
        return new Exchange(kind, false, 1_000, 1_010, sentBytes, 4_000, 0, false, trouble);
    }

    private static List<String> printed(List<Exchange> exchanges) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Observation.Site site = new Observation.Site(FrontEndKind.UNKNOWN, false, 4_000, false, false, false);
        new CheckReport(new PrintStream(out, true, StandardCharsets.UTF_8))
                .verdict(new Observation(site, List.of(), exchanges, null), List.of());
        return out.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void whatAllMetAlikeIsSaidOnce() {
        List<Exchange> exchanges = Stream.of(Kind.GET, Kind.LENGTH, Kind.CHUNKED)
                .map(kind -> lost(kind, 0, "unknown authority"))
                .toList();
        assertThat(printed(exchanges))
                .filteredOn(line -> line.startsWith("  lost: "))
                .containsExactly(
                        "  lost: GET, sent at 1.0 s, ended after 0.0 s, 0 of 4000 bytes sent: no answer (unknown authority)",
                        "  lost: 2 more, for the same reason");
    }

    @Test
    void uploadsThatWereUnderWayAreSaidEach() {
        List<Exchange> exchanges = Stream.iterate(1L, sent -> sent + 1)
                .limit(23)
                .map(sent -> lost(Kind.LENGTH, sent, "reset"))
                .toList();
        List<String> printed = printed(exchanges);
        assertThat(printed)
                .filteredOn(line -> line.startsWith("  lost: upload"))
                .hasSize(20);
        assertThat(printed).contains("  lost: 3 more", "LOST: 23 of 23 requests");
    }
}
