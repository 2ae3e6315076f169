package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LogTextTest {
    @Test
    void noTextCanBeginALineOfItsOwn() {
        assertThat(LogText.bounded("a\r\nINFO forged\u0085\u001b[31m\tb\u007f")).isEqualTo("a??INFO forged??[31m?b?");
    }

    @Test
    void ordinaryTextIsKept() {
        assertThat(LogText.bounded("/größe/😀?x")).isEqualTo("/größe/😀?x");
    }

    @Test
    void noTextIsAQuestionMark() {
        assertThat(LogText.bounded(null)).isEqualTo("?");
    }

    @Test
    void textOfALengthThatFillsTheLogIsCut() {
        assertThat(LogText.bounded("x".repeat(500_000))).hasSize(200).endsWith("x…");
        assertThat(LogText.bounded("x".repeat(198) + "😀😀")).isEqualTo("x".repeat(198) + "…");
        assertThat(LogText.bounded("x".repeat(200))).isEqualTo("x".repeat(200));
    }

    @Test
    void noSeparatorOfUnicodesOwnBeginsALine() {
        assertThat(LogText.bounded("a\u2028b\u2029c")).isEqualTo("a?b?c");
    }
}
