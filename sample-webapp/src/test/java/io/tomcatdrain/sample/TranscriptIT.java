package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs the commands of the documents against the sample, and compares what they print with what the documents say. {@code
 * -Dtranscripts=write} lets the documents say it.
 */
@Timeout(600)
@Tag("after-fleets")
class TranscriptIT {
    private static final boolean WRITE = "write".equals(System.getProperty("transcripts"));

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "docs/monitoring.md", "docs/terminal.md"})
    void theDocumentSaysWhatTheCommandsPrint(String document) throws Exception {
        needsCurl();
        var transcript = new Transcript(Path.of(System.getProperty("examples.dir"))
                .resolveSibling(document)
                .normalize());
        assertThat(transcript.steps()).isNotEmpty();
        List<String> outputs = new ArrayList<>();
        try (var sample = SampleProcess.start("--port", "0", "--token", NodeClient.TOKEN)) {
            var node = new NodeClient(sample);
            for (Transcript.Step step : transcript.steps()) {
                outputs.add(run(step.command(), node));
            }
        }
        if (WRITE) {
            transcript.rewrite(outputs);
            return;
        }
        assertThat(said(transcript, outputs, false))
                .as("%s says something else; -Dtranscripts=write rewrites it", document)
                .isEqualTo(said(transcript, outputs, true));
    }

    /** The commands with what was said, or printed, below each. */
    private static String said(Transcript transcript, List<String> outputs, boolean printed) {
        var text = new StringBuilder();
        for (int i = 0; i < outputs.size(); i++) {
            Transcript.Step step = transcript.steps().get(i);
            text.append("$ ").append(step.command()).append('\n');
            text.append(Transcript.steady(printed ? outputs.get(i) : step.output()))
                    .append('\n');
        }
        return text.toString();
    }

    /** Runs a command as a user does who has a token, and whose sample has the ports of the documents. */
    private String run(String command, NodeClient node) throws IOException, InterruptedException {
        boolean background = command.endsWith("&");
        String here = (background ? command.substring(0, command.length() - 1) : command)
                .replace("http://localhost:8080", root(node.root()))
                // So that a machine which stands still for a while changes nothing.
                .replace("--limit-rate 2M", "--limit-rate 1M")
                .replace("--max-time 2 ", "--max-time 10 ")
                .replace("http://localhost:9404", root(node.metricsUri()))
                .replace("drain-valve-VERSION-all.jar", System.getProperty("drain.valve.all.jar"));
        Path output = Files.createTempFile(directory, "output", "");
        var builder = new ProcessBuilder("bash", "-c", here)
                .directory(directory.toFile())
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(Map.of("TOKEN", NodeClient.TOKEN, "DRAIN_TOKEN", NodeClient.TOKEN));
        Process process = builder.start();
        if (background) {
            await().until(() -> node.status().at("/inFlight/uploads").asLong() == 1);
            return "";
        }
        assertThat(process.waitFor(3, TimeUnit.MINUTES)).as(command).isTrue();
        return Files.readString(output)
                .replace("\r", "")
                .replace(root(node.root()), "http://localhost:8080")
                .replaceAll("(?m) +$", "");
    }

    private static String root(URI uri) {
        return "http://localhost:" + uri.getPort();
    }

    private static void needsCurl() {
        boolean found = Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "curl")));
        if (!found && "true".equals(System.getenv("CI"))) {
            fail("CI=true skips nothing, but curl is not installed");
        }
        assumeTrue(found, "skipped: curl not installed (apt-get install curl)");
    }
}
