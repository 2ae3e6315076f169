package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadinessPollTest {
    @Test
    void textsFromOutsideAreBounded() {
        String endless = "x".repeat(100_000);
        ReadinessPoll poll = new ReadinessPoll(endless, endless, endless, false);

        assertThat(poll.remote()).hasSize(200);
        assertThat(poll.userAgent()).hasSize(200);
        assertThat(poll.name()).hasSize(200);
        assertThat(poll.who()).hasSizeLessThan(650);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"x\r\nINFO forged", "x\n\nINFO forged", "x\u0085\u0000INFO forged", "x\u001b\u007fINFO forged"})
    void controlCharactersAreReplaced(String text) {
        ReadinessPoll poll = new ReadinessPoll(text, text, text, false);

        assertThat(poll.remote()).isEqualTo("x??INFO forged");
        assertThat(poll.userAgent()).isEqualTo("x??INFO forged");
        assertThat(poll.name()).isEqualTo("x??INFO forged");
        assertThat(poll.who()).matches("\\P{Cntrl}+");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t "})
    void blankIsNone(String text) {
        assertThat(new ReadinessPoll(text, text, text, false)).isEqualTo(new ReadinessPoll(null, null, null, false));
    }

    @Test
    void onlyOneWithoutAgentAndNameIsNameless() {
        assertThat(new ReadinessPoll("10.0.0.1", null, null, false).isNameless())
                .isTrue();
        assertThat(new ReadinessPoll("10.0.0.1", "a", null, false).isNameless()).isFalse();
        assertThat(new ReadinessPoll("10.0.0.1", null, "web", false).isNameless())
                .isFalse();
    }

    @Test
    void namesWhatIsMissingWithoutTheWordNull() {
        assertThat(new ReadinessPoll(null, null, null, false).who()).isEqualTo("an unknown address [no User-Agent]");
        assertThat(new ReadinessPoll("10.0.0.1", "probe/1", "web", false).who())
                .isEqualTo("10.0.0.1 [probe/1] prober=web");
    }
}
