package io.tomcatdrain.sample.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.tomcat.util.json.JSONParser;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void writesMembersInTheirOrder() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("node", "n1");
        value.put("count", 3);
        value.put("slow", true);
        value.put("files", List.of(Map.of("size", 5L), "x"));
        value.put("none", List.of());
        assertThat(Json.of(value))
                .isEqualTo("{\"node\":\"n1\",\"count\":3,\"slow\":true,\"files\":[{\"size\":5},\"x\"],\"none\":[]}");
    }

    @Test
    void everyStringComesBackAsItWas() throws Exception {
        String text = "quote \" backslash \\ line\r\n tab\t nul \0 \u00fc \ud83d\ude00 </script>";
        assertThat(new JSONParser(Json.of(Map.of(text, text))).parseObject()).isEqualTo(Map.of(text, text));
    }

    @Test
    void escapesWhatUtf8CannotCarry() {
        assertThat(Json.of("\ud83d")).isEqualTo("\"\\ud83d\"");
    }

    @Test
    void keepsLargeNumbers() throws Exception {
        assertThat(new JSONParser(Json.of(Map.of("size", Long.MAX_VALUE))).parseObject())
                .isEqualTo(Map.of("size", BigInteger.valueOf(Long.MAX_VALUE)));
    }
}
