package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.DrainSettings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The table of docs/configuration.md names each setting, with its default. */
class SettingsReferenceTest {
    private static final Pattern ROW = Pattern.compile("\\| `(\\w+)` \\| (.*?) \\| .*");

    @Test
    void eachSettingHasARowWithItsDefault() throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        for (String line : Files.readAllLines(Path.of("../docs/configuration.md"))) {
            var row = ROW.matcher(line);
            if (row.matches()) {
                rows.putIfAbsent(row.group(1), row.group(2).replaceAll("`|<br>", ""));
            }
        }
        for (Setting setting : Setting.values()) {
            String fallback = setting.defaultValue();
            assertThat(rows.get(setting.key()))
                    .as("docs/configuration.md, the default of [%s]", setting.key())
                    .isEqualTo(fallback == null ? "none" : fallback);
        }
    }
}
