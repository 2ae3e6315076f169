package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A token that no header can carry: the JDK's client would repeat it in its message. */
class TokenOfATerminalTest {
    private static final String NODE = "http://127.0.0.1:1/drain";

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir
    Path directory;

    private int run(Map<String, String> environment, String... words) {
        return new Terminal(environment, new PrintStream(err, true), new PrintStream(err, true, StandardCharsets.UTF_8))
                .run(words);
    }

    private String said() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"secret-of-the\nnode", "secret-of-the\u0001node", "secret-of-the-nöde", "secret of the node"})
    void isNotRepeated(String token) throws Exception {
        assertThat(run(Map.of("DRAIN_TOKEN", token), "status", NODE)).isEqualTo(Terminal.USAGE);
        Path file = Files.writeString(directory.resolve("token"), token);
        assertThat(run(Map.of(), "status", NODE, "--token-file", file.toString()))
                .isEqualTo(Terminal.USAGE);

        assertThat(said())
                .contains("the token from DRAIN_TOKEN", "the token from [" + file + "]", "visible ASCII")
                .doesNotContain("secret");
    }

    @Test
    void isNotReadToTheEndOfADevice() {
        assertThat(run(Map.of(), "status", NODE, "--token-file", "/dev/zero")).isEqualTo(Terminal.USAGE);
        assertThat(said()).contains("has more than 4096 bytes");
    }
}
