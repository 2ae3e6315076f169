package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.DrainSettings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What an IDE completes, and what the documentation lists, is what there is. */
class MetadataTest {
    @Test
    void metadataNamesEverySettingWithItsDefault() throws IOException {
        var listed = new TreeMap<String, Optional<String>>();
        for (JsonNode property : metadata().path("properties")) {
            listed.put(
                    property.path("name").asText(),
                    Optional.ofNullable(property.get("defaultValue")).map(JsonNode::asText));
            assertThat(property.path("description").asText()).endsWith(".");
        }
        assertThat(listed).isEqualTo(table());
    }

    @Test
    void documentationNamesEverySetting() throws IOException {
        var page = Files.readString(Path.of("../docs/spring-boot.md"));
        assertThat(table().keySet()).allSatisfy(name -> assertThat(page).contains("`" + name + "`"));
    }

    private static Map<String, Optional<String>> table() {
        var table = new TreeMap<String, Optional<String>>();
        table.put(DrainProperties.ENABLED, Optional.of("true"));
        for (Setting setting : Setting.values()) {
            table.put(DrainProperties.nameOf(setting), Optional.ofNullable(setting.defaultValue()));
        }
        return table;
    }

    private static JsonNode metadata() throws IOException {
        try (var in = MetadataTest.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            return new ObjectMapper().readTree(in);
        }
    }
}
