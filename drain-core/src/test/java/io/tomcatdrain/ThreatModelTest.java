package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/threat-model.md names a test for each of its attempts, and each of these tests exists. */
class ThreatModelTest {
    private static final Path TOP = Path.of("..");
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|IT))\\.(\\w+)`");

    @Test
    void eachAttemptNamesATest() throws IOException {
        List<String> attempts = Pattern.compile("^(?=- \\*\\*)|\\n\\s*\\n", Pattern.MULTILINE)
                .splitAsStream(Files.readString(TOP.resolve("docs/threat-model.md")))
                .filter(text -> text.startsWith("- **"))
                .toList();

        assertThat(attempts)
                .hasSizeGreaterThan(30)
                .allMatch(attempt -> NAMED.matcher(attempt).find());
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
