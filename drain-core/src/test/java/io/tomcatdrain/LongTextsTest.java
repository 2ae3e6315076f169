package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tomcatdrain.DrainSettings.Setting;
import io.tomcatdrain.jmx.DrainMXBean;
import io.tomcatdrain.jmx.DrainRegistration;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a caller gave comes back in a message, but not all of it, and not as a line of its own. */
class LongTextsTest {
    private static final String LONG = "x".repeat(500_000);
    private static final String DIGITS = "9".repeat(500_000);
    private static final String LINES = "x\n2026-11-22 SEVERE forged\r\n";
    private static final int MOST = 1_000;

    private static void assertQuotesLittle(Throwable bad) {
        assertThat(bad).isInstanceOf(IllegalArgumentException.class);
        for (Throwable each = bad; each != null; each = each.getCause()) {
            assertQuotesLittle(each.getMessage());
        }
    }

    private static void assertQuotesLittle(String message) {
        assertThat(message).hasSizeLessThan(MOST).doesNotContain("\n", "\r");
    }

    @ParameterizedTest
    @EnumSource(Setting.class)
    void ofAValueOnlySomeCharactersAreQuoted(Setting setting) {
        for (String value : new String[] {LONG, LONG + "${x}", "${" + LONG + "}", LINES, LONG + "," + LONG, DIGITS}) {
            DrainSettings[] made = new DrainSettings[1];
            Throwable bad = catchThrowable(() -> made[0] = DrainSettings.of(Map.of(setting.key(), value)));
            if (bad != null) {
                assertQuotesLittle(bad);
            } else if (setting == Setting.KILL_AFTER) { // a property that nothing has set may have any name
                assertThat(made[0].warnings()).isNotEmpty().allSatisfy((String warning) -> assertQuotesLittle(warning));
            } else {
                assertThat(setting)
                        .as("a setting that may be as long as it likes")
                        .isEqualTo(Setting.TOKEN);
            }
        }
    }

    /** What gives characters back would need a frame of the stack for each of them. */
    @ParameterizedTest
    @EnumSource(names = {"PATH", "READY_PATHS", "STREAM_TYPES", "UPLOAD_KEYS"})
    void aPathOfManySegmentsIsReadLikeAnyOther(Setting setting) {
        String path = (setting == Setting.UPLOAD_KEYS ? "path:" : "") + "/x".repeat(20_000);

        assertThat(DrainSettings.of(Map.of(setting.key(), path)).text(setting)).isEqualTo(path);
    }

    @Test
    void ofPathsThatContradictOnlySomeCharactersAreQuoted() {
        assertQuotesLittle(catchThrowable(() -> DrainSettings.of(Map.of("readyPaths", "/" + LONG + ",/" + LONG))));
        assertQuotesLittle(catchThrowable(() -> DrainSettings.of(Map.of("readyPaths", "/drain/" + LONG))));
        assertQuotesLittle(catchThrowable(() -> DrainSettings.of(Map.of("lameDuck", "P" + DIGITS))));
    }

    @Test
    void ofANameOnlySomeCharactersAreQuoted() {
        assertQuotesLittle(catchThrowable(() -> DrainSettings.of(Map.of(LONG, "x"))));
        assertQuotesLittle(catchThrowable(() -> DrainSettings.of(Map.of(LINES, "x"))));
    }

    @Test
    void ofWhatJmxIsGivenOnlySomeCharactersAreKept() {
        NodeDrain drain = new FakeTicker().drain();
        DrainMXBean view = DrainRegistration.view(drain);
        assertQuotesLittle(catchThrowable(() -> view.drain("upgrade", LONG)));
        assertQuotesLittle(catchThrowable(() -> view.drain("upgrade", "1" + LINES)));
        StringWriter trace = new StringWriter();
        catchThrowable(() -> view.drain("upgrade", LONG)).printStackTrace(new PrintWriter(trace));
        assertThat(trace.toString()).hasSizeLessThan(100_000).doesNotContain("x".repeat(MOST));

        view.drain(LONG, "10m");
        assertThat(view.getReason()).hasSizeLessThan(MOST);
    }

    @Test
    void aCharacterIsNotCutInHalf() {
        String faces = "\uD83D\uDE00".repeat(1_000);

        String quoted = DrainSettings.quotable("x" + faces);

        assertThat(quoted.codePoints()).noneMatch(point -> point >= 0xD800 && point <= 0xDFFF);
    }
}
