package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.DrainSettings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/configuration.md lists each setting, with its default. */
class SettingsReferenceTest {
    private static final Pattern ENTRY =
            Pattern.compile("^- `(\\w+)` \\((?:no default|default `([^`]+)`)\\): ?", Pattern.MULTILINE);

    @Test
    void listsEachSettingOnceWithItsDefault() throws IOException {
        Map<String, String> listed = new TreeMap<>();
        Matcher entry = ENTRY.matcher(Files.readString(Path.of("../docs/configuration.md")));
        while (entry.find()) {
            assertThat(listed.put(entry.group(1), String.valueOf(entry.group(2))))
                    .as("a second entry of [%s]", entry.group(1))
                    .isNull();
        }
        Map<String, String> settings = new TreeMap<>();
        for (Setting setting : Setting.values()) {
            settings.put(setting.key(), String.valueOf(setting.defaultValue()));
        }
        assertThat(listed).isEqualTo(settings);
    }
}
