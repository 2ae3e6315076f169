package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs the server as a user does: opens its page, uploads, drains, resumes, and stops it while an upload runs. */
@Timeout(600)
@Tag("after-fleets")
class ServerIT {
    private static final String TOKEN = "a-token-for-the-tests";

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @Test
    void uploadInFlightOutlivesDrainAndSigterm() throws Exception {
        try (var server = SampleProcess.start("--port", "0", "--token", TOKEN)) {
            URI root = root(server);
            try (var upload = new DripUpload(root.getPort())) {
                upload.sendUpTo(100_000);
                await().until(() -> bytesReceived(root) >= 100_000);

                assertThat(control(root, "POST", "/drain?reason=test").statusCode())
                        .isEqualTo(202);
                await().until(() -> status(root).get("state").equals("DRAINING"));
                HttpResponse<String> late = post(root, "late");
                assertThat(late.statusCode()).isEqualTo(503);
                assertThat(late.headers().firstValue("X-Drain")).hasValue("refused");
                assertThat(late.headers().firstValue("Retry-After")).get().isIn("5", "6");

                server.terminate();
                server.line("Stopping as soon as");
                upload.sendUpTo(200_000);
                assertThat(get(root, "/drain/ready").statusCode()).isEqualTo(503);
                assertThat(get(root, "/drain/live").statusCode()).isEqualTo(200);
                String answer = upload.finish();
                long answeredNanos = System.nanoTime();
                assertThat(answer)
                        .startsWith("HTTP/1.1 200")
                        .contains("\"title\":\"Slow but sure\"")
                        .contains("\"size\":" + upload.size())
                        .contains("\"sha256\":\"" + upload.sha256() + "\"");

                assertThat(server.exitStatus()).as(server.output()).isEqualTo(128 + 15);
                long millis = (System.nanoTime() - answeredNanos) / 1_000_000;
                System.out.println("From the last answer to the end of the process: " + millis + " ms");
                assertThat(Duration.ofMillis(millis)).isLessThan(Duration.ofMinutes(1));
                assertThat(server.output())
                        .contains("-> DRAINED")
                        .contains("finished=1, failed=0, refused=1")
                        .endsWith("Stopped.");
            }
        }
    }

    @Test
    void servesItsPageAndAllThatThePageUses() throws Exception {
        try (var server = SampleProcess.start("--port", "0")) {
            URI root = root(server);
            HttpResponse<String> page = get(root, "/");
            assertThat(page.statusCode()).isEqualTo(200);
            assertThat(page.headers().firstValue("Content-Type").orElse("")).startsWith("text/html");
            assertThat(page.body())
                    .contains("default-src 'none'")
                    .doesNotContain("<style")
                    .doesNotContain(" style=")
                    .doesNotContainPattern(" on[a-z]+=");
            for (String module :
                    List.of("/app.js", "/cards.js", "/format.js", "/panel.js", "/upload.js", "/watch.js")) {
                assertThat(get(root, module).headers().firstValue("Content-Type"))
                        .as(module)
                        .hasValue("text/javascript");
            }
            assertThat(get(root, "/app.css").headers().firstValue("Content-Type"))
                    .hasValue("text/css");
            assertThat(get(root, "/info").body()).contains("\"slowLine\":true");
            assertThat(get(root, "/page?ms=1").statusCode()).isEqualTo(200);
            assertThat(get(root, "/page?ms=-1").body()).contains("\"error\":\"ms [-1] is not");
            assertThat(get(root, "/session").body()).contains("\"count\":1");
        }
    }

    @Test
    void tellsWhatArrivedAndWhatIsWrong() throws Exception {
        try (var server = SampleProcess.start("--port", "0")) {
            URI root = root(server);
            var multipart = "multipart/form-data; boundary=b";
            String field = "--b\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\n%s\r\n";
            String file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n%s\r\n";
            String sha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

            assertThat(post(
                                    root,
                                    "/upload",
                                    multipart,
                                    field.formatted("x") + field.formatted("\u00fc \"y\"")
                                            + file.formatted("a.bin", "abc") + "--b--\r\n")
                            .body())
                    .contains("\"fields\":{\"tag\":[\"x\",\"\u00fc \\\"y\\\"\"]}")
                    .contains("\"files\":[{\"field\":\"file\",\"name\":\"a.bin\",\"size\":3,\"sha256\":\"" + sha256OfAbc
                            + "\"}]");
            assertError(post(root, "/upload", "text/plain", "abc"), 415, "is not [multipart/form-data]");
            assertError(post(root, "/upload", multipart, field.formatted("x") + "--b--\r\n"), 400, "has no file");
            assertError(post(root, "/upload", multipart, file.formatted("", "") + "--b--\r\n"), 400, "has no file");
            assertError(post(root, "/upload", "multipart/form-data", "abc"), 400, "cannot be read");
            assertError(post(root, "/upload", multipart, "--b\r\nContent-Disp"), 400, "cannot be read");

            assertThat(post(root, "/upload-stream", "application/octet-stream", "abc")
                            .body())
                    .contains("\"size\":3,\"sha256\":\"" + sha256OfAbc + "\"");
            assertThat(post(root, "/upload-stream", "application/octet-stream", "")
                            .body())
                    .contains("\"size\":0,");
        }
    }

    @Test
    void readsSlowlyWhereAskedTo() throws Exception {
        try (var server = SampleProcess.start("--port", "0")) {
            URI root = root(server);
            String file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
                    + "x".repeat(60_000) + "\r\n--b--\r\n";
            long startNanos = System.nanoTime();
            HttpResponse<String> answer =
                    post(root, "/upload?bytesPerSecond=50000", "multipart/form-data; boundary=b", file);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).contains("\"size\":60000");
            assertThat(Duration.ofNanos(System.nanoTime() - startNanos)).isGreaterThan(Duration.ofMillis(900));
        }
    }

    @Test
    void saysWhyItCannotStart() throws Exception {
        try (var server = SampleProcess.start("--port", "0", "--stall-timeout", "5x")) {
            assertThat(server.exitStatus()).isEqualTo(1);
            assertThat(server.output())
                    .contains("Cannot start on localhost:0: DrainValve[Tomcat]: stallTimeout [5x]: ");
        }
    }

    private static URI root(SampleProcess server) {
        String line = server.line("  Open ");
        server.line("  Stop ");
        return URI.create(line.substring(line.indexOf("http")));
    }

    private Map<String, Object> status(URI root) throws Exception {
        return JsonText.parse(control(root, "GET", "/drain").body());
    }

    private long bytesReceived(URI root) throws Exception {
        return status(root).get("uploads") instanceof Iterable<?> uploads
                        && uploads.iterator().hasNext()
                        && uploads.iterator().next() instanceof Map<?, ?> upload
                        && upload.get("bytesReceived") instanceof Number bytes
                ? bytes.longValue()
                : 0;
    }

    private HttpResponse<String> get(URI root, String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(root.resolve(path)).build(), BodyHandlers.ofString());
    }

    private HttpResponse<String> control(URI root, String method, String path)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(root.resolve(path))
                        .header("Authorization", "Bearer " + TOKEN)
                        .method(method, BodyPublishers.noBody())
                        .build(),
                BodyHandlers.ofString());
    }

    private HttpResponse<String> post(URI root, String content) throws IOException, InterruptedException {
        return post(root, "/upload", "multipart/form-data; boundary=b", content);
    }

    private HttpResponse<String> post(URI root, String path, String contentType, String body)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(root.resolve(path))
                        .header("Content-Type", contentType)
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private static void assertError(HttpResponse<String> answer, int status, String error) {
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(answer.body()).startsWith("{\"error\":\"").contains(error);
    }
}
