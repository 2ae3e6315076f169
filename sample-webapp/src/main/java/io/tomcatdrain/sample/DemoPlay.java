package io.tomcatdrain.sample;

import io.tomcatdrain.sample.DemoUpload.Outcome;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.catalina.LifecycleException;
import org.jspecify.annotations.Nullable;

/** The demo's story, from the first upload to the stopped server, and what went wrong in it. */
final class DemoPlay implements AutoCloseable {
    private static final long PROBE_MILLIS = 400;
    private static final long FRAME_MILLIS = 100;
    private static final long PATIENCE_SECONDS = 120;

    private final SampleServer server;
    private final Screen screen;
    private final Duration longest;
    private final ExecutorService threads = Executors.newCachedThreadPool(DemoPlay::daemon);
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(2, DemoPlay::daemon);
    private final DemoClient client;
    private final List<String> problems = new CopyOnWriteArrayList<>();

    DemoPlay(SampleServer server, String token, Screen screen, int seconds) {
        this.server = server;
        this.screen = screen;
        this.longest = Duration.ofSeconds(seconds);
        this.client = new DemoClient(URI.create("http://localhost:" + server.port()), token, threads);
    }

    /** Plays, and returns what was lost or otherwise wrong. */
    List<String> run() throws IOException, InterruptedException {
        every(PROBE_MILLIS, new DemoBalancer(client, screen));
        List<CompletableFuture<Outcome>> outcomes = startUploads();
        pause(0.25);

        CompletableFuture<HttpResponse<String>> report = null;
        if (startDrain()) {
            awaitRefusing();
            refuse();
            report = client.controlAsync("POST", "/drain?wait=" + PATIENCE_SECONDS + "s");
        }
        stopUnderLoad(outcomes);
        if (report != null) {
            tell(report);
        }
        return problems;
    }

    @Override
    public void close() {
        clock.shutdownNow();
        threads.shutdownNow();
    }

    private List<CompletableFuture<Outcome>> startUploads() {
        List<DemoUpload> uploads = List.of(
                DemoUpload.form("holiday.jpg", 2_500_000, false, share(0.7)),
                DemoUpload.form("contract.pdf", 1_200_000, true, share(0.8)),
                DemoUpload.form("video.mp4", 12_000_000, false, share(1.0)),
                DemoUpload.stream("backup.tar", 6_000_000, true, share(0.9)));
        screen.say("Four uploads begin: three forms with fields and a file, and one bare body.");
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (DemoUpload upload : uploads) {
            outcomes.add(client.send(upload).whenComplete((outcome, impossible) -> tell(upload, outcome)));
        }
        screen.show(() -> uploads.stream().map(DemoUpload::bar).toList());
        every(FRAME_MILLIS, screen::refresh);
        return outcomes;
    }

    private boolean startDrain() throws IOException, InterruptedException {
        HttpResponse<String> answer = client.control("POST", "/drain?reason=demo");
        if (answer.statusCode() != 202) {
            screen.say("POST /drain         " + answer.statusCode() + "  nobody here can drain");
            problems.add("the drain did not start: POST /drain was answered with " + answer.statusCode());
            return false;
        }
        screen.say("POST /drain         202  " + summary(answer));
        return true;
    }

    /** Waits until the lame duck is over: while balancers have not noticed yet, the node serves all. */
    private void awaitRefusing() throws IOException, InterruptedException {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        HttpResponse<String> answer = client.control("GET", "/drain");
        while (summary(answer).startsWith("LAME_DUCK")) {
            if (System.nanoTime() > endNanos) {
                problems.add("the lame duck did not end although the balancer has seen it");
                break;
            }
            TimeUnit.MILLISECONDS.sleep(100);
            answer = client.control("GET", "/drain");
        }
        screen.say("GET  /drain         " + answer.statusCode() + "  " + summary(answer));
        int live = client.probe("/drain/live").statusCode();
        screen.say("GET  /drain/live    " + live + "  alive, so that nobody kills it");
        if (live != 200) {
            problems.add("a draining node must be alive: GET /drain/live was answered with " + live);
        }
    }

    private void refuse() throws IOException, InterruptedException {
        HttpResponse<String> answer = client.post(DemoUpload.form("late.zip", 300_000, false, Duration.ofMillis(100)));
        String retryAfter = answer.headers().firstValue("Retry-After").orElse("none");
        String drain = answer.headers().firstValue("X-Drain").orElse("none");
        screen.say("POST /upload        %d  a fifth upload comes too late: Retry-After: %s, X-Drain: %s"
                .formatted(answer.statusCode(), retryAfter, drain));
        if (answer.statusCode() != 503 || !drain.equals("refused") || retryAfter.equals("none")) {
            problems.add("an upload that came too late was not refused with 503, Retry-After and X-Drain");
        }
    }

    private void stopUnderLoad(List<CompletableFuture<Outcome>> outcomes) throws InterruptedException {
        screen.say("The server is told to stop, with %d uploads under way."
                .formatted(
                        outcomes.stream().filter(outcome -> !outcome.isDone()).count()));
        CompletableFuture<Void> stopped = CompletableFuture.runAsync(this::stop, threads);
        await(CompletableFuture.allOf(outcomes.toArray(CompletableFuture[]::new)), "the uploads");
        long lastAnswerNanos = System.nanoTime();
        await(stopped, "the stop");
        screen.say("The server has stopped, %.1f s after the last upload."
                .formatted((System.nanoTime() - lastAnswerNanos) / 1e9));
    }

    private void stop() {
        try {
            server.stop();
        } catch (LifecycleException e) {
            problems.add("the stop failed: " + e);
        }
    }

    private void tell(DemoUpload upload, Outcome outcome) {
        screen.say((outcome.complete() ? "" : "LOST ") + upload.name() + ": " + outcome.text());
        if (!outcome.complete()) {
            problems.add("lost " + upload.name() + ": " + outcome.text());
        }
    }

    private void tell(CompletableFuture<HttpResponse<String>> pending) throws IOException, InterruptedException {
        HttpResponse<String> answer = await(pending, "the report");
        if (answer == null) {
            return;
        }
        if (answer.statusCode() == 200 && JsonText.parse(answer.body()).get("report") instanceof Map<?, ?> report) {
            screen.say(
                    "The report: %s, %s uploads and requests finished, %s refused, abandoned %s; lame duck %s, drain %s"
                            .formatted(
                                    report.get("outcome"),
                                    report.get("finished"),
                                    report.get("refused"),
                                    report.get("abandoned"),
                                    seconds(report.get("lameDuckMillis")),
                                    seconds(report.get("drainMillis"))));
        } else {
            problems.add("no report: POST /drain?wait was answered with " + answer.statusCode());
        }
    }

    /** The result, or null if there is none: then it is a problem. */
    private <T> @Nullable T await(CompletableFuture<T> future, String what) throws InterruptedException {
        try {
            return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            problems.add(what + " did not end within " + PATIENCE_SECONDS + " s");
        } catch (ExecutionException e) {
            problems.add(what + " failed: " + e.getCause());
        }
        return null;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // close() ends it
    private void every(long millis, Runnable task) {
        clock.scheduleWithFixedDelay(task, 0, millis, TimeUnit.MILLISECONDS);
    }

    private void pause(double share) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(share(share).toMillis());
    }

    private Duration share(double share) {
        return Duration.ofMillis((long) (longest.toMillis() * share));
    }

    private static String summary(HttpResponse<String> answer) throws IOException {
        Map<String, Object> status = JsonText.parse(answer.body());
        Object uploads = status.get("inFlight") instanceof Map<?, ?> inFlight ? inFlight.get("uploads") : "?";
        return status.get("state") + ", uploads in flight: " + uploads;
    }

    private static String seconds(@Nullable Object millis) {
        return millis instanceof Number number ? "%.1f s".formatted(number.longValue() / 1e3) : "?";
    }

    private static Thread daemon(Runnable task) {
        var thread = new Thread(task, "demo");
        thread.setDaemon(true);
        return thread;
    }
}
