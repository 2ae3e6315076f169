package io.tomcatdrain.cli;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Asks one node over HTTP. Thread-safe. */
final class NodeClient {
    private static final Duration LONGEST_CONNECT = Duration.ofSeconds(5);

    /** How long a node may take for an answer beyond what it was asked to wait. */
    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(15);

    /** How the status for people begins. */
    private static final Pattern STATUS_TEXT =
            Pattern.compile("[^\\n]*: (SERVING|LAME_DUCK|DRAINING|DRAINED|EXPIRED)(, reason: [^\\n]*)?\\n");

    private final URI drain;
    private final @Nullable String token;
    private final HttpClient http;

    /** One answer: its status, and its body as it came. */
    record Answer(int status, String body) {
        /** Returns the status JSON; an empty object if the body is none. */
        Map<String, Object> json() {
            try {
                return Json.object(body);
            } catch (IllegalArgumentException none) {
                return Map.of();
            }
        }

        /** Returns the drain's state; null if the answer is none of a drain's. */
        @Nullable String state() {
            return Json.text(json(), "state");
        }

        /** Returns true if the body is a drain's status, as JSON or as text, and not a page of something else at that URL. */
        boolean isStatus() {
            return state() != null || STATUS_TEXT.matcher(body).lookingAt();
        }
    }

    /**
     * Makes one.
     *
     * @param token null to send none
     * @param trust which certificates are accepted; null for those that this JVM trusts
     */
    NodeClient(URI drain, @Nullable String token, @Nullable SSLContext trust) {
        this.drain = drain;
        this.token = token;
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(LONGEST_CONNECT)
                .proxy(HttpClient.Builder.NO_PROXY);
        this.http = (trust == null ? builder : builder.sslContext(trust)).build();
    }

    URI drain() {
        return drain;
    }

    /** Returns the status as JSON. */
    Answer status() throws IOException, InterruptedException {
        return send("GET", "", "application/json", Duration.ZERO);
    }

    /** Returns what a check needs to know of its settings. */
    Answer facts() throws IOException, InterruptedException {
        return send("GET", "/canary", "application/json", Duration.ZERO);
    }

    /** Returns the status as text for people. */
    Answer text() throws IOException, InterruptedException {
        return send("GET", "", "text/plain", Duration.ZERO);
    }

    /**
     * Begins a drain, or joins the one that runs.
     *
     * @param parameters those of {@code POST}; ones whose value is null are left out
     * @param wait for how long the node holds its answer
     */
    Answer drain(Map<String, @Nullable String> parameters, Duration wait) throws IOException, InterruptedException {
        String query = parameters.entrySet().stream()
                .filter(parameter -> parameter.getValue() != null)
                .map(parameter ->
                        parameter.getKey() + "=" + URLEncoder.encode(parameter.getValue(), StandardCharsets.UTF_8))
                .sorted()
                .collect(Collectors.joining("&"));
        return send("POST", query.isEmpty() ? "" : "?" + query, "application/json", wait);
    }

    /** Lets the node serve again. */
    Answer resume() throws IOException, InterruptedException {
        return send("DELETE", "", "application/json", Duration.ZERO);
    }

    /** Returns the lines of the node's events, which the caller must close; ends when the node ends them. */
    HttpResponse<Stream<String>> events() throws IOException, InterruptedException {
        HttpRequest request = request("/events", "text/event-stream").GET().build();
        return http.send(request, HttpResponse.BodyHandlers.ofLines());
    }

    private Answer send(String method, String rest, String accept, Duration wait)
            throws IOException, InterruptedException {
        HttpRequest request = request(rest, accept)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .timeout(wait.plus(LONGEST_ANSWER))
                .build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        return new Answer(answer.statusCode(), answer.body());
    }

    private HttpRequest.Builder request(String rest, String accept) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(drain + rest)).header("Accept", accept);
        return token == null ? request : request.header("Authorization", "Bearer " + token);
    }

    /** Returns why a node does not answer, for people: what the JDK's client says of a failed connection is a class name. */
    static String reason(IOException gone) {
        for (Throwable cause = gone; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
                return "there is no such host";
            }
        }
        return gone instanceof ConnectException ? "cannot connect to that host and port" : gone.toString();
    }
}
