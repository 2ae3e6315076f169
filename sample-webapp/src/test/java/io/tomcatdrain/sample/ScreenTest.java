package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScreenTest {
    private static final Screen.Bar HALF = new Screen.Bar("video.mp4", 50, 100, "fixed");

    private final StringWriter out = new StringWriter();

    @Test
    void linesStayAboveTheBarsOfATerminal() {
        var screen = new Screen(new PrintWriter(out), true);
        screen.show(() -> List.of(HALF));
        screen.say("something happens");
        assertThat(out.toString().split("\n"))
                .hasSize(3)
                .satisfiesExactly(
                        first -> assertThat(first).contains("video.mp4      [############------------]  50 %  fixed"),
                        second ->
                                assertThat(second).startsWith("\033[1A\r\033[J").endsWith(" s  something happens"),
                        third -> assertThat(third).contains("video.mp4"));
    }

    @Test
    void aFileGetsNoControlCharacters() {
        var screen = new Screen(new PrintWriter(out), false);
        screen.show(() -> List.of(HALF));
        screen.refresh();
        screen.say("something happens");
        assertThat(out.toString()).endsWith(" s  something happens\n").doesNotContain("\033");
    }

    @Test
    void nothingToDoIsDone() {
        assertThat(new Screen.Bar("empty", 0, 0, "").percent()).isEqualTo(100);
    }
}
