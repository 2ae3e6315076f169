package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two backends of one HAProxy check the same two nodes, nameless and at moments of their own, and none is refused a request while the nodes
 * are stopped in turn, each once more a second after its start.
 *
 * <p>{@code -Dprobers.interval=10s} and {@code 30s} take the intervals of Kubernetes and of AWS; by default they ask more often, so that it takes seconds.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class ProbersIT {
    private static final Duration INTERVAL =
            DrainSettings.parseDuration(System.getProperty("probers.interval", "100ms"));

    private static final String HAPROXY = """
        global
            log stdout format raw daemon
            spread-checks 20
        defaults
            mode http
            option forwardfor
            option redispatch 1
            retries 3
            timeout connect 30s
            timeout check 30s
            timeout client 60s
            timeout server 60s
        """;

    private static final String BACKEND = """
        frontend www%1$d
            bind 127.0.0.1:%2$d
            default_backend fleet%1$d
        backend fleet%1$d
            balance roundrobin
            option httpchk GET /drain/ready
            http-check expect status 200
            default-server check inter %3$dms fall 3 rise 1
            server n1 127.0.0.1:%4$d
            server n2 127.0.0.1:%5$d
        """;

    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicInteger answered = new AtomicInteger();
    private final List<String> lost = new CopyOnWriteArrayList<>();

    @Test
    void noneOfTwoBackendsOfTheSameBalancerIsRefusedARequest(@TempDir Path directory) throws Exception {
        assumeTrue(WebServer.HAPROXY.missing().isEmpty(), "HAProxy is not installed");
        int[] fronts = {Ports.free(), Ports.free()};
        int[] ports = {Ports.free(), Ports.free()};
        try (TestServer one = node(ports[0]);
                TestServer two = node(ports[1]);
                ServerProcess haproxy = startHaproxy(directory, fronts, ports)) {
            for (int front : fronts) {
                await().ignoreExceptions()
                        .until(() -> Http11Client.get(front, "/app/ok").status() == 200);
            }
            List<Background<Void>> clients = new ArrayList<>();
            for (int front : fronts) {
                clients.add(Background.run(() -> load(front)));
            }
            for (TestServer node : List.of(one, two)) {
                if (node == two) {
                    one.tomcat().start();
                    awaitUse(one);
                }
                stop(node);
                node.tomcat().start();
                await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
                stop(node);
            }
            over.set(true);
            for (Background<Void> client : clients) {
                client.result();
            }
            assertThat(lost).as("%s", haproxy).isEmpty();
            assertThat(answered).hasValueGreaterThan(20);
        }
    }

    private static TestServer node(int port) throws Exception {
        return TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "auto")
                .set("lameDuckTimeout", INTERVAL.multipliedBy(8).plusSeconds(60).toMillis() + "ms")
                .customize(made -> made.tomcat().getConnector().setPort(port))
                .start();
    }

    private static ServerProcess startHaproxy(Path directory, int[] fronts, int[] ports) throws IOException {
        StringBuilder configuration = new StringBuilder(HAPROXY);
        for (int i = 0; i < fronts.length; i++) {
            configuration.append(BACKEND.formatted(i, fronts[i], INTERVAL.toMillis(), ports[0], ports[1]));
        }
        Path file = Files.writeString(directory.resolve("haproxy.cfg"), configuration);
        return ServerProcess.start(
                List.of(WebServer.HAPROXY.program().toString(), "-db", "-f", file.toString()),
                Map.of(),
                directory.resolve("haproxy.log"));
    }

    private static void stop(TestServer node) throws Exception {
        Background<Void> stopping = Background.run(node.tomcat()::stop);
        await().atMost(INTERVAL.multipliedBy(8).plusSeconds(120)).until(stopping::isOver);
        stopping.result();
    }

    /** Waits until the balancer sends it requests again: both backends, so that there is a node to go to when the next one stops. */
    private void awaitUse(TestServer node) {
        int before = node.app().calls.get();
        await().atMost(INTERVAL.multipliedBy(3).plusSeconds(60))
                .until(() -> node.app().calls.get() > before + 20
                        && node.drain().summary().probers().size() == 1);
        long since = System.nanoTime();
        await().atMost(INTERVAL.multipliedBy(3).plusSeconds(60))
                .until(() ->
                        System.nanoTime() - since > INTERVAL.multipliedBy(2).toNanos());
    }

    private void load(int front) {
        byte[] body = App.multipart(20_000);
        while (!over.get()) {
            try {
                note(Http11Client.get(front, "/app/ok"));
                note(Http11Client.exchange(front, Scenario.uploadHead("/app/upload", body.length, "none"), body));
            } catch (IOException failed) {
                lost.add(failed.toString());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    private void note(Answer answer) {
        if (answer.status() == 200) {
            answered.incrementAndGet();
        } else {
            lost.add(answer.toString());
        }
    }
}
