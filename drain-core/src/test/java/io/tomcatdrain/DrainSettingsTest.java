package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tomcatdrain.DrainSettings.Refuse;
import io.tomcatdrain.DrainSettings.Setting;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DrainSettingsTest {
    private static final String TOKEN = "s3cret-s3cret-s3cret";

    @Test
    void hasTheDefaultsOfTheContract() {
        DrainSettings settings = DrainSettings.defaults();

        assertThat(settings.path()).isEqualTo("/drain");
        assertThat(settings.hasToken()).isFalse();
        assertThat(settings.isToken("")).isFalse();
        assertThat(settings.controlPort()).isNull();
        assertThat(settings.readyPaths()).isEmpty();
        assertThat(settings.uploadTypes().prefixes())
                .containsExactly("multipart/", "application/offset+octet-stream", "application/partial-upload");
        assertThat(settings.uploadSize()).isEqualTo(65_536);
        assertThat(settings.streamTypes().match("text/event-stream", null)).isTrue();
        assertThat(settings.openUploads()).isEqualTo(DrainSettings.OpenUploads.SESSION);
        assertThat(settings.uploadGap()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.uploadKeys()).isEmpty();
        assertThat(settings.refuse()).isEqualTo(Refuse.ALL);
        assertThat(settings.lameDuck()).isEqualTo(new LameDuck(LameDuck.Mode.AUTO, Duration.ZERO));
        assertThat(settings.lameDuckTimeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.probeFailures()).isEqualTo(3);
        assertThat(settings.closeListener()).isFalse();
        assertThat(settings.uploadTimeout()).isEqualTo(Duration.ofMinutes(10));
        assertThat(settings.requestTimeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.stallTimeout()).isEqualTo(Duration.ofSeconds(60));
        assertThat(settings.retryAfter()).isEqualTo(Duration.ofSeconds(5));
        assertThat(settings.refusalStatus()).isEqualTo(503);
        assertThat(settings.drainOnStop()).isTrue();
        assertThat(settings.killAfter()).isNull();
        assertThat(settings.warnings()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "path, /drain",
        "path, /a/b-c_d.e~f",
        "token, 0123456789abcdef",
        "token, !~#$%&'()*+.-/:;<=>?@[]^_",
        "controlPort, 1",
        "controlPort, 65535",
        "readyPaths, /health",
        "readyPaths, '/health, /app/actuator/health/readiness'",
        "uploadTypes, video/*",
        "uploadTypes, application/octet-stream",
        "uploadSize, off",
        "uploadSize, 0",
        "uploadSize, 65536",
        "uploadSize, 64kb",
        "uploadSize, 1MB",
        "uploadSize, 8589934591GB",
        "uploadSize, 9223372036854775807",
        "streamTypes, 'text/event-stream, application/x-ndjson'",
        "streamTypes, /shop/poll",
        "streamTypes, 'multipart/x-mixed-replace,/shop/events/*,/'",
        "streamTypes, /*",
        "openUploads, session",
        "openUploads, upload",
        "openUploads, off",
        "uploadGap, 5m",
        "uploadKeys, query:dzuuid",
        "uploadKeys, 'query:dzuuid, path:/dav/uploads/*'",
        "uploadKeys, path:/*/files",
        "refuse, all",
        "refuse, uploads",
        "lameDuck, auto",
        "lameDuck, off",
        "lameDuck, 5s",
        "lameDuck, 0s",
        "lameDuckTimeout, 0",
        "lameDuckTimeout, PT1M",
        "probeFailures, 1",
        "probeFailures, 1000",
        "closeListener, true",
        "closeListener, false",
        "uploadTimeout, 0s",
        "uploadTimeout, 87600h",
        "requestTimeout, 0s",
        "requestTimeout, 500ms",
        "stallTimeout, 1ms",
        "stallTimeout, 1h",
        "retryAfter, 0s",
        "retryAfter, 1500",
        "refusalStatus, 400",
        "refusalStatus, 599",
        "drainOnStop, true",
        "drainOnStop, false",
        "killAfter, 1ms",
        "killAfter, 90s"
    })
    void takesGoodValuesAndShowsThemAsTheyWereSet(String name, String value) {
        DrainSettings settings = DrainSettings.of(Map.of(name, value));

        Setting setting = Setting.named(name);
        assertThat(settings.text(setting)).isEqualTo(setting == Setting.TOKEN ? null : value);
    }

    @ParameterizedTest
    @CsvSource({
        "path, drain",
        "path, /",
        "path, //",
        "path, /drain/",
        "path, /a//b",
        "path, /a b",
        "path, /a%20b",
        "path, /a?b",
        "path, /..",
        "path, /a/./b",
        "path, /größe",
        "controlPort, 0",
        "controlPort, 65536",
        "controlPort, -1",
        "controlPort, 8080x",
        "controlPort, +8080",
        "controlPort, 99999999999",
        "readyPaths, health",
        "readyPaths, /",
        "readyPaths, '/health,'",
        "readyPaths, '/health,/health'",
        "readyPaths, /health?x=1",
        "uploadTypes, multipart",
        "uploadTypes, 'a/b,'",
        "uploadSize, -1",
        "uploadSize, 64K",
        "uploadSize, 64 KB",
        "uploadSize, 1.5MB",
        "uploadSize, KB",
        "uploadSize, OFF",
        "uploadSize, none",
        "uploadSize, 8589934592GB",
        "uploadSize, 9223372036854775808",
        "streamTypes, event-stream",
        "streamTypes, 'text/event-stream,'",
        "streamTypes, /shop/po*l",
        "streamTypes, /shop*",
        "streamTypes, /shop?poll",
        "streamTypes, '/shop poll'",
        "openUploads, on",
        "uploadGap, 0s",
        "uploadKeys, dzuuid",
        "uploadKeys, 'query:'",
        "uploadKeys, 'query:a,'",
        "uploadKeys, query:a b",
        "uploadKeys, path:dav",
        "uploadKeys, path:/",
        "uploadKeys, path:/dav/",
        "uploadKeys, path:/dav/a*",
        "refuse, none",
        "refuse, ALL",
        "lameDuck, on",
        "lameDuck, -5s",
        "lameDuck, 87601h",
        "lameDuckTimeout, -1s",
        "probeFailures, 0",
        "probeFailures, 1001",
        "probeFailures, 2.5",
        "probeFailures, +3",
        "probeFailures, ٣",
        "closeListener, yes",
        "closeListener, TRUE",
        "uploadTimeout, -10m",
        "uploadTimeout, 9223372036854775807h",
        "uploadTimeout, ten",
        "requestTimeout, -1",
        "requestTimeout, 1d",
        "stallTimeout, 0s",
        "stallTimeout, -1s",
        "retryAfter, -1s",
        "retryAfter, soon",
        "refusalStatus, 399",
        "refusalStatus, 600",
        "refusalStatus, 200",
        "drainOnStop, 1",
        "killAfter, 0",
        "killAfter, -90s"
    })
    void refusesBadValuesAndNamesAttributeValueAndRule(String name, String value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of(name, value)))
                .withMessageStartingWith(name + " [" + value + "]: ")
                .satisfies(bad ->
                        assertThat(bad.getMessage().length()).isGreaterThan(name.length() + value.length() + 15));
    }

    @Test
    void everyAttributeOfTheContractIsInTheTableAndNoOther() {
        assertThat(Setting.values())
                .extracting(Setting::key)
                .containsExactly(
                        "path",
                        "token",
                        "tokenFile",
                        "controlPort",
                        "readyPaths",
                        "uploadTypes",
                        "uploadSize",
                        "streamTypes",
                        "openUploads",
                        "uploadGap",
                        "uploadKeys",
                        "refuse",
                        "lameDuck",
                        "lameDuckTimeout",
                        "probeFailures",
                        "closeListener",
                        "uploadTimeout",
                        "requestTimeout",
                        "stallTimeout",
                        "retryAfter",
                        "refusalStatus",
                        "refusalPages",
                        "drainOnStop",
                        "killAfter");
    }

    @ParameterizedTest
    @CsvSource({"/drain", "/drain/ready", "'/health, /drain/live'"})
    void whatIsBelowThePathIsNoUrlOfTheApplications(String readyPaths) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("readyPaths", readyPaths)))
                .withMessageStartingWith("readyPaths [" + readyPaths + "] contradicts path [/drain]: ");
        assertThat(DrainSettings.of(Map.of("readyPaths", "/drainage, /health")).readyPaths())
                .containsExactly("/drainage", "/health");
    }

    @ParameterizedTest
    @EnumSource(Setting.class)
    void anEmptyValueIsAnErrorThatTellsTheDefault(Setting setting) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of(setting.key(), "")))
                .withMessageStartingWith(setting.key() + " [] is empty: leave the setting out")
                .withMessageEndingWith(
                        setting.defaultValue() == null ? "which is none" : "[" + setting.defaultValue() + "]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Collections.singletonMap(setting.key(), null)))
                .withMessageStartingWith(setting.key() + " [] is empty: ");
    }

    @ParameterizedTest
    @EnumSource(value = Setting.class, names = "KILL_AFTER", mode = EnumSource.Mode.EXCLUDE)
    void aPlaceholderThatNothingResolvedIsAnErrorThatSaysWhereToDefineIt(Setting setting) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of(setting.key(), "${drain.value}")))
                .withMessageStartingWith(setting.key() + " [${drain.value}] holds a placeholder")
                .withMessageContaining("catalina.properties");
    }

    /** The examples name a property that only the unit or the pod sets; by hand the same Tomcat must start. */
    @Test
    void aKillAfterWhosePropertyNothingHasSetIsNoneAndAWarning() {
        DrainSettings settings = DrainSettings.of(Map.of("killAfter", "${drain.killAfter}"));

        assertThat(settings.killAfter()).isNull();
        assertThat(settings.warnings())
                .singleElement()
                .asString()
                .startsWith("killAfter [${drain.killAfter}] names a property that nothing has set: ");
        assertThat(settings.with("killAfter", "11m").killAfter()).hasMinutes(11);
        assertThat(settings.with("uploadTimeout", "1h").killAfter()).isNull();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("killAfter", "1${drain.killAfter}")))
                .withMessageContaining("placeholder");
    }

    @Test
    void aPlaceholderInsideATokenDoesNotShowTheRestOfTheToken() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("token", TOKEN + "${drain.rest}")))
                .withMessageStartingWith("token [")
                .withMessageContaining("placeholder")
                .satisfies(DrainSettingsTest::showsNoToken);
    }

    @ParameterizedTest
    @CsvSource({"uploadTimout, uploadTimeout", "Path, path", "tokn, token", "lameduck, lameDuck", "killAfer, killAfter"
    })
    void anUnknownNameIsAnErrorThatSuggestsTheNearest(String wrong, String right) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of(wrong, "x")))
                .withMessage("unknown attribute [" + wrong + "]; did you mean [" + right + "]?");
    }

    @Test
    void anUnknownNameThatResemblesNothingListsWhatIsKnown() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("className42", "x")))
                .withMessageStartingWith("unknown attribute [className42]; known are [path, token, tokenFile, ")
                .withMessageEndingWith("killAfter]");
    }

    @Test
    void refusingUploadsOnlyContradictsClosedListeners() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("refuse", "uploads", "closeListener", "true")))
                .withMessageStartingWith("closeListener [true] contradicts refuse [uploads]")
                .withMessageContaining("use refuse [all]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"tooshort-3f9", "has a space in it-3f9", "umlaut-größe-3f9-3f9-3f9", "tab\tin-the-middle-3f9"})
    void aBadTokenIsNotInTheMessage(String token) {
        Throwable bad = catchThrowable(() -> DrainSettings.of(Map.of("token", token)));

        assertThat(bad)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("token [***]: ")
                .hasMessageContaining("openssl rand -hex 24");
        StringWriter trace = new StringWriter();
        bad.printStackTrace(new PrintWriter(trace));
        assertThat(trace.toString()).doesNotContain(token).doesNotContain("3f9");
    }

    @Test
    void theTokenIsNeverShown() {
        DrainSettings settings = DrainSettings.of(Map.of("token", TOKEN, "closeListener", "true", "killAfter", "5s"));

        assertThat(settings.hasToken()).isTrue();
        assertThat(settings.isToken(TOKEN)).isTrue();
        assertThat(settings.isToken(TOKEN + "x")).isFalse();
        assertThat(settings.text(Setting.TOKEN)).isNull();
        assertThat(settings.toString()).doesNotContain(TOKEN);
        assertThat(settings.warnings()).isNotEmpty().noneMatch(warning -> warning.contains(TOKEN));
    }

    private static void showsNoToken(Throwable bad) {
        StringWriter trace = new StringWriter();
        bad.printStackTrace(new PrintWriter(trace));
        assertThat(trace.toString()).doesNotContain(TOKEN);
    }

    @Test
    void oneSettingCanBeChangedAndTheOthersStay() {
        DrainSettings before = DrainSettings.of(Map.of("token", TOKEN, "uploadTimeout", "1h"));

        DrainSettings after = before.with("requestTimeout", "1s");

        assertThat(after.isToken(TOKEN)).isTrue();
        assertThat(after.uploadTimeout()).isEqualTo(Duration.ofHours(1));
        assertThat(after.requestTimeout()).isEqualTo(Duration.ofSeconds(1));
        assertThat(before.requestTimeout()).isEqualTo(Duration.ofSeconds(30));
    }

    @ParameterizedTest
    @CsvSource({
        // what the server itself needs is a tenth, from one second to five, and never more than half
        "1ms, PT0.001S",
        "1s, PT0.5S",
        "3s, PT2S",
        "10s, PT9S",
        "30s, PT27S",
        "90s, PT85S",
        "1h, PT59M55S"
    })
    void aStopLeavesTheServerTimeBeforeTheKill(String killAfter, Duration budget) {
        assertThat(DrainSettings.of(Map.of("killAfter", killAfter)).stopBudget())
                .isEqualTo(budget);
    }

    @Test
    void withoutKillAfterAStopHasNoBudget() {
        assertThat(DrainSettings.defaults().stopBudget()).isNull();
    }

    @Test
    void aKillAfterShorterThanTheLimitsWarnsWithTheNumbers() {
        DrainSettings settings = DrainSettings.of(Map.of("killAfter", "30s"));

        assertThat(settings.warnings())
                .singleElement()
                .asString()
                .startsWith("killAfter [30s] is shorter than what the limits can take [630s]")
                .contains("lame duck gets at most [13500ms]", "everything together [27s]", "lower uploadTimeout");
    }

    @Test
    void aKillAfterWithoutAUnitWarnsThatItIsMilliseconds() {
        assertThat(DrainSettings.of(Map.of("killAfter", "90")).warnings())
                .singleElement()
                .asString()
                .startsWith("killAfter [90], in milliseconds as every number without a unit, is shorter")
                .contains("lame duck gets at most [22ms]", "everything together [45ms]");
    }

    @Test
    void aKillAfterThatTheLimitsFitIntoDoesNotWarn() {
        assertThat(DrainSettings.of(Map.of("killAfter", "635s")).warnings()).isEmpty();
        assertThat(DrainSettings.of(Map.of("killAfter", "634s")).warnings()).hasSize(1);
    }

    @Test
    void closedListenersWithoutAPortForProbesWarn() {
        assertThat(DrainSettings.of(Map.of("closeListener", "true")).warnings())
                .anyMatch(warning -> warning.startsWith("closeListener [true] without controlPort"));
        assertThat(DrainSettings.of(Map.of("closeListener", "true", "controlPort", "8081", "openUploads", "off"))
                        .warnings())
                .isEmpty();
    }

    @Test
    void closedListenersThroughWhichNoFurtherPartComesWarn() {
        assertThat(DrainSettings.of(Map.of("closeListener", "true", "controlPort", "8081"))
                        .warnings())
                .singleElement()
                .asString()
                .startsWith("closeListener [true] with openUploads [session]");
    }

    @Test
    void theLongestWaitIsTheLongerOfTheTwo() {
        assertThat(DrainSettings.of(Map.of("requestTimeout", "1h")).longestWait())
                .isEqualTo(Duration.ofHours(1));
        assertThat(DrainSettings.defaults().longestWait()).isEqualTo(Duration.ofMinutes(10));
    }

    @Test
    void limitsOfACommandMustNotBeNegative() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DrainLimits(Duration.ofSeconds(-1), null))
                .withMessageContaining("timeout [PT-1S]: a duration must not be negative");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DrainLimits(null, Duration.ofSeconds(-1)))
                .withMessageContaining("resumeAfter [PT-1S]: a duration must not be negative");
    }

    @Test
    void limitsOfACommandAreBoundedLikeEveryOtherDuration() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DrainLimits(Duration.ofSeconds(Long.MAX_VALUE), null))
                .withMessageStartingWith("timeout [")
                .withMessageContaining("at most 3650 days");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DrainLimits(null, Duration.ofDays(3651)))
                .withMessageStartingWith("resumeAfter [")
                .withMessageContaining("at most 3650 days");
    }
}
