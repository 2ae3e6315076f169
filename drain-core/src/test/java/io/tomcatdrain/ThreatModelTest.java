package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/threat-model.md names a test in each of its rows, and each of these tests exists. */
class ThreatModelTest {
    private static final Path TOP = Path.of("..");
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|IT))\\.(\\w+)`");

    @Test
    void eachRowNamesATest() throws IOException {
        List<String> rows = Files.readAllLines(TOP.resolve("docs/threat-model.md")).stream()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| attempt"))
                .toList();

        assertThat(rows)
                .hasSizeGreaterThan(20)
                .allMatch(row -> NAMED.matcher(row).find());
    }

    @Test
    void eachNamedTestExists() throws IOException {
        Map<String, String> sources = CommandsTest.tests();

        assertThat(NAMED.matcher(Files.readString(TOP.resolve("docs/threat-model.md")))
                        .results()
                        .filter(named ->
                                !sources.getOrDefault(named.group(1), "").contains("void " + named.group(2) + "("))
                        .map(named -> named.group())
                        .toList())
                .isEmpty();
    }
}
