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
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One node is restarted behind web servers that have no other: their users see a page that comes again, or wait. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class OneNodeIT {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final UploadForm FORM = UploadForm.random(new Random(1), 1_000_000);

    /** A web server with the example's configuration, in which only addresses and paths are others. */
    private enum Kind {
        NGINX {
            @Override
            List<String> command(Path example, Front front, int node) throws IOException {
                var configuration = Files.readString(example.resolve("nginx.conf"));
                configuration = WebServer.replaced(configuration, "listen 80;", "listen 127.0.0.1:" + front.port + ";");
                configuration = WebServer.replaced(configuration, "127.0.0.1:8080", "127.0.0.1:" + node);
                configuration = WebServer.replaced(configuration, "root .;", "root " + front.directory + ";");
                var copy = Files.writeString(front.directory.resolve("nginx.conf"), configuration);
                var user = "root".equals(System.getProperty("user.name")) ? "user root; " : "";
                return List.of(
                        WebServer.NGINX.program().toString(),
                        "-p",
                        front.directory.toString(),
                        "-c",
                        copy.toString(),
                        "-g",
                        user + "daemon off;");
            }
        },
        HTTPD {
            @Override
            List<String> command(Path example, Front front, int node) {
                var directory = front.directory.toString();
                return WebServer.HTTPD.httpd(
                        example,
                        Map.of(
                                "LISTEN", "127.0.0.1:" + front.port,
                                "NODE", "127.0.0.1:" + node,
                                "RUN_DIR", directory,
                                "LOG_DIR", directory,
                                "PAGES", directory));
            }
        },
        CADDY {
            @Override
            List<String> command(Path example, Front front, int node) throws IOException {
                var configuration = WebServer.replaced(
                        Files.readString(example.resolve("Caddyfile")),
                        ":80 {",
                        ":" + front.port + " {\n\tbind 127.0.0.1");
                var copy = Files.writeString(front.directory.resolve("Caddyfile"), configuration);
                return List.of(
                        "/usr/bin/env",
                        "XDG_CONFIG_HOME=" + front.directory,
                        "XDG_DATA_HOME=" + front.directory,
                        "NODE=127.0.0.1:" + node,
                        "PAGES=" + front.directory,
                        WebServer.CADDY.program().toString(),
                        "run",
                        "--config",
                        copy.toString(),
                        "--adapter",
                        "caddyfile");
            }
        };

        abstract List<String> command(Path example, Front front, int node) throws IOException;
    }

    private static final class Front implements AutoCloseable {
        private final Kind kind;
        private final int port = Ports.free();
        private final Path directory;
        private final ServerProcess process;

        Front(Kind kind, int node) throws IOException {
            this.kind = kind;
            // Not below target/: the server's unprivileged user must reach it, wherever the project lies.
            directory = Files.createTempDirectory(
                    "one-node-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
            var example = Parts.example("one-node");
            Files.copy(example.resolve("restarting.html"), directory.resolve("restarting.html"));
            process =
                    ServerProcess.start(kind.command(example, this, node), Map.of(), directory.resolve("console.log"));
        }

        Exchange.Answer page() throws IOException {
            // As long as the node may take to start: one of them lets its users wait for that.
            try (var exchange = Exchange.with(port, LIMIT)) {
                exchange.sendHead("GET", "/page", "");
                return exchange.answer();
            }
        }

        void awaitPage() {
            await("the page of " + kind).atMost(LIMIT).until(() -> {
                try {
                    return page().status() == 200;
                } catch (IOException notYet) {
                    return false;
                }
            });
        }

        void beginUpload(Exchange upload) throws IOException {
            upload.sendHead(
                    "POST",
                    "/upload",
                    "Content-Type: " + FORM.contentType() + "\r\nContent-Length: " + FORM.length() + "\r\n");
            upload.send(FORM.head());
            // More than a front end keeps to itself before it asks the node: httpd passes on nothing below 64 KB.
            upload.send(FORM.fileSource(), FORM.fileOffset(), FORM.fileSize() / 2);
        }

        void assertComesAgain(Exchange.Answer answer) {
            // httpd may fail to write the rest of a body that the node has refused.
            assertThat(answer.status()).as("%s", kind).isIn(kind == Kind.HTTPD ? List.of(502, 503) : List.of(503));
            assertThat(answer.headers()).as("%s", kind).containsEntry("retry-after", "2");
            assertThat(answer.body()).as("%s", kind).contains("http-equiv=\"refresh\"");
        }

        @Override
        public void close() {
            process.close();
            try (var files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void sendRest(Exchange upload) throws IOException {
        int half = FORM.fileSize() / 2;
        upload.send(FORM.fileSource(), FORM.fileOffset() + half, FORM.fileSize() - half);
        upload.send(FORM.tail());
    }

    /** An upload that the node refuses: httpd wants all of it first, the others may have answered before. */
    private static Exchange.Answer refused(Front front) throws IOException {
        try (var upload = Exchange.with(front.port)) {
            try {
                front.beginUpload(upload);
                if (front.kind == Kind.HTTPD) {
                    sendRest(upload);
                }
            } catch (IOException cut) {
                // Who has answered reads no more; the answer has come all the same.
                return upload.answer();
            }
            return upload.answer();
        }
    }

    @Test
    void showsAPageThatComesAgainOrWaits() throws Exception {
        for (var server : List.of(WebServer.NGINX, WebServer.HTTPD, WebServer.CADDY)) {
            RollingUpgradeIT.needs(server.missing());
        }
        try (var node = TomcatNode.installed(
                        Parts.work().resolve("one-node"), "n1", 11, "refuse=\"uploads\" lameDuck=\"off\"");
                var nginx = new Front(Kind.NGINX, node.httpPort());
                var httpd = new Front(Kind.HTTPD, node.httpPort());
                var caddy = new Front(Kind.CADDY, node.httpPort())) {
            restart(node, List.of(nginx, httpd, caddy));
        }
    }

    private static void restart(TomcatNode node, List<Front> fronts) throws Exception {
        node.start();
        fronts.forEach(Front::awaitPage);
        List<Exchange> uploads = new ArrayList<>();
        for (var front : fronts) {
            var upload = Exchange.with(front.port);
            uploads.add(upload);
            front.beginUpload(upload);
        }
        await().atMost(LIMIT).until(() -> status(node).contains("\"uploads\":" + fronts.size()));
        var stopped = CompletableFuture.supplyAsync(() -> node.stop(Stop.SIGTERM));
        await().atMost(LIMIT).until(() -> status(node).contains("\"DRAINING\""));
        for (var front : fronts) {
            assertThat(front.page().status())
                    .as("a page of %s while the node drains", front.kind)
                    .isEqualTo(200);
            front.assertComesAgain(refused(front));
        }
        for (var upload : uploads) {
            try (upload) {
                sendRest(upload);
                assertThat(FORM.difference(upload.answer().body())).isEmpty();
            }
        }
        stopped.get(LIMIT.toSeconds(), TimeUnit.SECONDS);

        List<CompletableFuture<Exchange.Answer>> waiting = new ArrayList<>();
        for (var front : fronts) {
            if (front.kind == Kind.CADDY) {
                waiting.add(CompletableFuture.supplyAsync(() -> {
                    try {
                        return front.page();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }));
            } else {
                front.assertComesAgain(front.page());
            }
        }
        node.start();
        for (var front : fronts) {
            assertThat(front.page().status())
                    .as("a page of %s as soon as the node is back", front.kind)
                    .isEqualTo(200);
        }
        for (var answer : waiting) {
            assertThat(answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS).status()).isEqualTo(200);
        }
    }

    private static String status(TomcatNode node) throws IOException {
        return Exchange.get(node.controlPort(), "/drain", "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n")
                .body();
    }
}
