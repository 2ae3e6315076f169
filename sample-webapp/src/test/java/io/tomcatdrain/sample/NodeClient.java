package io.tomcatdrain.sample;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks a sample that runs as a process what it knows: its status, and what Prometheus would read. */
final class NodeClient {
    static final String TOKEN = "a-token-for-the-tests";

    private static final Pattern SAMPLE = Pattern.compile("(?m)^(drain_\\w+)\\{([^}]*)} (\\S+)$");

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ObjectMapper json = new ObjectMapper();
    private final URI root;
    private final URI metrics;

    NodeClient(SampleProcess sample) {
        root = uri(sample, "  Open ");
        metrics = uri(sample, "  Metrics ");
        sample.line("  Stop ");
    }

    private static URI uri(SampleProcess sample, String label) {
        String line = sample.line(label);
        return URI.create(line.substring(line.indexOf("http")));
    }

    URI root() {
        return root;
    }

    URI metricsUri() {
        return metrics;
    }

    JsonNode status() throws IOException, InterruptedException {
        return control("GET", "/drain");
    }

    String state() throws IOException, InterruptedException {
        return status().get("state").asText();
    }

    JsonNode control(String method, String path) throws IOException, InterruptedException {
        HttpRequest request =
                authorized(path).method(method, BodyPublishers.noBody()).build();
        return json.readTree(http.send(request, BodyHandlers.ofString()).body());
    }

    /** Opens an event stream; its body is to be closed. */
    HttpResponse<java.io.InputStream> listen() throws IOException, InterruptedException {
        return http.send(authorized("/drain/events").build(), BodyHandlers.ofInputStream());
    }

    private HttpRequest.Builder authorized(String path) {
        return HttpRequest.newBuilder(root.resolve(path)).header("Authorization", "Bearer " + TOKEN);
    }

    int get(String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(root.resolve(path)).build(), BodyHandlers.discarding())
                .statusCode();
    }

    HttpResponse<String> scrape() throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(metrics).build(), BodyHandlers.ofString());
    }

    /** What Prometheus reads, under the names of the status: the state, and the numbers that have no time in them. */
    Map<String, Object> scraped() throws IOException, InterruptedException {
        Map<String, Object> numbers = new TreeMap<>();
        Matcher sample = SAMPLE.matcher(scrape().body());
        while (sample.find()) {
            String labels = sample.group(2).replace("name=\"Tomcat\"", "").replace(",", "");
            long value = (long) Double.parseDouble(sample.group(3));
            switch (sample.group(1) + " " + labels) {
                case "drain_inflight kind=\"upload\"" -> numbers.put("inFlight.uploads", value);
                case "drain_inflight kind=\"request\"" -> numbers.put("inFlight.requests", value);
                case "drain_inflight kind=\"hold\"" -> numbers.put("inFlight.holds", value);
                case "drain_inflight kind=\"stream\"" -> numbers.put("inFlight.streams", value);
                case "drain_completed_total kind=\"upload\"" -> numbers.put("totals.uploadsCompleted", value);
                case "drain_completed_total kind=\"request\"" -> numbers.put("totals.requestsCompleted", value);
                case "drain_failed_total kind=\"upload\"" -> numbers.put("totals.uploadsFailed", value);
                case "drain_refused_total " -> numbers.put("totals.refused", value);
                case "drain_upload_bytes_total " -> numbers.put("totals.uploadBytes", value);
                default -> {
                    if (sample.group(1).equals("drain_state") && value == 1) {
                        numbers.put("state", labels.replaceAll("state=\"(.*)\"", "$1"));
                    }
                }
            }
        }
        return numbers;
    }

    /** The same out of a status. */
    static Map<String, Object> numbers(JsonNode status) {
        Map<String, Object> numbers = new TreeMap<>();
        numbers.put("state", status.get("state").asText().toLowerCase(java.util.Locale.ROOT));
        for (String group : new String[] {"inFlight", "totals"}) {
            status.get(group)
                    .properties()
                    .forEach(one -> numbers.put(
                            group + "." + one.getKey(), one.getValue().asLong()));
        }
        return numbers;
    }
}
