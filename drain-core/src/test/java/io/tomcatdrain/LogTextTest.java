package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LogTextTest {
    @Test
    void noTextCanBeginALineOfItsOwn() {
        assertThat(LogText.clean("a\r\nINFO forged\u0085\u001b[31m\tb\u007f")).isEqualTo("a??INFO forged??[31m?b?");
    }

    @Test
    void ordinaryTextIsKept() {
        assertThat(LogText.clean("/größe/😀?x")).isEqualTo("/größe/😀?x");
    }

    @Test
    void noTextIsAQuestionMark() {
        assertThat(LogText.clean(null)).isEqualTo("?");
    }
}
