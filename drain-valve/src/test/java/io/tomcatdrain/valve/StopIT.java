package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.catalina.Context;
import org.apache.catalina.Host;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.core.StandardHost;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever stops, what was accepted is answered first, and the stop ends. */
class StopIT {
    private static final String UPLOADS = "/app/upload";
    private static final String NON_BLOCKING = "/app/async/upload";

    /** What of a server can be stopped. */
    private interface Stop {
        void run() throws LifecycleException;
    }

    @AfterEach
    void noThreadOfADrainIsLeft() {
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet())
                        .extracting(Thread::getName)
                        .noneMatch(name -> name.startsWith("drain-")));
    }

    private static CompletableFuture<Long> stopping(Stop stop) {
        CompletableFuture<Long> stopped = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        stop.run();
                        stopped.complete(System.nanoTime());
                    } catch (LifecycleException | RuntimeException e) {
                        stopped.completeExceptionally(e);
                    }
                },
                "stopper");
        thread.start();
        return stopped;
    }

    private static void awaitState(Drain drain, DrainState state) {
        await().atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> drain.state() == state);
    }

    /** Stops with two uploads half-way, and looks at everything that the contract promises of a stop. */
    private static void drainsFirst(TestServer server, Stop stop, boolean connectorsGo) throws Exception {
        Drain drain = server.drain();
        try (SlowUpload blocking = SlowUpload.begin(server, UPLOADS);
                SlowUpload nonBlocking = SlowUpload.begin(server, NON_BLOCKING);
                var keptAlive = new Http11Client(server.port())) {
            assertThat(keptAlive
                            .send(Http11Client.head("GET", "/app/ok"))
                            .answer()
                            .status())
                    .isEqualTo(200);
            CompletableFuture<Long> stopped = stopping(stop);
            awaitState(drain, DrainState.DRAINING);

            String path = server.valve().getContainer() instanceof Context ? "/app/drain" : "/drain";
            assertThat(Http11Client.get(server.port(), path + "/ready").status())
                    .isEqualTo(503);
            assertThat(Http11Client.get(server.port(), path + "/live").status()).isEqualTo(200);
            Answer refused = Http11Client.exchange(
                    server.port(), Scenario.uploadHead(UPLOADS, SlowUpload.BODY.length, "x"), SlowUpload.BODY);
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("X-Drain")).isEqualTo("refused");
            assertThat(keptAlive
                            .send(Http11Client.head("GET", path + "/live"))
                            .answer()
                            .status())
                    .isEqualTo(200);
            assertThat(stopped).isNotDone();

            Answer first = blocking.finish();
            assertThat(first.status()).isEqualTo(200);
            assertThat(first.text()).isEqualTo(SlowUpload.sum());
            assertThat(stopped).isNotDone();
            Answer second = nonBlocking.finish();
            long lastAnswer = System.nanoTime();
            assertThat(second.status()).isEqualTo(200);
            assertThat(second.text()).isEqualTo(SlowUpload.sum());

            long millis = TimeUnit.NANOSECONDS.toMillis(stopped.get(20, TimeUnit.SECONDS) - lastAnswer);
            System.out.println("StopIT: stopped " + millis + " ms after the last answer");
            assertThat(millis).isLessThan(3_000);
        }
        if (connectorsGo) {
            assertThat(server.tomcat().getConnector().getState().isAvailable()).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void serverStopDrainsFirst(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start()) {
            drainsFirst(server, server.tomcat()::stop, true);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void serviceStopDrainsFirst(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start()) {
            drainsFirst(server, server.tomcat().getService()::stop, true);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TestServer.Position.class,
            names = {"HOST", "CONTEXT"})
    void stopOfItsOwnContainerDrainsFirst(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start()) {
            drainsFirst(server, server.home(position)::stop, false);
            assertThat(server.tomcat().getConnector().getState().isAvailable()).isTrue();
            server.home(position).start();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> Http11Client.get(server.port(), "/app/ok").status() == 200);
            drainsFirst(server, server.home(position)::stop, false);
        }
    }

    @Test
    void serverCanBeStartedAgain() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            for (int i = 0; i < 3; i++) {
                assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
                assertThat(AjpClient.get(server.ajpPort(), "/app/ok").status()).isEqualTo(200);
                drainsFirst(server, server.tomcat()::stop, true);
                server.tomcat().start();
            }
        }
    }

    @Test
    void idleServerStopsAtOnce() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                var keptAlive = new Http11Client(server.port())) {
            keptAlive.send(Http11Client.head("GET", "/app/ok")).answer();
            long start = System.nanoTime();
            server.tomcat().stop();
            assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)).isLessThan(3_000);
        }
    }

    @Test
    void atTheLimitTheStopEndsAndTheLogNamesWhoWasCut() throws Exception {
        try (LogRecorder log = LogRecorder.ofDrains();
                TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("uploadTimeout", "300ms")
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                        .start();
                SlowUpload stuck = SlowUpload.begin(server, NON_BLOCKING)) {
            Drain drain = server.drain();
            stopping(server.tomcat()::stop).get(20, TimeUnit.SECONDS);
            assertThat(drain.state()).isEqualTo(DrainState.EXPIRED);
            assertThat(log.messages())
                    .anySatisfy(line -> assertThat(line)
                            .startsWith("WARNING drain[Tomcat] ")
                            .contains(
                                    "EXPIRED",
                                    "POST /app/async/upload from 127.0.0.1",
                                    "of " + SlowUpload.BODY.length));
            assertThat(stuck.answer().status()).isNotEqualTo(200);
        }
    }

    @Test
    void stalledUploadDoesNotHoldTheStop() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("stallTimeout", "500ms")
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                        .start();
                SlowUpload stuck = SlowUpload.begin(server, NON_BLOCKING)) {
            Drain drain = server.drain();
            stopping(server.tomcat()::stop).get(20, TimeUnit.SECONDS);
            assertThat(drain.state()).isEqualTo(DrainState.EXPIRED);
            assertThat(stuck.answer().status()).isNotEqualTo(200);
        }
    }

    @Test
    void interruptEndsTheWaitAsInterruptedAndTheServerStops() throws Exception {
        try (LogRecorder log = new LogRecorder("io.tomcatdrain.valve.DrainStop");
                TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, NON_BLOCKING)) {
            Drain drain = server.drain();
            CompletableFuture<Thread> stopper = new CompletableFuture<>();
            CompletableFuture<Boolean> stopped = new CompletableFuture<>();
            new Thread(() -> {
                        stopper.complete(Thread.currentThread());
                        try {
                            server.tomcat().stop();
                        } catch (LifecycleException | RuntimeException e) {
                            stopped.completeExceptionally(e);
                        }
                        stopped.complete(Thread.currentThread().isInterrupted());
                    })
                    .start();
            awaitState(drain, DrainState.DRAINING);
            stopper.get().interrupt();
            stopped.get(20, TimeUnit.SECONDS);
            assertThat(drain.state()).isNotEqualTo(DrainState.DRAINED);
            assertThat(log.messages())
                    .anySatisfy(line -> assertThat(line).contains("interrupted").contains("drain[Tomcat]"));
            assertThat(upload.answer().status()).isNotEqualTo(200);
        }
    }

    @Test
    void withoutDrainOnStopTheServerStopsAsTomcatDoes() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("drainOnStop", "false")
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, NON_BLOCKING)) {
            long start = System.nanoTime();
            stopping(server.tomcat()::stop).get(20, TimeUnit.SECONDS);
            assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)).isLessThan(5_000);
            assertThat(upload.answer().status()).isNotEqualTo(200);
        }
    }

    /** One after the other would be as slow as both together; the second would be asked only when the first is over. */
    @Test
    void drainsOfTwoHostsRunAtTheSameTime() throws Exception {
        DrainValve[] second = new DrainValve[1];
        App other = new App();
        try (TestServer server = TestServer.with(TestServer.Position.HOST)
                        .customize(each -> second[0] = addHost(each, other))
                        .start();
                SlowUpload one = SlowUpload.begin(server, UPLOADS);
                var two = new Http11Client(server.port())) {
            String head = Scenario.uploadHead("/app/upload", SlowUpload.BODY.length, "two");
            two.send(head.replace("Host: localhost", "Host: second.invalid"));
            other.awaitEntered("two");
            Drain secondDrain = second[0].drain();
            Drain firstDrain = server.drain();
            CompletableFuture<Long> stopped = stopping(server.tomcat()::stop);
            awaitState(firstDrain, DrainState.DRAINING);
            awaitState(secondDrain, DrainState.DRAINING);
            assertThat(one.finish().text()).isEqualTo(SlowUpload.sum());
            awaitState(firstDrain, DrainState.DRAINED);
            assertThat(stopped).isNotDone();
            two.send(SlowUpload.BODY);
            assertThat(two.answer().text()).isEqualTo(SlowUpload.sum());
            stopped.get(20, TimeUnit.SECONDS);
            assertThat(secondDrain.state()).isEqualTo(DrainState.DRAINED);
        } finally {
            other.close();
        }
    }

    private static DrainValve addHost(TestServer server, App app) {
        StandardHost host = new StandardHost();
        host.setName("second.invalid");
        server.tomcat().getEngine().addChild(host);
        TestServer.addApp(server.tomcat(), host, "/app", server.directory().toFile(), app);
        DrainValve valve = new DrainValve();
        valve.setLameDuck("off");
        host.getPipeline().addValve(valve);
        return valve;
    }

    /** The neighbours of a host that stops keep their listeners and go on. */
    @Test
    void stopOfOneHostLeavesTheOtherServing() throws Exception {
        DrainValve[] second = new DrainValve[1];
        App other = new App();
        try (TestServer server = TestServer.with(TestServer.Position.HOST)
                .customize(each -> second[0] = addHost(each, other))
                .start()) {
            Host host = (Host) second[0].getContainer();
            host.stop();
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
        } finally {
            other.close();
        }
    }

    @Test
    void lameDuckOfAStopWaitsForTheProberAndServes() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "auto")
                .set("probeFailures", "2")
                .start()) {
            Drain drain = server.drain();
            Http11Client.get(server.port(), "/drain/ready");
            Http11Client.get(server.port(), "/drain/ready");
            CompletableFuture<Long> stopped = stopping(server.tomcat()::stop);
            awaitState(drain, DrainState.LAME_DUCK);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            for (int i = 0; i < 2; i++) {
                assertThat(Http11Client.get(server.port(), "/drain/ready").status())
                        .isEqualTo(503);
            }
            stopped.get(20, TimeUnit.SECONDS);
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    @Test
    void everyConnectorsListenerIsClosedBeforeTheConnectorsGo() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            List<Integer> ports = List.of(server.port(), server.otherPort(), server.ajpPort());
            server.tomcat().stop();
            for (int port : ports) {
                assertThat(isRefused(port)).as("port " + port).isTrue();
            }
            for (Connector connector : server.tomcat().getService().findConnectors()) {
                assertThat(connector.getState().isAvailable()).isFalse();
            }
        }
    }

    private static boolean isRefused(int port) {
        try {
            new Http11Client(port).close();
            return false;
        } catch (IOException refused) {
            return true;
        }
    }

    @Test
    void waitingCommandHasItsAnswerBeforeTheConnectorsGo()
            throws IOException, LifecycleException, InterruptedException, ExecutionException, TimeoutException {
        String token = "0123456789abcdef";
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("token", token)
                        .start();
                SlowUpload upload = SlowUpload.begin(server, UPLOADS);
                var waiting = new Http11Client(server.port())) {
            Drain drain = server.drain();
            waiting.send(
                    Http11Client.head("POST", "/drain?wait=1m", "Authorization: Bearer " + token, "Content-Length: 0"));
            awaitState(drain, DrainState.DRAINING);
            CompletableFuture<Long> stopped = stopping(server.tomcat()::stop);
            assertThat(upload.finish().status()).isEqualTo(200);
            assertThat(waiting.answer().status()).isEqualTo(200);
            stopped.get(20, TimeUnit.SECONDS);
        }
    }
}
