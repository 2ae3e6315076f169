package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.catalina.Container;
import org.apache.catalina.LifecycleException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A valve that is stopped, started or taken out while its server runs leaves nothing of itself there, and loses no access log. */
class RestartedValveIT {
    private interface Step {
        void take(TestServer server) throws Exception;
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void itsLastDrainIsHeldByNobody(TestServer.Position position) throws Exception {
        leavesNothing(
                position,
                server -> {
                    server.valve().stop();
                    server.valve().start();
                },
                server -> await().until(() -> server.drain().status().totals().uploadsCompleted() == 4));
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void itsDrainIsHeldByNobodyAfterItIsTakenOut(TestServer.Position position) throws Exception {
        leavesNothing(
                position,
                server -> server.home(position).getPipeline().removeValve(server.valve()),
                server -> assertThat(server.drain()).isNull());
    }

    private static void leavesNothing(TestServer.Position position, Step end, Step afterwards) throws Exception {
        try (TestServer server = TestServer.with(position).start();
                var http = new Http11Client(server.port());
                var ajp = new AjpClient(server.ajpPort())) {
            serve(server, http, ajp);
            server.awaitRest();
            List<WeakReference<?>> last = drainAndListener(server);

            end.take(server);

            awaitUnreachable(last);
            assertThat(foundByTheApplication(server)).isSameAs(server.drain());
            serve(server, http, ajp);
            afterwards.take(server);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void isFoundByApplicationsThatRanBeforeIt(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.bare().start()) {
            DrainValve late = new DrainValve();
            late.setLameDuck("off");
            server.home(position).getPipeline().addValve(late);
            assertThat(late.drain()).isNotNull();
            assertThat(foundByTheApplication(server)).isSameAs(late.drain());
        }
    }

    /** A container looks its access logs up once, and not again when it starts anew. */
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void hearsOfEveryEndWhereTheContainerHasLoggedBefore(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.bare().start();
                CapturedLog log = new CapturedLog(DrainValve.class.getName())) {
            DrainValve late = add(server, position);
            assertCountsAll(server, late);
            restart(server.home(position));
            assertCountsAll(server, late);
            assertThat(log.lines())
                    .as("what each start says, alone")
                    .hasSize(2)
                    .allMatch(line -> line.contains(": active, "));
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void hearsOfEveryEndWhereItWasAddedToAStoppedContainer(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.bare().start()) {
            serve(server);
            Container home = server.home(position);
            home.stop();
            DrainValve late = newValve();
            home.getPipeline().addValve(late);
            home.start();
            assertCountsAll(server, late);
        }
    }

    /** The same where Tomcat cannot be asked to look again, and for what ends on the thread that it came on. */
    static void noticesEndsWithoutBeingAsked(TestServer.Position position, Consumer<TestServer> prepare)
            throws Exception {
        try (TestServer server = TestServer.bare().customize(prepare).start()) {
            DrainValve late = add(server, position);
            assertCountsSynchronous(server, late);
            restart(server.home(position));
            assertCountsSynchronous(server, late);
        }
    }

    private static DrainValve add(TestServer server, TestServer.Position position) throws IOException {
        serve(server);
        DrainValve late = newValve();
        server.home(position).getPipeline().addValve(late);
        return late;
    }

    private static DrainValve newValve() {
        DrainValve late = new DrainValve();
        late.setLameDuck("off");
        return late;
    }

    private static void restart(Container home) throws LifecycleException {
        home.stop();
        home.start();
    }

    private static void assertCountsAll(TestServer server, DrainValve valve) throws IOException {
        serve(server);
        assertRests(server, valve, 4);
    }

    private static void assertCountsSynchronous(TestServer server, DrainValve valve) throws IOException {
        byte[] body = App.multipart(1000);
        assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
        Http11Client.exchange(server.port(), Scenario.uploadHead("/app/upload", body.length, "late"), body);
        assertRests(server, valve, 1);
    }

    private static void assertRests(TestServer server, DrainValve valve, long uploads) {
        server.awaitRest();
        var status = valve.drain().status();
        assertThat(status.inFlight().uploads()).isZero();
        assertThat(status.inFlight().requests()).isZero();
        assertThat(status.totals().uploadsCompleted()).isEqualTo(uploads);
        assertThat(status.totals().uploadsFailed()).isZero();
    }

    private static void serve(TestServer server) throws IOException {
        try (var http = new Http11Client(server.port());
                var ajp = new AjpClient(server.ajpPort())) {
            serve(server, http, ajp);
        }
        server.awaitRest();
    }

    private static List<WeakReference<?>> drainAndListener(TestServer server) {
        AtomicReference<DrainState> seen = new AtomicReference<>();
        DrainListener listener = (before, after) -> seen.set(after);
        server.drain().onStateChange(listener);
        return List.of(new WeakReference<>(server.drain()), new WeakReference<>(listener));
    }

    private static void awaitUnreachable(List<WeakReference<?>> references) {
        await("all is unreachable").untilAsserted(() -> {
            System.gc();
            assertThat(references).allMatch(reference -> reference.get() == null);
        });
    }

    private static Object foundByTheApplication(TestServer server) {
        return server.context().getServletContext().getAttribute(Drain.ATTRIBUTE);
    }

    /** Lets every kind of request pass, on connections that stay open and keep what Tomcat pools for them. */
    private static void serve(TestServer server, Http11Client http, AjpClient ajp) throws IOException {
        byte[] body = App.multipart(1000);
        for (String path : new String[] {"/app/missing", "/app/async/complete", "/app/async/dispatch", "/app/ok"}) {
            assertThat(http.send(Http11Client.head("GET", path)).answer().complete())
                    .isTrue();
        }
        for (String path : new String[] {"/app/upload", "/app/async/upload"}) {
            assertThat(http.send(Scenario.uploadHead(path, body.length, "restarted"))
                            .send(body)
                            .answer()
                            .status())
                    .isEqualTo(200);
        }
        assertThat(Http2Client.post(server.port(), "/app/upload", App.MULTIPART, body)
                        .status())
                .isEqualTo(200);
        assertThat(ajp.forward("GET", "/app/ok", Map.of())
                        .answer(AjpClient.Body.of(new byte[0]))
                        .status())
                .isEqualTo(200);
        assertThat(ajp.upload("/app/upload", App.MULTIPART, body.length)
                        .answer(AjpClient.Body.of(body))
                        .status())
                .isEqualTo(200);
    }
}
