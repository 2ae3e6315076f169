package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void readsWhatADrainSays() {
        Map<String, Object> read = Json.object(
                " {\"state\":\"DRAINING\",\"inFlight\":{\"uploads\":2},\"ready\":false,\"reason\":null,\"uploads\":[{\"id\":1},{}],"
                        + "\"n\":-1.5e3,\"t\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}\n");

        assertThat(Json.text(read, "state")).isEqualTo("DRAINING");
        assertThat(Json.number(Json.object(read, "inFlight"), "uploads")).isEqualTo(2);
        assertThat(read).containsEntry("ready", false).containsEntry("n", -1500.0);
        assertThat(read.get("uploads")).isEqualTo(List.of(Map.of("id", 1.0), Map.of()));
        assertThat(Json.text(read, "t")).isEqualTo("a\"\\/\b\f\n\r\té");
    }

    @Test
    void whatIsNotThereIsEmpty() {
        assertThat(Json.text(Map.of("a", 1.0), "a")).isNull();
        assertThat(Json.number(Map.of(), "a")).isZero();
        assertThat(Json.object(Map.of("a", "b"), "a")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "[]",
                "1",
                "{",
                "{}}",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\":1,}",
                "{\"a\":tru}",
                "{\"a\":\"",
                "{\"a\":\"\\",
                "{\"a\":\"\\u12\"}",
                "{\"a\":\"\\x\"}",
                "{\"a\":\"\\u٠٠٤١\"}",
                "{\"a\":--1}",
                "{a:1}",
                "<html>"
            })
    void refusesWhatIsNoObject(String text) {
        assertThatThrownBy(() -> Json.object(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("no JSON at character ");
    }

    @Test
    void refusesWhatIsNestedTooDeeply() {
        assertThatThrownBy(() -> Json.object("{\"a\":" + "[".repeat(100_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("too deeply");
    }

    @Test
    void throwsNothingElseWhateverTheText() {
        Random random = new Random(17);
        String letters = "{}[]\",:\\ut1e-.nfr \u0001é";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder("{");
            for (int length = random.nextInt(30); length > 0; length--) {
                text.append(letters.charAt(random.nextInt(letters.length())));
            }
            try {
                assertThat(Json.object(text.toString())).isNotNull();
            } catch (IllegalArgumentException bad) {
                assertThat(bad).hasMessageStartingWith("no JSON at character ");
            }
        }
    }
}
