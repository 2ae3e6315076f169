package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.valve.DrainValve;
import io.tomcatdrain.valve.TestCertificate;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The check of a site that is one of its own nodes: nothing stands before it, so that its users go to the drained node, too, and uploads
 * reach the canary. With front ends it is tried beside the examples.
 */
@Timeout(300)
class CheckWithoutFrontEndIT {
    private static final String TOKEN = "0123456789abcdef";

    private final DrainValve valve = new DrainValve();
    private final DrainValve otherValve = new DrainValve();
    private final List<DrainState> otherStates = new CopyOnWriteArrayList<>();
    private static TestCertificate certificate;

    private final Connector tls = new Connector("org.apache.coyote.http11.Http11NioProtocol");
    private EmbeddedTomcat node;
    private EmbeddedTomcat other;
    private List<String> words;

    @TempDir
    static Path certificates;

    @TempDir
    Path directory;

    @BeforeAll
    static void makeCertificate() throws Exception {
        certificate = TestCertificate.in(certificates);
    }

    @BeforeEach
    void start() throws Exception {
        valve.setToken(TOKEN);
        otherValve.setToken(TOKEN);
        tls.setPort(0);
        tls.setProperty("address", "127.0.0.1");
        certificate.secure(tls);
        node = EmbeddedTomcat.plain()
                .before(valve)
                .customize(server -> server.tomcat().getService().addConnector(tls))
                .start();
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

    private record Run(int status, String text) {}

    private static Run run(String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        int status = new Terminal(Map.of("DRAIN_TOKEN", TOKEN), print, print).run(words);
        return new Run(status, out.toString(StandardCharsets.UTF_8));
    }

    private String secure(String host, String path) {
        return "https://" + host + ":" + tls.getLocalPort() + path;
    }

    @Test
    void saysThatNobodyProbesAndLetsTheNodeServeAgainOverHttpsToo() throws Exception {
        List<String> secured = new ArrayList<>(words);
        secured.set(1, secure("localhost", "/app/ok"));
        secured.addAll(List.of("--ca-file", certificate.pem().toString()));
        Run run = run(secured.toArray(String[]::new));
        String text = run.text;
        assertThat(run.status).as(text).isEqualTo(Terminal.NOT_WELL);
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
    void aCertificateThatIsNotAcceptedIsNamedWithItsRemedyAndNothingIsDrained() throws Exception {
        String ca = certificate.pem().toString();
        String node = secure("localhost", "/drain");
        assertThat(run("status", node, "--ca-file", ca).status).isZero();

        Run unknown = run("status", node);
        assertThat(unknown.status).isEqualTo(Terminal.NO_ANSWER);
        assertThat(unknown.text)
                .contains(node + ": its certificate is not accepted: no authority that is trusted here has signed it")
                .contains("--ca-file FILE", "-Djavax.net.ssl.trustStore=");

        Run ofNode = run("check", words.get(1), "--node", node, "--node", words.get(3), "--dry-run");
        assertThat(ofNode.status).isEqualTo(Terminal.NO_ANSWER);
        assertThat(ofNode.text).contains("CERTIFICATE_NOT_ACCEPTED: " + node + ": its certificate", "--ca-file FILE");

        List<String> secured = new ArrayList<>(words);
        secured.set(1, secure("localhost", "/app/ok"));
        Run ofSite = run(secured.toArray(String[]::new));
        assertThat(ofSite.status).isEqualTo(Terminal.NO_ANSWER);
        assertThat(ofSite.text)
                .contains("CERTIFICATE_NOT_ACCEPTED: the site: its certificate", "--ca-file FILE")
                .doesNotContain("drains ");
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
            await().until(() -> valve.drain().state() != DrainState.SERVING);
            check.destroy();
            assertThat(check.waitFor()).isNotZero();
            assertThat(valve.drain().state()).as(Files.readString(output)).isEqualTo(DrainState.SERVING);
            assertThat(Files.readString(output)).contains("serves again");
        } finally {
            check.destroyForcibly();
        }
    }
}
