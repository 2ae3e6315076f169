package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.Node.Stop;
import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.UploadForm;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One node is restarted behind a web server that has no other: its users see a page that comes again. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class OneNodeIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Starts nginx with the example's configuration, in which only addresses and paths are others. */
    private static ServerProcess startNginx(int port, int node, Path directory) throws IOException {
        var example = Parts.example("one-node");
        Files.copy(example.resolve("restarting.html"), directory.resolve("restarting.html"));
        var configuration = Files.readString(example.resolve("nginx.conf"));
        configuration = WebServer.replaced(configuration, "listen 80;", "listen 127.0.0.1:" + port + ";");
        configuration = WebServer.replaced(configuration, "127.0.0.1:8080", "127.0.0.1:" + node);
        configuration = WebServer.replaced(configuration, "root .;", "root " + directory + ";");
        var copy = Files.writeString(directory.resolve("nginx.conf"), configuration);
        var user = "root".equals(System.getProperty("user.name")) ? "user root; " : "";
        var command = List.of(
                WebServer.NGINX.program().toString(),
                "-p",
                directory.toString(),
                "-c",
                copy.toString(),
                "-g",
                user + "daemon off;");
        return ServerProcess.start(command, Map.of(), directory.resolve("console.log"));
    }

    private static void awaitPage(int port) {
        await("the page at " + port).atMost(LIMIT).until(() -> {
            try {
                return Exchange.get(port, "/page", "").status() == 200;
            } catch (IOException notYet) {
                return false;
            }
        });
    }

    private static Exchange beginUpload(int port, UploadForm form) throws IOException {
        var upload = Exchange.with(port);
        upload.sendHead(
                "POST",
                "/upload",
                "Content-Type: " + form.contentType() + "\r\nContent-Length: " + form.length() + "\r\n");
        return upload;
    }

    /** More than a front end keeps to itself before it asks the node. */
    private static void sendHalf(Exchange upload, UploadForm form) throws IOException {
        upload.send(form.head());
        upload.send(form.fileSource(), form.fileOffset(), form.fileSize() / 2);
    }

    private static void assertComesAgain(Exchange.Answer answer) {
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.headers()).containsEntry("retry-after", "2");
        assertThat(answer.body()).contains("http-equiv=\"refresh\"");
    }

    @Test
    void showsAPageThatComesAgainBehindNginx() throws Exception {
        restart();
    }

    @SuppressWarnings("try") // the web server only has to be there
    private static void restart() throws Exception {
        RollingUpgradeIT.needs(WebServer.NGINX.missing());
        // Not below target/: the server's unprivileged user must reach it, wherever the project lies.
        var directory = Files.createTempDirectory(
                "one-node-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        var form = UploadForm.random(new Random(1), 100_000);
        int port = Ports.free();
        try (var node = TomcatNode.installed(
                        Parts.work().resolve("one-node"), "n1", 11, "refuse=\"uploads\" lameDuck=\"off\"");
                var server = startNginx(port, node.httpPort(), directory)) {
            node.start();
            awaitPage(port);
            CompletableFuture<Long> stopped;
            try (var upload = beginUpload(port, form)) {
                sendHalf(upload, form);
                await().atMost(LIMIT).until(() -> status(node).contains("\"uploads\":1"));
                stopped = CompletableFuture.supplyAsync(() -> node.stop(Stop.SIGTERM));
                await().atMost(LIMIT).until(() -> status(node).contains("\"DRAINING\""));
                assertThat(Exchange.get(port, "/page", "").status())
                        .as("a page while the node drains")
                        .isEqualTo(200);
                try (var late = beginUpload(port, form)) {
                    sendHalf(late, form);
                    var refused = late.answer();
                    assertThat(refused.status()).isEqualTo(503);
                    assertComesAgain(refused);
                }
                int half = form.fileSize() / 2;
                upload.send(form.fileSource(), form.fileOffset() + half, form.fileSize() - half);
                upload.send(form.tail());
                assertThat(form.difference(upload.answer().body())).isEmpty();
            }
            stopped.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertComesAgain(Exchange.get(port, "/page", ""));
            node.start();
            assertThat(Exchange.get(port, "/page", "").status())
                    .as("a page as soon as the node is back")
                    .isEqualTo(200);
        } finally {
            try (var files = Files.walk(directory)) {
                files.sorted(java.util.Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    private static String status(TomcatNode node) throws IOException {
        return Exchange.get(node.controlPort(), "/drain", "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n")
                .body();
    }
}
