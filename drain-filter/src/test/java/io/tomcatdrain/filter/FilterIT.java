package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.metrics.DrainMetrics;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.SlowUpload;
import io.tomcatdrain.valve.DrainValve;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.management.ObjectName;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.util.ServerInfo;
import org.apache.catalina.valves.RemoteIpValve;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The filter in an embedded Tomcat: drains, refuses, lets finish, stops. */
class FilterIT {
    private static final String TOKEN = "a-token-of-16-or-more";
    private static final String AUTHORIZATION = "Authorization: Bearer " + TOKEN;

    private static EmbeddedTomcat start(String... settings) throws Exception {
        return FilterServer.with(parameters(settings)).start();
    }

    private static Map<String, String> parameters(String... settings) {
        Map<String, String> parameters = new java.util.HashMap<>(Map.of("drain.token", TOKEN));
        for (int i = 0; i < settings.length; i += 2) {
            parameters.put("drain." + settings[i], settings[i + 1]);
        }
        return parameters;
    }

    private static Drain drain(EmbeddedTomcat server) {
        return FilterServer.drain(server.context());
    }

    private static Answer upload(EmbeddedTomcat server, String path) throws IOException {
        byte[] body = App.multipart(2_000);
        return Http11Client.exchange(server.port(), Scenario.uploadHead(path, body.length, "none"), body);
    }

    private static void awaitState(Drain drain, DrainState state) {
        await().until(() -> drain.state() == state);
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("X-Drain")).isEqualTo("refused");
        assertThat(answer.header("Retry-After")).isIn("5", "6");
        assertThat(answer.header("Connection")).isEqualTo("close");
    }

    /** Guards the build: each of its two runs must be on the Tomcat that it is named after. */
    @Test
    void runsOnTheTomcatThatTheBuildMeant() {
        assertThat(ServerInfo.getServerNumber()).startsWith(System.getProperty("tomcat.version"));
    }

    @Test
    void uploadsInFlightFinishWhileNewOnesAreRefused() throws Exception {
        try (EmbeddedTomcat server = start();
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            assertThat(Http11Client.get(server.port(), "/app/drain/ready").status())
                    .isEqualTo(200);
            assertThat(Http11Client.exchange(
                                    server.port(),
                                    Http11Client.head("POST", "/app/drain?reason=upgrade", AUTHORIZATION),
                                    new byte[0])
                            .status())
                    .isEqualTo(202);
            assertThat(Http11Client.get(server.port(), "/app/drain/ready").status())
                    .isEqualTo(503);
            assertThat(Http11Client.get(server.port(), "/app/drain/live").status())
                    .isEqualTo(200);
            assertRefused(upload(server, "/app/upload"));
            assertRefused(Http11Client.get(server.port(), "/app/ok"));
            assertThat(drain(server).status().inFlight()).isEqualTo(new DrainStatus.InFlight(2, 0, 0));
            blocking.finishWhole();
            nonBlocking.finishWhole();
            Answer over = Http11Client.exchange(
                    server.port(), Http11Client.head("POST", "/app/drain?wait=25s", AUTHORIZATION), new byte[0]);
            assertThat(over.status()).isEqualTo(200);
            assertThat(over.text()).contains("\"outcome\":\"DRAINED\"", "\"finished\":2", "\"refused\":2");
            Answer resumed = Http11Client.exchange(
                    server.port(), Http11Client.head("DELETE", "/app/drain", AUTHORIZATION), new byte[0]);
            assertThat(resumed.text()).contains("\"state\":\"SERVING\"");
            assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
        }
    }

    @Test
    void canariesAreUploads() throws Exception {
        try (EmbeddedTomcat server = start();
                Http11Client canary = new Http11Client(server.port())) {
            canary.send(Http11Client.head("POST", "/app/drain/canary", AUTHORIZATION, "Content-Length: 4"))
                    .send("ab");
            await().until(() -> drain(server).status().inFlight().uploads() == 1);
            String command = Http11Client.head("POST", "/app/drain", AUTHORIZATION);
            assertThat(Http11Client.exchange(server.port(), command, new byte[0])
                            .text())
                    .contains("\"state\":\"DRAINING\"");
            String another = Http11Client.head("POST", "/app/drain/canary", AUTHORIZATION, "Content-Length: 0");
            assertRefused(Http11Client.exchange(server.port(), another, new byte[0]));
            assertThat(canary.send("cd").answer().text()).contains("\"bytes\":4");
            await().until(() -> drain(server).state() == DrainState.DRAINED);
        }
    }

    @Test
    void aUrlOfTheApplicationsTellsThatTheNodeLeaves() throws Exception {
        try (EmbeddedTomcat server = start(
                "readyPaths",
                "/ok,/async/dispatch",
                "lameDuck",
                "10m",
                "lameDuckTimeout", // who has asked once is shown for a third of that
                "10m",
                "drainOnStop",
                "false")) {
            assertThat(Http11Client.get(server.port(), "/app/ok?prober=lb").text())
                    .isEqualTo("ok");
            assertThat(drain(server).status().probers())
                    .extracting(DrainStatus.Prober::name)
                    .containsExactly("lb");
            var unused = drain(server).start("test");
            Answer answer = Http11Client.get(server.port(), "/app/ok?prober=lb");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.text()).isEqualTo("{\"status\":\"DRAINING\"}");
            assertThat(Http11Client.get(server.port(), "/app/async/dispatch").status())
                    .isEqualTo(503);
            assertThat(Http11Client.get(server.port(), "/app/unread").status()).isEqualTo(200);
            drain(server).resume();
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
        }
    }

    /** A browser asks before an upload to another origin whether it may; the answer is the application's, in every state. */
    @Test
    void aPreflightIsTheApplicationsAndTheScriptMayReadTheRefusal() throws Exception {
        try (EmbeddedTomcat server = start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            var unused = drain(server).start("test");
            awaitState(drain(server), DrainState.DRAINING);
            int calls = server.app().calls.get();
            Answer preflight = Http11Client.exchange(
                    server.port(),
                    Http11Client.head(
                            "OPTIONS", "/app/ok", "Origin: https://app.example", "Access-Control-Request-Method: POST"),
                    new byte[0]);
            assertThat(preflight.status()).isEqualTo(200);
            assertThat(server.app().calls.get()).isEqualTo(calls + 1);
            Answer refused = Http11Client.get(server.port(), "/app/ok", "Origin: https://app.example");
            assertRefused(refused);
            assertThat(refused.header("Access-Control-Allow-Origin")).isEqualTo("https://app.example");
            assertThat(drain(server).status().totals().refused()).isEqualTo(1);
            upload.finishWhole();
        }
    }

    /** What an application sends itself may be below the endpoints' path only by name. */
    @Test
    void endpointsTakeTheirOwnPathsOnly() throws Exception {
        try (EmbeddedTomcat server = start("path", "/ops/drain")) {
            assertThat(Http11Client.get(server.port(), "/app/ops/drain/ready").status())
                    .isEqualTo(200);
            assertThat(Http11Client.get(server.port(), "/app/ops/drain").status())
                    .isEqualTo(401);
            assertThat(Http11Client.get(server.port(), "/app/drain/ready").status())
                    .isEqualTo(404);
            assertThat(Http11Client.get(server.port(), "/app/ops/drainage").status())
                    .isEqualTo(404);
            await().untilAsserted(
                            () -> assertThat(drain(server).status().totals().requestsCompleted())
                                    .isEqualTo(2));
        }
    }

    @Test
    void controlIsAnsweredOnItsPortOnly() throws Exception {
        Map<String, String> parameters = parameters();
        EmbeddedTomcat.Builder builder = EmbeddedTomcat.plain()
                .customize(each -> each.context().addLifecycleListener(event -> {
                    if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                        parameters.put("drain.controlPort", String.valueOf(each.port())); // bound by then
                    }
                }));
        try (EmbeddedTomcat server = FilterServer.into(builder, parameters).start()) {
            assertThat(Http11Client.get(server.port(), "/app/drain", AUTHORIZATION)
                            .status())
                    .isEqualTo(200);
            assertThat(Http11Client.get(server.otherPort(), "/app/drain", AUTHORIZATION)
                            .status())
                    .isEqualTo(403);
            assertThat(Http11Client.get(server.otherPort(), "/app/drain/ready").status())
                    .isEqualTo(200);
        }
    }

    /** AJP carries a port that the client has named in {@code Host}; here it is the one for control. */
    @Test
    void aPortThatAnAjpClientNamesIsNotTheOneForControl() throws Exception {
        try (EmbeddedTomcat server =
                        FilterServer.with(parameters("controlPort", "80")).start();
                AjpClient front = new AjpClient(server.ajpPort())) {
            Answer answer = front.forward("GET", "/app/drain", Map.of("Authorization", "Bearer " + TOKEN))
                    .answer(AjpClient.Body.of(new byte[0]));
            assertThat(answer.status()).as("%s", answer).isEqualTo(403);
            assertThat(AjpClient.get(server.ajpPort(), "/app/drain/ready").status())
                    .isEqualTo(200);
        }
    }

    /** RemoteIpValve lets a header say what the local port is, and takes the header away. */
    @Test
    void aPortThatAForwardedHeaderNamesIsNotTheOneForControl() throws Exception {
        RemoteIpValve proxy = new RemoteIpValve();
        proxy.setPortHeader("X-Forwarded-Port");
        proxy.setProtocolHeader("X-Forwarded-Proto");
        proxy.setChangeLocalPort(true);
        try (EmbeddedTomcat server = FilterServer.into(
                        EmbeddedTomcat.plain().before(proxy), parameters("controlPort", "8443"))
                .start()) {
            for (String client : List.of("X-Forwarded-For: 8.8.8.8", "X-Forwarded-For: 127.0.0.1")) {
                Answer answer = Http11Client.get(
                        server.port(),
                        "/app/drain",
                        AUTHORIZATION,
                        client,
                        "X-Forwarded-Proto: https",
                        "X-Forwarded-Port: 8443");
                assertThat(answer.status()).as("%s, %s", client, answer).isEqualTo(403);
            }
        }
    }

    @Test
    void lameDuckServesAndEndsConnections() throws Exception {
        try (EmbeddedTomcat server = start("lameDuck", "1h");
                var client = new Http11Client(server.port())) {
            var unused = drain(server).start("test");
            Answer answer = client.send(Http11Client.head("GET", "/app/ok")).answer();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Connection")).isEqualTo("close");
            assertThat(client.isClosedWithin(30_000)).isTrue();
            assertThat(Http2Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            assertThat(AjpClient.get(server.ajpPort(), "/app/ok").header("Connection"))
                    .isNull();
        }
    }

    /** Tomcat resets the stream of an unread body right behind the answer. */
    @Test
    void refusalReachesClientsOfHttp2() throws Exception {
        try (EmbeddedTomcat server = start()) {
            var unused = drain(server).start("test");
            byte[] body = App.multipart(200_000);
            List<Integer> statuses = IntStream.range(0, 10)
                    .parallel()
                    .mapToObj(i -> {
                        try {
                            return Http2Client.post(server.port(), "/app/upload", App.MULTIPART, body)
                                    .status();
                        } catch (Exception e) {
                            throw new IllegalStateException(e);
                        }
                    })
                    .toList();
            assertThat(statuses).hasSize(10).containsOnly(503);
            assertThat(drain(server).status().totals().refused()).isEqualTo(10);
        }
    }

    // ---------------------------------------------------------------- stop

    enum Stop {
        CONTEXT,
        RELOAD,
        UNDEPLOY,
        SERVER;

        void of(EmbeddedTomcat server) throws LifecycleException {
            switch (this) {
                case CONTEXT -> server.context().stop();
                case RELOAD -> server.context().reload();
                case UNDEPLOY -> server.tomcat().getHost().removeChild(server.context());
                case SERVER -> server.tomcat().stop();
            }
        }
    }

    /**
     * Neither of them is lost, though Tomcat's own patience is shorter than the uploads. Of probers, which cannot ask any more, nothing
     * is said.
     */
    @ParameterizedTest
    @EnumSource
    void everyStopWaitsForUploads(Stop stop) throws Exception {
        try (CapturedLog log = new CapturedLog(Drain.class.getName());
                EmbeddedTomcat server = FilterServer.with(parameters("lameDuck", "auto"))
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(1))
                        .start();
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            Drain drain = drain(server);
            Background<Void> stopping = Background.run(() -> stop.of(server));
            awaitState(drain, DrainState.DRAINING);
            blocking.finishWhole();
            assertThat(stopping.isOver()).isFalse();
            nonBlocking.finishWhole();
            stopping.result();
            assertThat(drain.status().report().outcome()).isEqualTo(io.tomcatdrain.DrainReport.Outcome.DRAINED);
            assertThat(drain.status().totals().uploadsCompleted()).isEqualTo(2);
            assertThat(log.lines()).anyMatch(line -> line.contains("DRAINING -> DRAINED"));
            assertThat(log.warnings()).isEmpty();
            if (stop == Stop.RELOAD) {
                assertThat(drain(server)).isNotSameAs(drain);
                assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
            }
        }
    }

    @Test
    void withoutDrainOnStopNothingIsWaitedFor() throws Exception {
        try (EmbeddedTomcat server = FilterServer.with(parameters("drainOnStop", "false"))
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(1))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/async/upload")) {
            server.context().stop();
            assertThat(upload.isCut()).isTrue();
        }
    }

    @Test
    void atTheLimitTheStopGoesOn() throws Exception {
        try (EmbeddedTomcat server = FilterServer.with(parameters("uploadTimeout", "300ms"))
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(1))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/async/upload")) {
            Drain drain = drain(server);
            server.context().stop();
            assertThat(drain.status().report().abandoned()).hasSize(1);
            assertThat(upload.isCut()).isTrue();
        }
    }

    @Test
    void nothingIsLeftOfAStoppedApplication() throws Exception {
        ObjectName name = new ObjectName("io.tomcatdrain:type=Drain,name=Tomcat/localhost/app");
        var beans = ManagementFactory.getPlatformMBeanServer();
        try (EmbeddedTomcat server = start()) {
            assertThat(beans.getAttribute(name, "State")).isEqualTo("SERVING");
            for (int i = 0; i < 3; i++) {
                server.context().stop();
                assertThat(beans.isRegistered(name)).isFalse();
                assertThat(server.context().getServletContext().getAttribute(Drain.ATTRIBUTE))
                        .isNull();
                server.context().start();
                assertThat(beans.isRegistered(name)).isTrue();
            }
        }
        assertThat(beans.isRegistered(name)).isFalse();
        await().untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet().stream()
                        .map(Thread::getName)
                        .filter(thread -> thread.startsWith("drain-")))
                .isEmpty());
    }

    @Test
    void answersWithoutAnEndHoldNoDrain() throws Exception {
        try (EmbeddedTomcat server = start("streamTypes", "text/event-stream,/app/async/never");
                var events = new Http11Client(server.port());
                var poll = new Http11Client(server.port());
                var other = new Http11Client(server.port())) {
            String[] keys = {Scenario.key(), Scenario.key(), Scenario.key()};
            events.send(Http11Client.head("GET", "/app/async/events", App.KEY + ": " + keys[0]));
            poll.send(Http11Client.head("GET", "/app/async/never", App.KEY + ": " + keys[1]));
            other.send(Http11Client.head("GET", "/app/async/complete", App.KEY + ": " + keys[2]));
            for (String key : keys) {
                server.app().awaitEntered(key);
            }
            Drain drain = drain(server);
            await().until(() -> drain.summary().inFlight().equals(new DrainStatus.InFlight(0, 1, 0, 2)));
            var outcome = drain.start("test");
            assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
            server.app().release(keys[2]);
            assertThat(other.answer().text()).isEqualTo("async");

            assertThat(outcome.get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            assertThat(drain.summary().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0, 2));
        }
    }

    // ---------------------------------------------------------------- with the valve, and declared

    @Test
    void valveAndFilterTogetherCountOnce() throws Exception {
        DrainValve valve = new DrainValve();
        valve.setLameDuck("off");
        try (EmbeddedTomcat server = FilterServer.into(EmbeddedTomcat.plain().after(valve), parameters())
                .start()) {
            assertThat(FilterServer.drain(server.context())).isSameAs(valve.drain());
            assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
            assertThat(upload(server, "/app/async/upload").status()).isEqualTo(200);
            assertThat(Http11Client.get(server.port(), "/app/async/dispatch").status())
                    .isEqualTo(200);
            await().untilAsserted(
                            () -> assertThat(valve.drain().status().totals().uploadsCompleted())
                                    .isEqualTo(2));
            await().untilAsserted(
                            () -> assertThat(valve.drain().status().totals().requestsCompleted())
                                    .isEqualTo(1));
            // The valve's endpoints are the ones to ask; two answers would contradict each other.
            assertThat(Http11Client.get(server.port(), "/drain/ready").status()).isEqualTo(200);
            assertThat(Http11Client.get(server.port(), "/app/drain/ready").status())
                    .isEqualTo(404);
        }
    }

    @Test
    void valveThatComesLaterTakesOverAndGivesBack() throws Exception {
        try (EmbeddedTomcat server = start()) {
            Drain own = drain(server);
            assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
            String key = Scenario.key();
            try (var client = new Http11Client(server.port())) {
                client.send(Http11Client.head("GET", "/app/async/dispatch", App.KEY + ": " + key));
                server.app().awaitEntered(key);
                await().until(() -> own.summary().inFlight().requests() == 1);
                DrainValve valve = new DrainValve();
                valve.setLameDuck("off");
                server.tomcat().getEngine().getPipeline().addValve(valve);
                assertThat(drain(server)).isSameAs(valve.drain());

                assertThat(upload(server, "/app/async/upload").status()).isEqualTo(200);
                assertThat(Http11Client.get(server.port(), "/app/forward").status())
                        .isEqualTo(200);
                await().untilAsserted(() -> assertThat(valve.drain().summary().totals())
                        .extracting(DrainStatus.Totals::uploadsCompleted, DrainStatus.Totals::requestsCompleted)
                        .containsExactly(1L, 1L));
                assertThat(own.summary().totals().requestsCompleted()).isZero();
                server.tomcat().getEngine().getPipeline().removeValve(valve);

                var over = own.start("test");
                assertThat(upload(server, "/app/upload").status()).isEqualTo(503);
                assertThat(own.state()).as("what it had counted before").isEqualTo(DrainState.DRAINING);
                server.app().release(key);
                assertThat(client.answer().text()).isEqualTo("ok");
                assertThat(over.get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            }
            assertThat(own.summary().totals())
                    .isEqualTo(new DrainStatus.Totals(1, 0, 1, 1, App.multipart(2_000).length));
        }
    }

    private static void declare(Context context) {
        FilterDef filter = new FilterDef();
        filter.setFilterName("mine");
        filter.setFilterClass(DrainFilter.class.getName());
        filter.setAsyncSupported("true");
        filter.addInitParameter("refusalStatus", "529");
        FilterMap map = new FilterMap();
        map.setFilterName("mine");
        map.addURLPattern("/*");
        context.addFilterDef(filter);
        context.addFilterMap(map);
    }

    @Test
    void declaredFilterIsNotRegisteredTwice() throws Exception {
        try (EmbeddedTomcat server = FilterServer.with(parameters())
                .customize(each -> each.context().addLifecycleListener(event -> {
                    if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                        declare(each.context());
                    }
                }))
                .start()) {
            assertThat(server.context().getServletContext().getFilterRegistrations())
                    .containsOnlyKeys("mine", "Tomcat WebSocket (JSR356) Filter");
            assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
            await().untilAsserted(
                            () -> assertThat(drain(server).status().totals().uploadsCompleted())
                                    .isEqualTo(1));
            var unused = drain(server).start("test");
            assertThat(upload(server, "/app/upload").status()).isEqualTo(529);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"uploadTimeout=soon", "uploadTimout=10m", "closeListener=true"})
    void mistakeInTheSettingsStopsTheStart(String setting) throws Exception {
        String[] parts = setting.split("=");
        try (CapturedLog log = new CapturedLog(DrainFilter.class.getName());
                EmbeddedTomcat server = FilterServer.with(parameters(parts)).start()) {
            assertThat(server.context().getState().isAvailable()).isFalse();
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .contains("DrainFilter[Tomcat/localhost/app]: ")
                    .contains("[" + parts[parts[0].equals("uploadTimout") ? 0 : 1] + "]")
                    .contains("(context parameter [drain." + parts[0] + "])");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"on, by token", "off, since there is no token"})
    void aStartSaysThatTheFilterIsActiveAndWhereItAnswers(String control) throws Exception {
        Map<String, String> parameters = parameters("path", "/leave", "uploadTimeout", "7m");
        if (control.startsWith("off")) {
            parameters.remove("drain.token");
        }
        try (CapturedLog log = new CapturedLog(DrainFilter.class.getName());
                EmbeddedTomcat server = FilterServer.with(parameters).start()) {
            assertThat(server.context().getState().isAvailable()).isTrue();
            assertThat(log.lines())
                    .containsExactly(
                            "DrainFilter[Tomcat/localhost/app]: active, endpoints at [/app/leave], control over HTTP "
                                    + control + "; a drain waits for uploads at most [7m], for other requests [30s]");
        }
    }

    // ---------------------------------------------------------------- what is known of an upload

    private static ActiveUpload onlyUpload(EmbeddedTomcat server) {
        return drain(server).status().uploads().get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app/upload", "/app/async/upload"})
    void bytesThatTheApplicationReadsAreCounted(String path) throws Exception {
        try (EmbeddedTomcat server = start();
                SlowUpload upload = SlowUpload.begin(server, path)) {
            await().untilAsserted(
                            () -> assertThat(onlyUpload(server).bytesReceived()).isEqualTo(100_000));
            ActiveUpload seen = onlyUpload(server);
            assertThat(seen.contentLength()).isEqualTo(upload.body.length);
            assertThat(seen.path()).isEqualTo(path);
            assertThat(seen.method()).isEqualTo("POST");
            assertThat(seen.remote()).isEqualTo("127.0.0.1");
            upload.finishWhole();
            await().untilAsserted(() ->
                    assertThat(drain(server).status().totals().uploadBytes()).isEqualTo(upload.body.length));
        }
    }

    /** The container reads the body of getParts by itself: nothing is known, and what is not known has not stalled. */
    @Test
    void bytesThatTheContainerReadsAreUnknownAndNeverStalled() throws Exception {
        try (EmbeddedTomcat server = start("stallTimeout", "1ms");
                SlowUpload upload = SlowUpload.begin(server, "/app/parts")) {
            var unused = drain(server).start("test");
            for (int i = 0; i < 3; i++) {
                ActiveUpload seen = onlyUpload(server);
                assertThat(seen.bytesReceived()).isEqualTo(-1);
                assertThat(seen.stalledMillis()).isZero();
                assertThat(drain(server).awaitOver(Duration.ofMillis(20))).isFalse();
            }
            assertThat(upload.finish().status()).isEqualTo(200);
            assertThat(drain(server).awaitDrained(Duration.ofMinutes(1))).isTrue();
            assertThat(drain(server).status().totals().uploadBytes()).isEqualTo(upload.body.length);
        }
    }

    @Test
    void metersShowTheFiltersNumbers() throws Exception {
        try (EmbeddedTomcat server = start()) {
            var registry = new SimpleMeterRegistry();
            try (var metrics = new DrainMetrics(drain(server))) {
                metrics.bindTo(registry);
                assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
                await().untilAsserted(() -> assertThat(registry.get("drain.completed")
                                .tag("name", "Tomcat/localhost/app")
                                .tag("kind", "upload")
                                .functionCounter()
                                .count())
                        .isEqualTo(1));
            }
        }
    }
}
