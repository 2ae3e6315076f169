package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;

class QueryParametersTest {
    private static final List<String> KNOWN = List.of("timeout", "reason", "resumeAfter");

    @ParameterizedTest
    @NullAndEmptySource
    void mayBeNone(String query) {
        QueryParameters parameters = QueryParameters.parse(query, List.of());

        assertThat(parameters.duration("timeout")).isNull();
        assertThat(parameters.positiveDuration("timeout", "")).isNull();
        assertThat(parameters.line("reason")).isNull();
    }

    @Test
    void areDecodedAsUtf8() {
        QueryParameters parameters =
                QueryParameters.parse("reason=up%67rade+to%20v2%2B=%C3%BC%E2%82%AC%F0%9F%9A%BF&timeout=PT10M", KNOWN);

        assertThat(parameters.line("reason")).isEqualTo("upgrade to v2+=ü€\uD83D\uDEBF");
        assertThat(parameters.duration("timeout")).isEqualTo(Duration.ofMinutes(10));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            timeout=1s&timeout=1s     | duplicate parameter [timeout]: give it once
            timeout=1s&time%6Fut=2s   | duplicate parameter [timeout]: give it once
            timeuot=1s                | unknown parameter [timeuot]: use one of [timeout, reason, resumeAfter]
            TIMEOUT=1s                | unknown parameter [TIMEOUT]: use one of [timeout, reason, resumeAfter]
            =1s                       | unknown parameter []: use one of
            =                         | unknown parameter []: use one of
            timeout                   | timeout [] is empty: give it a value or leave the parameter out
            timeout=                  | timeout [] is empty
            reason=+%20               | reason [  ] is empty
            &                         | empty parameter []
            timeout=1s&               | empty parameter [] in the query string: remove the [&]
            &timeout=1s               | empty parameter []
            timeout=1s&&reason=x      | empty parameter []
            timeout=%                 | timeout [%] is malformed: [%] needs two hexadecimal digits
            timeout=%3                | timeout [%3] is malformed
            timeout=%3g               | timeout [%3g] is malformed
            timeout=%-1               | timeout [%-1] is malformed
            t%zzmeout=1s              | the name [t%zzmeout] is malformed
            reason=%C3                | reason [%C3] is malformed: what is percent-encoded must be UTF-8
            reason=%C0%AF             | must be UTF-8
            reason=%ED%A0%80          | must be UTF-8
            reason=ü                  | reason [ü] is malformed: only visible ASCII
            """)
    void areReadStrictly(String query, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QueryParameters.parse(query, KNOWN))
                .withMessageContaining(message);
    }

    @Test
    void saysWhenNoneMayBeGiven() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QueryParameters.parse("x=1", List.of()))
                .withMessage("unknown parameter [x]: this request takes none; leave it out");
    }

    @ParameterizedTest(name = "timeout={0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            soon                 | timeout [soon]: a duration is a whole number with ms, s, m or h
            1.5s                 | timeout [1.5s]: a duration is
            %2010s               | timeout [ 10s]: a duration is
            -1s                  | timeout [-1s]: a duration must not be negative; for example [timeout=10m]
            -PT1S                | must not be negative
            99999999999999999999 | timeout [99999999999999999999]: a duration must be at most
            9999999h             | timeout [9999999h]: a duration must be at most
            """)
    void refusesWhatIsNoDuration(String value, String message) {
        QueryParameters parameters = QueryParameters.parse("timeout=" + value, KNOWN);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> parameters.duration("timeout"))
                .withMessageContaining(message);
    }

    @Test
    void knowsDurationsThatMustNotBeZero() {
        QueryParameters parameters = QueryParameters.parse("resumeAfter=0s&timeout=0s", KNOWN);

        assertThat(parameters.duration("timeout")).isZero();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parameters.positiveDuration("resumeAfter", "leave it"))
                .withMessage("resumeAfter [0s]: more than zero is needed; leave it");
    }

    @Test
    void takesALineOf200Characters() {
        QueryParameters longest = QueryParameters.parse("reason=" + "x".repeat(200), KNOWN);
        QueryParameters tooLong = QueryParameters.parse("reason=" + "x".repeat(201), KNOWN);

        assertThat(longest.line("reason")).hasSize(200);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> tooLong.line("reason"))
                .withMessage(
                        "reason [" + "x".repeat(100) + "…]: it has 201 characters and may have 200; say it shorter");
    }

    @ParameterizedTest
    @CsvSource({"a%0Ab", "%0D", "a%00", "%1B[31m", "%7F", "%C2%85"})
    void takesNoControlCharactersInALine(String value) {
        QueryParameters parameters = QueryParameters.parse("reason=x" + value, KNOWN);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> parameters.line("reason"))
                .withMessageContaining("control characters");
    }

    /** A terminal that shows the answer would obey them. */
    @ParameterizedTest
    @CsvSource({"reason=x%1B[2J%0A", "reas%1Bon=x", "timeout=%0D%0A", "wait=%C2%9B2J", "timeout=5%7Fs"})
    void repeatsNoControlCharacters(String query) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> {
                    QueryParameters parameters = QueryParameters.parse(query, KNOWN);
                    parameters.line("reason");
                    parameters.duration("timeout");
                    parameters.duration("wait");
                })
                .satisfies(bad -> assertThat(bad.getMessage().chars()).noneMatch(Character::isISOControl));
    }

    @ParameterizedTest
    @CsvSource({"reason=%٣٣", "reason=%３３", "reason=%4", "reason=%g1"})
    void takesAsciiDigitsOnlyBehindAPercentSign(String query) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QueryParameters.parse(query, KNOWN))
                .withMessageContaining("is malformed");
    }

    @Test
    void repeatsNoMoreThanAnAnswerCanHold() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QueryParameters.parse("y".repeat(5_000) + "=1", KNOWN))
                .satisfies(bad -> assertThat(bad.getMessage()).hasSizeLessThan(250));
    }
}
