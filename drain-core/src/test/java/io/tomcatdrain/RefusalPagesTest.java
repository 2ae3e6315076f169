package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefusalPagesTest {
    @TempDir
    Path directory;

    private static Map<String, String> pages(Path directory) {
        return DrainSettings.of(Map.of("refusalPages", directory.toString())).refusalPages();
    }

    private void assertRefused(Path where, String why) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pages(where))
                .withMessageStartingWith("refusalPages [" + where + "]: ")
                .withMessageContaining(why);
    }

    @Test
    void thereAreNoneUnlessTheyAreSet() {
        assertThat(DrainSettings.defaults().refusalPages()).isEmpty();
    }

    @Test
    void areThoseThatAreThere() throws IOException {
        Files.writeString(directory.resolve("refusal.html"), "<p>später</p>");
        Files.writeString(directory.resolve("index.html"), "something else");

        assertThat(pages(directory)).isEqualTo(Map.of("refusal.html", "<p>später</p>"));
    }

    @Test
    void areReadOnce() throws IOException {
        Path text = Files.writeString(directory.resolve("refusal.txt"), "one");
        DrainSettings settings = DrainSettings.of(Map.of("refusalPages", directory.toString()));
        Files.delete(text);

        assertThat(settings.refusalPages()).containsExactly(Map.entry("refusal.txt", "one"));
    }

    @Test
    void aMistakeSaysWhatToDo() throws IOException {
        assertRefused(directory, "none of [refusal.html, refusal.json, refusal.txt] is there; write those");
        assertRefused(directory.resolve("missing"), "none of [");
        assertRefused(Path.of("refusal"), "must be absolute");
        Path text = Files.write(directory.resolve("refusal.txt"), new byte[] {(byte) 0xC3, 'x'});
        assertRefused(directory, "[refusal.txt] is not UTF-8");
        Files.write(text, new byte[16 * 1024 + 1]);
        assertRefused(directory, "[refusal.txt] has more than 16384 bytes");
        Files.delete(text);
        Files.createDirectory(text);
        assertRefused(directory, "[refusal.txt] cannot be read (");
    }
}
