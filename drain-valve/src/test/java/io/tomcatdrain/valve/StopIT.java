package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.http.ServletDrain;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SlowUpload;
import io.tomcatdrain.testkit.fleet.Ports;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Server;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stops an embedded Tomcat, and parts of it, while uploads are on their way. */
class StopIT {
    private static final String TOKEN = "a-token-for-the-tests";

    /** What a stop may take after the last answer, on a machine that does much else; far below the limits of what it waits for. */
    private static final long SOON_MILLIS = 25_000;

    private CapturedLog log;

    @BeforeEach
    void captureLog() {
        log = new CapturedLog(Drain.class.getName());
    }

    @AfterEach
    void releaseLog() {
        log.close();
    }

    /** What is stopped, and where the valve sits. */
    enum Part {
        SERVICE_OF_ENGINE(TestServer.Position.ENGINE),
        SERVICE_OF_HOST(TestServer.Position.HOST),
        ENGINE(TestServer.Position.ENGINE),
        HOST(TestServer.Position.HOST),
        CONTEXT(TestServer.Position.CONTEXT);

        private final TestServer.Position position;

        Part(TestServer.Position position) {
            this.position = position;
        }

        private Lifecycle of(TestServer server) {
            return switch (this) {
                case SERVICE_OF_ENGINE, SERVICE_OF_HOST -> server.tomcat().getService();
                default -> server.home(position);
            };
        }
    }

    private static String endpoints(TestServer.Position position) {
        return position == TestServer.Position.CONTEXT ? "/app/drain" : "/drain";
    }

    private static void awaitState(Drain drain, DrainState state) {
        await().pollInterval(Duration.ofMillis(2)).until(() -> drain.state() == state);
    }

    private static Answer upload(int port, String path) throws IOException {
        byte[] body = App.multipart(1_000);
        String head =
                Http11Client.head("POST", path, "Content-Type: " + App.MULTIPART, "Content-Length: " + body.length);
        return Http11Client.exchange(port, head, body);
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(503);
        assertThat(answer.header("X-Drain")).isEqualTo("refused");
        assertThat(answer.header("Retry-After")).isIn("5", "6");
    }

    private static void assertServed(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
    }

    private static String authorization() {
        return "Authorization: Bearer " + TOKEN;
    }

    // ---------------------------------------------------------------- the whole server

    @ParameterizedTest
    @EnumSource
    void uploadsInFlightFinishBeforeTheServerStops(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start();
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            Drain drain = server.drain();
            int calls = server.app().calls.get();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            awaitState(drain, DrainState.DRAINING);

            Answer ready = Http11Client.get(server.port(), endpoints(position) + "/ready");
            assertThat(ready.status()).isEqualTo(503);
            assertThat(ready.text()).isEqualTo("{\"status\":\"DRAINING\"}");
            assertThat(Http11Client.get(server.port(), endpoints(position) + "/live")
                            .status())
                    .isEqualTo(200);
            assertRefused(upload(server.port(), "/app/upload"));
            assertRefused(Http11Client.get(server.port(), "/app/ok"));
            assertThat(server.app().calls).hasValue(calls);

            nonBlocking.finishWhole();
            assertThat(stop.isOver()).isFalse();
            assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
            blocking.finishWhole();
            long millis = stop.millisAfter(System.nanoTime());
            System.out.println("stop: " + millis + " ms after the last answer, valve in " + position);
            assertThat(millis).isLessThan(SOON_MILLIS);
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
            assertThat(drain.status().totals().uploadsCompleted()).isEqualTo(2);
            assertThat(drain.status().totals().refused()).isEqualTo(2);
        }
    }

    @Test
    void uploadsOfEveryProtocolFinish() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http2Client http2 = new Http2Client(server.port());
                SlowUpload stream = SlowUpload.begin(server, http2, "/app/upload");
                SlowUpload asyncStream = SlowUpload.begin(server, http2, "/app/async/upload");
                SlowUpload ajp = SlowUpload.beginAjp(server, "/app/upload");
                SlowUpload asyncAjp = SlowUpload.beginAjp(server, "/app/async/upload")) {
            Drain drain = server.drain();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            awaitState(drain, DrainState.DRAINING);
            ajp.finishWhole();
            stream.finishWhole();
            asyncStream.finishWhole();
            assertThat(stop.isOver()).isFalse();
            asyncAjp.finishWhole();
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    @Test
    void idleServerStopsAtOnce() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http11Client idle = new Http11Client(server.port())) {
            assertThat(idle.send(Http11Client.head("GET", "/app/ok")).answer().status())
                    .isEqualTo(200);
            Drain drain = server.drain();
            long before = System.nanoTime();
            server.tomcat().stop();
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofMillis(SOON_MILLIS));
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    @Test
    void stopJoinsADrainThatRuns() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            var unused = drain.start("before the stop");
            awaitState(drain, DrainState.DRAINING);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            // From now on nobody can resume.
            await().until(() -> server.tomcat().getServer().getState().equals(LifecycleState.STOPPING_PREP));
            upload.finishWhole();
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(drain.status().report().reason()).isEqualTo("before the stop");
            assertThat(log.lines())
                    .filteredOn(line -> line.contains("SERVING -> "))
                    .hasSize(1);
        }
    }

    @Test
    void atTheLimitTheStopEndsAndTheLogNamesWhoWasCut() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("uploadTimeout", "300ms")
                        .start();
                SlowUpload first = SlowUpload.begin(server, "/app/upload");
                SlowUpload second = SlowUpload.begin(server, "/app/async/upload")) {
            Drain drain = server.drain();
            long before = System.nanoTime();
            server.tomcat().stop();
            assertThat(Duration.ofNanos(System.nanoTime() - before))
                    .isBetween(Duration.ofMillis(300), Duration.ofSeconds(45));
            assertThat(drain.state()).isEqualTo(DrainState.EXPIRED);
            assertThat(drain.status().report().abandoned()).hasSize(2);
            assertThat(log.warnings())
                    .filteredOn(line -> line.startsWith("drain[Tomcat] giving up 2 uploads"))
                    .singleElement()
                    .asString()
                    .contains("POST /app/upload from 127.0.0.1", "POST /app/async/upload from 127.0.0.1")
                    .contains("of " + first.body.length + " bytes");
            assertThat(log.warnings()).anyMatch(line -> line.startsWith("drain[Tomcat] DRAINING -> EXPIRED"));
            assertThat(first.isCut()).isTrue();
            assertThat(second.isCut()).isTrue();
        }
    }

    @Test
    void interruptEndsTheWaitAndStays() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                CapturedLog stopLog = new CapturedLog(ServletDrain.class.getName());
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            List<Boolean> interrupted = new CopyOnWriteArrayList<>();
            server.tomcat().getServer().addLifecycleListener(event -> {
                if (Lifecycle.STOP_EVENT.equals(event.getType())) {
                    interrupted.add(Thread.currentThread().isInterrupted());
                }
            });
            Background<Void> stop = Background.run(server.tomcat()::stop);
            awaitState(drain, DrainState.DRAINING);
            stop.thread().interrupt();
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(interrupted).containsExactly(true);
            assertThat(stopLog.warnings())
                    .anyMatch(line -> line.startsWith("drain[Tomcat] interrupted while the stop waits"));
            assertThat(drain.state()).isEqualTo(DrainState.EXPIRED);
            assertThat(upload.isCut()).isTrue();
        }
    }

    @Test
    void withoutDrainOnStopNothingIsWaitedFor() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("drainOnStop", "false")
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/async/upload")) {
            long before = System.nanoTime();
            server.tomcat().stop();
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofMillis(SOON_MILLIS));
            assertThat(upload.isCut()).isTrue();
        }
    }

    @Test
    void twoHostsDrainAtTheSameTime() throws Exception {
        DrainValve otherValve = new DrainValve();
        TestServer.set(otherValve, "lameDuck", "off");
        try (TestServer server = TestServer.with(TestServer.Position.HOST)
                        .customize(each -> {
                            StandardHost other = new StandardHost();
                            other.setName("other.invalid");
                            each.tomcat().getEngine().addChild(other);
                            other.getPipeline().addValve(otherValve);
                            TestServer.addApp(
                                    each.tomcat(),
                                    other,
                                    "/app",
                                    each.directory().toFile(),
                                    each.app());
                        })
                        .start();
                SlowUpload here = SlowUpload.begin(server, "/app/upload");
                SlowUpload there = SlowUpload.begin(server, server.port(), "other.invalid", "/app/upload")) {
            List<Drain> drains = List.of(server.drain(), otherValve.drain());
            assertThat(drains).extracting(Drain::name).containsExactly("localhost", "other.invalid");
            Background<Void> stop = Background.run(server.tomcat()::stop);
            drains.forEach(drain -> awaitState(drain, DrainState.DRAINING));
            here.finishWhole();
            awaitState(drains.get(0), DrainState.DRAINED);
            assertThat(drains.get(1).state()).isEqualTo(DrainState.DRAINING);
            // Drained, and still polite, until the other one is, too.
            assertRefused(upload(server.port(), "/app/upload"));
            there.finishWhole();
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(drains).extracting(Drain::state).containsOnly(DrainState.DRAINED);
        }
    }

    @Test
    void nothingIsLeftBehindAndTheServerCanStartAgain() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .customize(StopIT::addLasting)
                .build()) {
            Server whole = server.tomcat().getServer();
            int serverListeners = whole.findLifecycleListeners().length;
            int serviceListeners = server.tomcat().getService().findLifecycleListeners().length;
            for (int round = 0; round < 3; round++) {
                server.tomcat().start();
                Drain drain = server.drain();
                assertThat(drain.status().totals().uploadsCompleted()).isZero();
                assertServed(upload(server.port(), "/lasting/upload"));
                try (SlowUpload upload = SlowUpload.begin(server, "/lasting/upload")) {
                    Background<Void> stop = Background.run(server.tomcat()::stop);
                    awaitState(drain, DrainState.DRAINING);
                    Thread hook = stopHook(whole).jvmHook();
                    assertThat(hook).isNotNull();
                    upload.finishWhole();
                    stop.result();
                    assertThat(Runtime.getRuntime().removeShutdownHook(hook))
                            .as("still registered")
                            .isFalse();
                }
                assertThat(drain.status().totals().uploadsCompleted()).isEqualTo(2);
                assertThat(whole.findLifecycleListeners()).hasSize(serverListeners);
                assertThat(server.tomcat().getService().findLifecycleListeners())
                        .hasSize(serviceListeners);
                assertThat(server.drain()).isNull();
                awaitNoThreadOfOurs();
            }
        }
    }

    /** Adds an application that is there again after a restart: a context without web.xml loses its servlets when it stops. */
    private static void addLasting(TestServer server) {
        Context context =
                server.tomcat().addContext("/lasting", server.directory().toString());
        context.addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                var servlet = Tomcat.addServlet(context, "main", server.app().new Main());
                if (context.findServletMapping("/upload") == null) {
                    servlet.addMapping("/upload");
                }
            }
        });
    }

    private static StopHook stopHook(Server server) {
        StopHook hook = StopHook.find(server);
        assertThat(hook).as("the server's hook").isNotNull();
        return hook;
    }

    private static void awaitNoThreadOfOurs() {
        await().untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("drain-")));
    }

    @Test
    void whoeverWaitsForTheEndIsAnswered() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("token", TOKEN)
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            int port = server.port();
            Background<Answer> waiting = Background.call(() -> Http11Client.exchange(
                    port, Http11Client.head("POST", "/drain?wait=1m&reason=upgrade", authorization()), new byte[0]));
            awaitState(drain, DrainState.DRAINING);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.tomcat().getServer().getState().equals(LifecycleState.STOPPING_PREP));
            assertThat(waiting.isOver()).isFalse();
            upload.finishWhole();
            assertThat(waiting.result().status()).isEqualTo(200);
            assertThat(waiting.result().text())
                    .contains("\"state\":\"DRAINED\"", "\"reason\":\"upgrade\"", "\"outcome\":\"DRAINED\"");
            stop.result();
        }
    }

    @Test
    void pageInFlightIsAnsweredWhereOnlyUploadsAreRefused() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("refuse", "uploads")
                        .start();
                Http11Client page = new Http11Client(server.port());
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            page.send(Http11Client.head("GET", "/app/slow", App.KEY + ": page"));
            server.app().awaitEntered("page");
            Background<Void> stop = Background.run(server.tomcat()::stop);
            awaitState(drain, DrainState.DRAINING);
            Answer another = Http11Client.get(server.port(), "/app/ok");
            assertThat(another.status()).isEqualTo(200);
            assertThat(another.header("Connection")).isEqualTo("close");
            assertRefused(upload(server.port(), "/app/upload"));
            upload.finishWhole();
            assertThat(stop.isOver()).isFalse();
            assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
            server.app().release("page");
            Answer answer = page.answer();
            assertThat(answer.status()).as("%s", answer).isEqualTo(200);
            assertThat(answer.text()).isEqualTo("slow");
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
        }
    }

    @Test
    void lameDuckServesUntilItIsOver() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "10m")
                .start()) {
            Drain drain = server.drain();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            awaitState(drain, DrainState.LAME_DUCK);
            assertThat(Http11Client.get(server.port(), "/drain/ready").status()).isEqualTo(503);
            assertServed(upload(server.port(), "/app/upload"));
            assertThat(stop.isOver()).isFalse();
            server.awaitRest();
            var unused = drain.start("enough", new DrainLimits(Duration.ZERO, null));
            stop.result();
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    @Test
    void lameDuckOfAFixedLengthLastsThatLong() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("lameDuck", "300ms")
                .start()) {
            Drain drain = server.drain();
            server.tomcat().stop();
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
            assertThat(drain.status().report().lameDuckMillis()).isBetween(300L, SOON_MILLIS);
        }
    }

    // ---------------------------------------------------------------- parts of it

    @ParameterizedTest
    @EnumSource
    void stopOfOnePartDrainsIt(Part part) throws Exception {
        try (TestServer server = TestServer.with(part.position).start();
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            Drain drain = server.drain();
            Background<Void> stop = Background.run(part.of(server)::stop);
            awaitState(drain, DrainState.DRAINING);
            assertThat(Http11Client.get(server.port(), endpoints(part.position) + "/ready")
                            .status())
                    .isEqualTo(503);
            assertThat(Http11Client.get(server.port(), endpoints(part.position) + "/live")
                            .status())
                    .isEqualTo(200);
            assertRefused(upload(server.port(), "/app/upload"));
            blocking.finishWhole();
            assertThat(stop.isOver()).isFalse();
            nonBlocking.finishWhole();
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    /** The neighbours of the host that goes are served on, and keep their listeners. */
    @ParameterizedTest
    @EnumSource(
            value = TestServer.Position.class,
            names = {"HOST", "CONTEXT"})
    void stopOfOnePartLeavesItsNeighboursAlone(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position)
                        .set("closeListener", "true")
                        .customize(each -> {
                            StandardHost other = new StandardHost();
                            other.setName("other.invalid");
                            each.tomcat().getEngine().addChild(other);
                            TestServer.addApp(
                                    each.tomcat(),
                                    other,
                                    "/app",
                                    each.directory().toFile(),
                                    each.app());
                        })
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            String other = "GET /app/ok HTTP/1.1\r\nHost: other.invalid\r\n\r\n";
            Background<Void> stop = Background.run(server.home(position)::stop);
            awaitState(drain, DrainState.DRAINING);
            assertRefused(upload(server.port(), "/app/upload"));
            assertThat(Http11Client.exchange(server.port(), other, new byte[0]).status())
                    .isEqualTo(200);
            upload.finishWhole();
            stop.result();
            assertThat(Http11Client.exchange(server.port(), other, new byte[0]).status())
                    .isEqualTo(200);
            server.home(position).start();
            assertServed(Http11Client.get(server.port(), endpoints(position) + "/ready"));
            assertThat(server.drain()).isNotSameAs(drain);
        }
    }

    /** As where an application is undeployed while the server is told to stop. */
    @ParameterizedTest
    @EnumSource
    void partAndServerStopAtTheSameTime(Part part) throws Exception {
        try (TestServer server = TestServer.with(part.position).start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            Background<Void> partStop = Background.run(part.of(server)::stop);
            awaitState(drain, DrainState.DRAINING);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.tomcat().getServer().getState().equals(LifecycleState.STOPPING_PREP));
            upload.finishWhole();
            partStop.result();
            assertThat(stop.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    // ---------------------------------------------------------------- closed listeners

    /** How the drain begins. */
    enum Trigger {
        COMMAND,
        SERVER_STOP,
        SERVICE_STOP
    }

    @ParameterizedTest
    @EnumSource
    @Tag("oldest")
    void closedListenersServeWhatIsConnected(Trigger trigger) throws Exception {
        int controlPort = Ports.free();
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .set("token", TOKEN)
                        .set("controlPort", Integer.toString(controlPort))
                        .customize(each ->
                                each.tomcat().getService().findConnectors()[1].setPort(controlPort))
                        .start();
                Http11Client idle = new Http11Client(server.port());
                AjpClient ajp = new AjpClient(server.ajpPort());
                Http2Client http2 = new Http2Client(server.port());
                SlowUpload upload = SlowUpload.begin(server, "/app/upload");
                SlowUpload stream = SlowUpload.begin(server, http2, "/app/async/upload")) {
            int port = server.port();
            int ajpPort = server.ajpPort();
            Drain drain = server.drain();
            assertThat(idle.send(Http11Client.head("GET", "/app/ok")).answer().header("Connection"))
                    .isNull();
            assertThat(ajp.forward("GET", "/app/ok", Map.of())
                            .answer(AjpClient.Body.of(new byte[0]))
                            .status())
                    .isEqualTo(200);
            assertThat(ajp.isReusable()).isTrue();

            Background<?> draining = Background.run(() -> {
                switch (trigger) {
                    case COMMAND -> drain.start("test").get();
                    case SERVER_STOP -> server.tomcat().stop();
                    case SERVICE_STOP -> server.tomcat().getService().stop();
                }
            });
            awaitState(drain, DrainState.DRAINING);

            for (int closed : new int[] {port, ajpPort}) {
                assertThatThrownBy(() -> new Http11Client(closed)).isInstanceOf(ConnectException.class);
            }
            assertThat(Http11Client.get(controlPort, "/drain/ready").status()).isEqualTo(503);
            assertThat(Http11Client.get(controlPort, "/drain/live").status()).isEqualTo(200);
            assertThat(Http11Client.get(controlPort, "/drain", authorization()).text())
                    .contains("\"state\":\"DRAINING\"", "\"uploads\":2");
            Answer resume = Http11Client.exchange(
                    controlPort, Http11Client.head("DELETE", "/drain", authorization()), new byte[0]);
            assertThat(resume.status()).as("%s", resume).isEqualTo(409);
            assertThatThrownBy(drain::resume).isInstanceOf(IllegalStateException.class);

            Answer last = idle.send(Http11Client.head("GET", "/app/ok")).answer();
            assertThat(last.status()).isEqualTo(200);
            assertThat(last.header("Connection")).isEqualTo("close");
            assertThat(idle.isClosedWithin(30_000)).isTrue();

            assertThat(ajp.forward("GET", "/app/ok", Map.of())
                            .answer(AjpClient.Body.of(new byte[0]))
                            .status())
                    .isEqualTo(200);
            assertThat(ajp.isReusable()).isFalse();

            await().until(() -> http2.lastGoAway() >= 0);
            stream.finishWhole();
            assertThat(draining.isOver()).isFalse();
            upload.finishWhole();
            assertThat(draining.millisAfter(System.nanoTime())).isLessThan(SOON_MILLIS);
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        }
    }

    /** Behind a {@code portOffset} an operator may write either port; the connector that it means stays open for readiness and control. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void controlPortStaysOpenWithAnOffsetToo(boolean withOffset) throws Exception {
        int listening = Ports.free();
        int configured = listening - 100;
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .set("token", TOKEN)
                        .set("controlPort", Integer.toString(withOffset ? listening : configured))
                        .customize(each -> {
                            Connector control = each.tomcat().getService().findConnectors()[1];
                            control.setPort(configured);
                            control.setPortOffset(100);
                        })
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            int port = server.port();
            Drain drain = server.drain();
            var unused = drain.start("test");
            awaitState(drain, DrainState.DRAINING);
            assertThatThrownBy(() -> new Http11Client(port)).isInstanceOf(ConnectException.class);
            assertThat(Http11Client.get(listening, "/drain/ready").status()).isEqualTo(503);
            assertThat(Http11Client.get(listening, "/drain", authorization()).text())
                    .contains("\"state\":\"DRAINING\"");
            upload.finishWhole();
        }
    }

    /** A valve below the engine learns of a connector only when that was bound, and Tomcat cannot close NIO2's then. */
    @Test
    void whereAListenerCannotBeClosedNewRequestsAreRefused() throws Exception {
        Connector nio2 = new Connector("org.apache.coyote.http11.Http11Nio2Protocol");
        nio2.setPort(0);
        nio2.setProperty("address", "127.0.0.1");
        try (CapturedLog log = new CapturedLog("io.tomcatdrain");
                TestServer server = TestServer.with(TestServer.Position.HOST)
                        .set("closeListener", "true")
                        .set("openUploads", "off")
                        .customize(each -> each.tomcat().getService().addConnector(nio2))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            var over = drain.start("test");
            awaitState(drain, DrainState.DRAINING);
            assertRefused(upload(nio2.getLocalPort(), "/app/upload"));
            assertRefused(Http11Client.get(nio2.getLocalPort(), "/app/ok"));
            upload.finishWhole();
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).hasToString("DRAINED");
            assertThat(over.get().refused()).isEqualTo(2);
            server.tomcat().stop();
            assertThat(log.warnings())
                    .filteredOn(line -> line.contains("listener"))
                    .satisfiesExactly(
                            line -> assertThat(line).contains("Cannot close the listener of [" + nio2 + "]"),
                            line -> assertThat(line).contains("refusing new requests instead"));
        }
    }

    /** A front end on the same machine may speak over a Unix-domain socket alone. */
    @Test
    void listenerOfAUnixDomainSocketCloses() throws Exception {
        Connector unix = new Connector();
        try (CapturedLog log = new CapturedLog("io.tomcatdrain");
                TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .customize(each -> {
                            unix.setProperty(
                                    "unixDomainSocketPath",
                                    each.directory().resolve("socket").toString());
                            each.tomcat().getService().addConnector(unix);
                        })
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            var address = UnixDomainSocketAddress.of(server.directory().resolve("socket"));
            SocketChannel.open(address).close();
            var over = server.drain().start("test");
            awaitState(server.drain(), DrainState.DRAINING);
            assertThatThrownBy(() -> SocketChannel.open(address)).isInstanceOf(ConnectException.class);
            upload.finishWhole();
            assertThat(over.get(60, TimeUnit.SECONDS).outcome()).hasToString("DRAINED");
            assertThat(log.lines()).noneMatch(line -> line.contains("listener of"));
        }
    }

    /** Each row: the protocol's class and whether the socket is bound at init. */
    @ParameterizedTest
    @CsvSource({"true, true", "false, false"})
    void connectionsAreRefusedWhileTheRestOfTheServerStops(boolean closeListener, boolean bindOnInit) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("closeListener", Boolean.toString(closeListener))
                .customize(each -> {
                    for (Connector connector : each.tomcat().getService().findConnectors()) {
                        connector.setProperty("bindOnInit", Boolean.toString(bindOnInit));
                    }
                })
                .start()) {
            int port = server.port();
            List<Throwable> seen = new CopyOnWriteArrayList<>();
            Context context = server.context();
            context.addLifecycleListener(event -> {
                if (Lifecycle.BEFORE_STOP_EVENT.equals(event.getType())) {
                    try (Http11Client late = new Http11Client(port)) {
                        seen.add(new AssertionError("connected to a paused connector, " + late.socket()));
                    } catch (IOException refused) {
                        seen.add(refused);
                    }
                }
            });
            server.tomcat().stop();
            assertThat(seen).singleElement().isInstanceOf(ConnectException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"all", "uploads"})
    void resumeIsRefusedOnceTheServerStops(String refuse) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("token", TOKEN)
                        .set("refuse", refuse)
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain drain = server.drain();
            Background<Void> stop = Background.run(server.tomcat()::stop);
            awaitState(drain, DrainState.DRAINING);
            Answer resume = Http11Client.exchange(
                    server.port(), Http11Client.head("DELETE", "/drain", authorization()), new byte[0]);
            assertThat(resume.status()).isEqualTo(409);
            assertThat(resume.text()).contains("the server is stopping");
            assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
            upload.finishWhole();
            stop.result();
        }
    }
}
