package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SlowUpload;
import io.tomcatdrain.valve.Line.Protocol;
import java.io.IOException;
import java.net.ConnectException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * One stop after the other under traffic of every kind: each ends within its limits and without an exception, and each upload that a
 * client sent was answered or not taken.
 *
 * <p>{@code -Dstops=1000} makes so many; without it, as many as fit into some seconds.
 */
class ManyStopsIT {
    private static final int STOPS = Integer.getInteger("stops", 0);
    private static final long NANOS = TimeUnit.SECONDS.toNanos(6);

    @BeforeAll
    static void quiet() {
        TestServer.beQuiet();
    }

    @Test
    void eachStopUnderTrafficOfEveryKindEndsWellAndLosesNothing() throws Exception {
        long began = System.nanoTime();
        int stops = 0;
        AtomicInteger answers = new AtomicInteger();
        while (STOPS > 0 ? stops < STOPS : System.nanoTime() - began < NANOS) {
            stopUnderTraffic(stops++, answers);
        }
        System.out.println(stops + " stops, " + answers + " answered uploads");
    }

    private static void stopUnderTraffic(int round, AtomicInteger answers) throws Exception {
        List<Background<String>> clients = new ArrayList<>();
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "200ms")
                        .start();
                CapturedLog log = new CapturedLog("io.tomcatdrain");
                Http2Client streams = new Http2Client(server.port())) {
            int port = server.port();
            int ajpPort = server.ajpPort();
            Accepted accepted = Accepted.by(server);
            CountDownLatch busy = new CountDownLatch(Protocol.values().length);
            for (Protocol protocol : Protocol.values()) {
                AtomicInteger own = new AtomicInteger();
                Runnable answered = () -> {
                    answers.incrementAndGet();
                    if (own.incrementAndGet() == 1) {
                        busy.countDown();
                    }
                };
                clients.add(
                        Background.call(() -> Line.uploadUntilRefused(protocol, port, ajpPort, answered, accepted)));
            }
            clients.add(Background.call(() -> probeAndLeave(port)));
            assertThat(busy.await(1, TimeUnit.MINUTES)).isTrue();
            streams.request("GET", "/app/async/never", true, App.KEY, "never" + round);
            int broken = streams.upload("/app/async/upload", App.MULTIPART, 1_000);
            streams.cancel(broken);
            List<SlowUpload> slow = List.of(
                    SlowUpload.begin(server, "/app/uploadSized"),
                    SlowUpload.begin(server, streams, "/app/async/upload"),
                    SlowUpload.beginAjp(server, "/app/upload"));
            Background<Void> stop = Background.run(server.tomcat()::stop);
            for (SlowUpload upload : slow) {
                upload.finishWhole();
                upload.close();
            }
            if (round % 2 == 0) {
                streams.reset();
            }
            stop.result();
            for (Background<String> client : clients) {
                assertThat(client.result()).as("stop %s", round).isEmpty();
            }
            assertThat(log.lines()).as("stop %s", round).noneMatch(line -> line.contains("Could not"));
        }
    }

    /** Asks for readiness over HTTP/2 and leaves before the answer, and over HTTP/1.1 waits for it. */
    private static String probeAndLeave(int port) {
        while (true) {
            try {
                try (Http2Client hasty = new Http2Client(port)) {
                    hasty.request("GET", "/drain/ready", true);
                }
                Http11Client.get(port, "/drain/ready");
            } catch (ConnectException refused) {
                return "";
            } catch (IOException closed) {
                // a probe is not promised an answer
            }
        }
    }
}
