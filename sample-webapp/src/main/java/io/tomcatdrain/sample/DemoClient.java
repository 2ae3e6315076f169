package io.tomcatdrain.sample;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** Speaks HTTP to the demo's server, for an operator, a balancer and the users. */
final class DemoClient {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final HttpClient http;
    private final URI root;
    private final String token;

    DemoClient(URI root, String token, Executor executor) {
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .executor(executor)
                .build();
        this.root = root;
        this.token = token;
    }

    /** Asks as the operator, who has the token. */
    HttpResponse<String> control(String method, String path) throws IOException, InterruptedException {
        return http.send(controlRequest(method, path), BodyHandlers.ofString());
    }

    CompletableFuture<HttpResponse<String>> controlAsync(String method, String path) {
        return http.sendAsync(controlRequest(method, path), BodyHandlers.ofString());
    }

    /** Asks as a balancer. */
    HttpResponse<String> probe(String path) throws IOException, InterruptedException {
        return http.send(request(path).header("User-Agent", "demo-balancer").build(), BodyHandlers.ofString());
    }

    HttpResponse<String> post(DemoUpload upload) throws IOException, InterruptedException {
        return http.send(uploadRequest(upload), BodyHandlers.ofString());
    }

    /** Sends an upload; the future never fails, but tells a failure. */
    CompletableFuture<DemoUpload.Outcome> send(DemoUpload upload) {
        return http.sendAsync(uploadRequest(upload), BodyHandlers.ofString()).handle(upload::judge);
    }

    private HttpRequest uploadRequest(DemoUpload upload) {
        return request(upload.path())
                .header("Content-Type", upload.contentType())
                .POST(upload.body())
                .build();
    }

    private HttpRequest controlRequest(String method, String path) {
        return request(path)
                .header("Authorization", "Bearer " + token)
                .method(method, BodyPublishers.noBody())
                .build();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(root.resolve(path)).timeout(PATIENCE);
    }
}
