package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    private static final String NODE = "http://n1:8090/drain";

    private static Options parse(String... words) {
        return Options.parse(List.of(words), Set.of("wait", "reason"), Set.of("follow"));
    }

    @Test
    void takesNodesAndOptionsInAnyOrder() {
        Options options = parse("--wait", "10m", NODE, "--follow", "https://[::1]/app/drain/", "--reason=a=b");

        assertThat(options.nodes()).containsExactly(URI.create(NODE), URI.create("https://[::1]/app/drain"));
        assertThat(options.duration("wait", Duration.ZERO)).isEqualTo(Duration.ofMinutes(10));
        assertThat(options.text("reason")).isEqualTo("a=b");
        assertThat(options.has("follow")).isTrue();
    }

    @Test
    void aPageKeepsTheSlashAtItsEnd() {
        assertThat(parse("https://www.example.com/shop/").urls())
                .containsExactly(URI.create("https://www.example.com/shop/"));
    }

    @Test
    void whatIsLeftOutHasItsDefault() {
        assertThat(parse(NODE).duration("wait", Duration.ofSeconds(3))).hasSeconds(3);
        assertThat(parse(NODE).text("reason")).isNull();
        assertThat(parse(NODE).has("follow")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "n1",
                "ftp://n1/drain",
                "http:///drain",
                "http://n1/drain?wait=1",
                "http://n1/drain#a",
                "http://user:secret@n1/drain",
                "http://n 1/drain",
                ""
            })
    void aNodeIsTheUrlOfADrain(String word) {
        assertThatThrownBy(() -> parse(word))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[" + word + "]")
                .hasMessageContaining("http://node1:8090/drain");
    }

    @ParameterizedTest
    @CsvSource({
        "--wiat,there is no option [--wiat]; there are --follow",
        "--follow=yes,there is no option [--follow]",
        "--wait,option [--wait] needs a value"
    })
    void saysWhatIsWrongWithAnOption(String word, String message) {
        String[] parts = message.split(";", 2);
        assertThatThrownBy(() -> parse(NODE, word))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(parts[0].trim());
    }

    @Test
    void aPortThatThereCannotBeIsNoUrl() {
        assertThat(parse("http://n1:65535/drain").nodes()).hasSize(1);
        assertThatThrownBy(() -> parse("http://n1:65536/drain")).hasMessageContaining("is no URL of a drain");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--", "--wait=", "http://n1:8090/drain?", "ftp://"})
    void quotesSomeCharactersAndNoneThatATerminalObeys(String begin) {
        assertThatThrownBy(() ->
                        parse(NODE, begin + "\u001b[2J" + "x".repeat(5_000)).duration("wait", Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(bad ->
                        assertThat(bad.getMessage()).hasSizeLessThan(1_000).doesNotContain("\u001b"));
    }

    @Test
    void saysThatAnOptionIsThereTwiceAndThatNodesAreMissing() {
        assertThatThrownBy(() -> parse(NODE, "--wait", "1s", "--wait=2s")).hasMessageContaining("twice");
        assertThatThrownBy(() -> parse("--follow")).hasMessageContaining("no node is named");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--token", "--token=0123456789abcdef"})
    void aTokenIsNeverAnArgument(String word) {
        assertThatThrownBy(() -> parse(NODE, word))
                .hasMessageContaining("DRAIN_TOKEN")
                .hasMessageNotContaining("0123456789abcdef");
    }

    @Test
    void aDurationIsReadAsTheValveReadsIt() {
        assertThatThrownBy(() -> parse(NODE, "--wait", "ten").duration("wait", Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("option [--wait] has the value [ten]: ");
    }
}
