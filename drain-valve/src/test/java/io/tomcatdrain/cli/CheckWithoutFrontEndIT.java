package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.valve.DrainValve;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The check of a site that is one of its own nodes: nothing stands before it, so that its users go to the drained node, too, and uploads
 * reach the canary. With front ends it is tried beside the examples.
 */
@Timeout(90)
class CheckWithoutFrontEndIT {
    private static final String TOKEN = "0123456789abcdef";

    private final DrainValve valve = new DrainValve();
    private final DrainValve otherValve = new DrainValve();
    private final List<DrainState> otherStates = new CopyOnWriteArrayList<>();
    private EmbeddedTomcat node;
    private EmbeddedTomcat other;
    private List<String> words;

    @TempDir
    Path directory;

    @BeforeEach
    void start() throws Exception {
        valve.setToken(TOKEN);
        otherValve.setToken(TOKEN);
        node = EmbeddedTomcat.plain().before(valve).start();
        other = EmbeddedTomcat.plain().before(otherValve).start();
        otherValve.drain().onStateChange((before, after) -> otherStates.add(after));
        words = List.of(
                "check",
                "http://127.0.0.1:" + node.port() + "/app/ok",
                "--node",
                "http://127.0.0.1:" + other.port() + "/drain",
                "--node",
                "http://127.0.0.1:" + node.port() + "/drain",
                "--upload-time",
                "2s");
    }

    @AfterEach
    void stop() {
        node.close();
        other.close();
    }

    @Test
    void saysThatNobodyProbesAndLetsTheNodeServeAgain() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        int status = new Terminal(Map.of("DRAIN_TOKEN", TOKEN), print, print).run(words.toArray(String[]::new));
        String text = out.toString(StandardCharsets.UTF_8);
        assertThat(status).as(text).isEqualTo(Terminal.NOT_WELL);
        assertThat(text)
                .contains(
                        "drains http://127.0.0.1:" + node.port(),
                        "NOBODY_PROBES: ",
                        "option httpchk GET /drain/ready",
                        "upload, chunked",
                        "upload, with Expect",
                        "503 (refused)",
                        "used again at")
                .doesNotContain(TOKEN, "FRONT_END_CUTS", "OTHER_LOSS");
        assertThat(valve.drain().state()).isEqualTo(DrainState.SERVING);
        assertThat(valve.drain().status().report().failed()).isZero();
        assertThat(otherStates).isEmpty();
    }

    @Test
    void letsTheNodeServeAgainWhenItIsInterrupted() throws Exception {
        Path output = directory.resolve("output.txt");
        List<String> command = new java.util.ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "io.tomcatdrain.cli.Main"));
        command.addAll(words);
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().put("DRAIN_TOKEN", TOKEN);
        Process check = builder.start();
        try {
            await().atMost(Duration.ofSeconds(60)).until(() -> valve.drain().state() != DrainState.SERVING);
            check.destroy();
            assertThat(check.waitFor()).isNotZero();
            assertThat(valve.drain().state()).as(Files.readString(output)).isEqualTo(DrainState.SERVING);
            assertThat(Files.readString(output)).contains("serves again");
        } finally {
            check.destroyForcibly();
        }
    }
}
