package io.tomcatdrain.sample.fleet;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.testkit.fleet.Exchange;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Users who each visit one page of their session again and again, which counts their visits: a count that does not go on
 * is a session that was lost, or an old state of it.
 */
final class Visitors implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration BETWEEN_VISITS = Duration.ofMillis(150);

    private final int port;
    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private int visits;
    private int moves;

    private Visitors(int port) {
        this.port = port;
    }

    static Visitors started(int port, int number) {
        var visitors = new Visitors(port);
        for (int i = 0; i < number; i++) {
            var name = "visitor " + i;
            var thread = new Thread(() -> visitors.visit(name), name);
            thread.setDaemon(true);
            visitors.threads.add(thread);
        }
        visitors.threads.forEach(Thread::start);
        return visitors;
    }

    synchronized int visits() {
        return visits;
    }

    /** How often a visitor was answered by another node than before. */
    synchronized int moves() {
        return moves;
    }

    synchronized List<String> faults() {
        return List.copyOf(faults);
    }

    @Override
    public void close() {
        end.countDown();
        for (var thread : threads) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(60));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void visit(String name) {
        var cookie = "";
        var node = "";
        int count = 0;
        try {
            while (!end.await(BETWEEN_VISITS.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    var answer = Exchange.get(port, "/session", cookie);
                    if (answer.status() != 200) {
                        fault(name + ": status " + answer.status() + " after visit " + count + " by " + node);
                        continue;
                    }
                    var report = JSON.readTree(answer.body());
                    var set = answer.headers().get("set-cookie");
                    if (set != null) {
                        cookie = "Cookie: " + set.split(";", 2)[0] + "\r\n";
                    }
                    if (report.path("count").asInt() != count + 1) {
                        fault(name + ": visit " + (count + 1) + " was counted as " + report + " after " + node);
                    }
                    count = report.path("count").asInt();
                    visited(!node.isEmpty() && !node.equals(report.path("node").asText()));
                    node = report.path("node").asText();
                } catch (IOException e) {
                    fault(name + ": " + e + " after visit " + count + " by " + node);
                }
            }
        } catch (InterruptedException e) {
            fault(name + ": " + e);
        }
    }

    private synchronized void fault(String fault) {
        faults.add(fault);
    }

    private synchronized void visited(boolean moved) {
        visits++;
        moves += moved ? 1 : 0;
    }
}
