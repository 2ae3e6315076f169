package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.SlowUpload;
import io.tomcatdrain.valve.DrainValve;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ConnectException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The commands against real nodes. */
@Timeout(180)
class TerminalIT {
    private static final String TOKEN = "0123456789abcdef";

    private final DrainValve valve = new DrainValve();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private EmbeddedTomcat server;
    private String url;

    @TempDir
    Path directory;

    @BeforeEach
    void start() throws Exception {
        valve.setToken(TOKEN);
        valve.setLameDuck("off");
        server = EmbeddedTomcat.plain().before(valve).start();
        url = "http://127.0.0.1:" + server.port() + "/drain";
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private int run(String... words) {
        return terminal(Map.of("DRAIN_TOKEN", TOKEN)).run(words);
    }

    private Terminal terminal(Map<String, String> environment) {
        return new Terminal(
                environment,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void drainsAndWaitsAndResumes() throws Exception {
        try (SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            assertThat(run("drain", url, "--reason", "a new version")).isZero();
            assertThat(out()).contains(": DRAINING, in flight: uploads=1, requests=0, holds=0");
            assertThat(run("status", url)).isZero();
            assertThat(out()).contains("DRAINING, reason: a new version", "POST /app/upload from 127.0.0.1");
            assertThat(run("wait", url, "--for", "1ms")).isEqualTo(Terminal.NOT_WELL);
            Background<Integer> waiting = Background.call(() -> run("drain", url, "--wait", "30s"));
            upload.finishWhole();
            assertThat(waiting.result()).isZero();
        }
        assertThat(run("wait", url)).isZero();
        assertThat(out()).contains(": DRAINED,");
        assertThat(run("resume", url)).isZero();
        assertThat(valve.drain().state()).isEqualTo(DrainState.SERVING);
        assertThat(err()).isEmpty();
    }

    @Test
    void aDrainThatGivesUpIsNotWellAndTheNextNodeIsNotAsked() throws Exception {
        try (SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            assertThat(run("drain", url, "http://127.0.0.1:1/drain", "--timeout", "0s", "--wait", "30s"))
                    .isEqualTo(Terminal.NOT_WELL);
            assertThat(out()).contains(": EXPIRED, in flight: uploads=1");
            assertThat(err()).contains("not drained").doesNotContain("127.0.0.1:1/");
            assertThat(run("wait", url)).isEqualTo(Terminal.NOT_WELL);
            upload.finishWhole();
        }
    }

    @Test
    void followsUntilTheNodeEnds() throws Exception {
        Background<Integer> following = Background.call(() -> run("status", url, "--follow"));
        await().until(() -> out().contains(": SERVING"));
        assertThat(run("drain", url)).isZero();
        await().until(() -> out().contains(": DRAINED, reason: "));
        server.tomcat().stop();
        assertThat(following.result()).isZero();
        assertThat(out()).contains("has ended its events");
    }

    @Test
    void rollRunsTheCommandForEachDrainedNodeAndEndsAtTheFirstThatDoesNotComeBack() throws Exception {
        Path asked = directory.resolve("asked");
        String command = "echo \"$DRAIN_URL $DRAIN_HOST ${DRAIN_TOKEN:-none}\" >> '" + asked + "'";
        assertThat(run("roll", url, "--command", command, "--ready", "1ms", "--between=0s"))
                .isEqualTo(Terminal.NOT_WELL);
        assertThat(Files.readString(asked)).isEqualTo(url + " 127.0.0.1 none\n");
        assertThat(err()).contains("does not serve again");
    }

    @Test
    void rollGoesOnWhenTheNodeServesAgain() throws Exception {
        // The restart of a whole node is RollingUpgradeIT's; here the command lets the same one serve again.
        String command = "curl -s -o '" + directory.resolve("answer") + "' -X DELETE -H 'Authorization: Bearer " + TOKEN
                + "' \"$DRAIN_URL\"";
        assertThat(run("roll", url, url, "--command", command, "--between", "0s"))
                .as(() -> out() + err())
                .isZero();
        assertThat(out()).contains("all 2 nodes are restarted");
        assertThat(valve.drain().state()).isEqualTo(DrainState.SERVING);
    }

    @Test
    void rollLetsANodeServeAgainWhoseDrainOrCommandFails() throws Exception {
        assertThat(run("roll", url, "--command", "exit 7")).isEqualTo(Terminal.NOT_WELL);
        assertThat(err()).contains("ended with status 7", ": serves again");
        assertThat(valve.drain().state()).isEqualTo(DrainState.SERVING);
        try (SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            assertThat(run("roll", url, "--command", "exit 0", "--wait", "10ms"))
                    .isEqualTo(Terminal.NOT_WELL);
            assertThat(valve.drain().state()).isEqualTo(DrainState.SERVING);
            upload.finishWhole();
        }
    }

    @Test
    void rollDrainsNoneWhileOneIsOut() throws Exception {
        assertThat(run("drain", url)).isZero();
        assertThat(run("roll", url, "--command", "exit 0")).isEqualTo(Terminal.NOT_WELL);
        assertThat(err()).contains("it is not serving, so no node is drained");
    }

    @Test
    void theTokenComesFromAFileToo() throws Exception {
        Path file = Files.writeString(directory.resolve("token"), TOKEN + "\n");
        assertThat(terminal(Map.of()).run("status", url, "--token-file", file.toString()))
                .isZero();
        assertThat(terminal(Map.of())
                        .run(
                                "status",
                                url,
                                "--token-file",
                                directory.resolve("none").toString()))
                .isEqualTo(Terminal.USAGE);
        assertThat(err()).contains("cannot read the token from [");
    }

    @Test
    void saysWhatANodeAnswersThatIsNoDrainOrRefusesTheToken() {
        assertThat(terminal(Map.of()).run("status", url)).isEqualTo(Terminal.NO_ANSWER);
        assertThat(err()).contains("answers 401: a token is needed", "DRAIN_TOKEN");
        assertThat(run("status", url + "s")).isEqualTo(Terminal.NO_ANSWER);
        assertThat(err()).contains("answers 404, as no drain does");
        for (String command : new String[] {"status", "drain", "wait", "resume"}) {
            err.reset();
            assertThat(run(command, url.replace("/drain", "/app/ok"))).isEqualTo(Terminal.NO_ANSWER);
            assertThat(err()).contains("answers 200, as no drain does");
        }
        assertThat(out()).isEmpty();
        assertThat(run("status", "http://127.0.0.1:1/drain")).isEqualTo(Terminal.NO_ANSWER);
        assertThat(err()).contains("does not answer: cannot connect to that host and port");
        IOException unknown = new ConnectException();
        unknown.initCause(new UnresolvedAddressException());
        assertThat(NodeClient.reason(unknown)).isEqualTo("there is no such host");
    }

    @Test
    void namesTheNodeAboveEachStatusWhereThereAreSeveral() {
        assertThat(run("status", url)).isZero();
        assertThat(out()).startsWith("Tomcat: SERVING");
        out.reset();
        assertThat(run("status", url, url)).isZero();
        assertThat(out().lines().filter(line -> !line.startsWith(" ")))
                .containsExactly(url, "Tomcat: SERVING", url, "Tomcat: SERVING");
        out.reset();
        assertThat(run("status", "http://127.0.0.1:1/drain", url)).isEqualTo(Terminal.NO_ANSWER);
        assertThat(out()).startsWith(url + "\nTomcat: SERVING");
        assertThat(err()).contains("http://127.0.0.1:1/drain does not answer");
    }

    @Test
    void asksForNoTokenWhereTheFaultIsTheValves() throws Exception {
        DrainValve off = new DrainValve();
        try (EmbeddedTomcat without = EmbeddedTomcat.plain().before(off).start()) {
            assertThat(run("status", "http://127.0.0.1:" + without.port() + "/drain"))
                    .isEqualTo(Terminal.NO_ANSWER);
        }
        assertThat(err()).contains("answers 403: ").doesNotContain("DRAIN_TOKEN");
    }

    @Test
    void saysWhatIsWrongWithACommand() {
        assertThat(run()).isEqualTo(Terminal.USAGE);
        assertThat(err()).contains("COMMAND URL");
        assertThat(run("stauts", url)).isEqualTo(Terminal.USAGE);
        assertThat(err()).contains("no command [stauts]");
        assertThat(run("drain", url, "--timeout", "never")).isEqualTo(Terminal.USAGE);
        assertThat(err()).contains("[never]");
        assertThat(run("roll", url)).isEqualTo(Terminal.USAGE);
        assertThat(err()).contains("--command");
        assertThat(run("help")).isZero();
        assertThat(out()).contains("Exit status");
        out.reset();
        assertThat(run("check", "--help")).isZero();
        assertThat(out()).contains("Exit status");
        assertThat(valve.drain().state()).isEqualTo(DrainState.SERVING);
    }
}
