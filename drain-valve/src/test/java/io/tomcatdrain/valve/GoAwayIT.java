package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 clients learn that the node leaves while it still serves them, and what is under way on their connections goes on. */
@Timeout(180)
class GoAwayIT {
    private static TestServer.Builder leavesSlowly(TestServer.Position position) {
        return TestServer.with(position).set("lameDuck", "1m").set("drainOnStop", "false");
    }

    @Tag("oldest")
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void aClientWithAnUploadUnderWayIsToldInTheLameDuck(TestServer.Position position) throws Exception {
        try (TestServer server = leavesSlowly(position).start();
                Http2Client client = new Http2Client(server.port());
                SlowUpload upload = SlowUpload.begin(server, client, "/app/upload")) {
            var unused = server.drain().start("test");
            await().until(() -> client.lastGoAway() == Integer.MAX_VALUE);
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
            upload.finishWhole();
        }
    }

    @Tag("oldest")
    @ParameterizedTest
    @ValueSource(strings = {"false", "true"})
    void anIdleClientIsToldInTheLameDuckAndBeginsAnotherConnectionThatIsServed(String useAsyncIo) throws Exception {
        try (TestServer server = leavesSlowly(TestServer.Position.ENGINE)
                        .customize(made -> made.tomcat().getConnector().setProperty("useAsyncIO", useAsyncIo))
                        .start();
                Http2Client idle = new Http2Client(server.port())) {
            assertThat(ask(idle)).isEqualTo(200);
            server.awaitRest(); // its stream ends behind its request
            var unused = server.drain().start("test");
            await().until(() -> idle.lastGoAway() == Integer.MAX_VALUE);
            try (Http2Client next = new Http2Client(server.port())) {
                assertThat(ask(next)).isEqualTo(200);
                await().until(() -> next.lastGoAway() == Integer.MAX_VALUE);
            }
        }
    }

    /** A front end may have sent its next request before it hears that the node leaves, and a busy one hears late. */
    @Tag("oldest")
    @ParameterizedTest
    @ValueSource(strings = {"answer", "upload", "idle"})
    void whatCrossesTheWordIsServedInTheLameDuck(String toldBy) throws Exception {
        try (TestServer server = leavesSlowly(TestServer.Position.ENGINE).start();
                Http2Client client = new Http2Client(server.port())) {
            SlowUpload upload = toldBy.equals("upload") ? SlowUpload.begin(server, client, "/app/upload") : null;
            assertThat(ask(client)).isEqualTo(200);
            var unused = server.drain().start("test");
            if (toldBy.equals("answer")) {
                assertThat(ask(client)).isEqualTo(200);
            }
            await().until(() -> client.lastGoAway() == Integer.MAX_VALUE);
            for (int request = 1; request <= 3; request++) {
                assertThat(ask(client)).as("request %d", request).isEqualTo(200);
            }
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
            if (upload != null) {
                upload.finishWhole();
            }
        }
    }

    /** Who repeats it may do so elsewhere, which a refusal does not tell every client. */
    @Test
    void whatComesLaterOverAConnectionWhoseClientWasToldIsNotLookedAt() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("lameDuck", "2s")
                        .start();
                SlowUpload holder = SlowUpload.begin(server, "/app/upload");
                Http2Client client = new Http2Client(server.port())) {
            assertThat(ask(client)).isEqualTo(200);
            var over = server.drain().start("test");
            await().until(() -> client.lastGoAway() == Integer.MAX_VALUE);
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            await().until(() -> {
                int stream = client.request("GET", "/app/ok", true);
                client.answer(stream);
                return client.wasNotLookedAt(stream);
            });
            holder.finishWhole();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app/upload", "/app/async/upload", "/app/parts"})
    void aClientThatWasNotToldBeforeIsToldWithItsRefusal(String path) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                SlowUpload holder = SlowUpload.begin(server, "/app/upload")) {
            var over = server.drain().start("test");
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            try (Http2Client client = new Http2Client(server.port())) {
                Answer refused = client.answer(client.request("POST", path, true));
                assertThat(refused.status()).isEqualTo(503);
                await().until(() -> client.lastGoAway() > 0);
            }
            holder.finishWhole();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
        }
    }

    @Test
    void aResumedNodeKeepsConnections() throws Exception {
        try (TestServer server = leavesSlowly(TestServer.Position.ENGINE).start()) {
            var unused = server.drain().start("test");
            server.drain().resume();
            await().until(GoAwayIT::isNobodyBeingTold);
            try (Http2Client client = new Http2Client(server.port())) {
                assertThat(ask(client)).isEqualTo(200);
                // What tells of a drain may come late, when the node serves again.
                NodeDrain serving = new NodeDrain("serving", DrainSettings.defaults(), "");
                ValveRuntime.tellUploads(serving, DrainState.LAME_DUCK);
                ValveRuntime.tellIdle(serving, server.tomcat().getService(), new TicketNote.Owner(serving));
                assertThat(ask(client)).isEqualTo(200);
                assertThat(client.lastGoAway()).isEqualTo(-1);
            }
        }
    }

    /** The look at the end of a drain goes on for a while, and would outlive a valve that is taken out of a server. */
    @Test
    void aValveThatHasEndedTellsNobody() throws Exception {
        try (TestServer server = leavesSlowly(TestServer.Position.ENGINE).start();
                Http2Client client = new Http2Client(server.port())) {
            assertThat(ask(client)).isEqualTo(200);
            NodeDrain over = new NodeDrain("over", DrainSettings.defaults(), "");
            over.start("test").get(1, TimeUnit.MINUTES);
            TicketNote.Owner ended = new TicketNote.Owner(over);
            ended.retire();
            ValveRuntime.tellIdle(over, server.tomcat().getService(), ended);
            assertThat(ask(client)).isEqualTo(200);
            assertThat(client.lastGoAway()).isEqualTo(-1);
        }
    }

    /** Listeners are told of states on threads that exist only meanwhile. */
    private static boolean isNobodyBeingTold() {
        return Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().matches("drain-(listener|look)-.*"));
    }

    private static int ask(Http2Client client) throws IOException {
        return client.answer(client.request("GET", "/app/ok", true)).status();
    }

    // ---------------------------------------------------------------- clients that break off

    @ParameterizedTest
    @CsvSource({
        "Java-http-client/17.0.15, true, true",
        "Java-http-client/17.0.15, false, true",
        "Java-http-client/25.0.3, true, false",
        "Java-http-client/25.0.3, false, true",
        "Java-http-client/26-ea, true, false",
        "Java-http-client/24, true, false",
        "Java-http-client/1.8.0_400, true, true",
        "Java-http-client/99999999999, true, true",
        "Java-http-client/, true, true",
        "Mozilla/5.0, true, false",
        "curl/8.5.0, false, false",
        ", true, false"
    })
    void knowsClientsThatBreakOffWhatIsUnderWay(String agent, boolean secure, boolean breaksOff) {
        assertThat(GoAway.breaksOff(agent, secure)).isEqualTo(breaksOff);
    }

    private static final String[] BREAKS_OFF = {"user-agent", "Java-http-client/17.0.15"};

    private static int askAndBreakOff(Http2Client client) throws IOException {
        return client.answer(client.request("GET", "/app/ok", true, BREAKS_OFF)).status();
    }

    /** Begins an upload of which a hundred bytes are still to come, and returns its stream. */
    private static int beginUploadAndBreakOff(TestServer server, Http2Client client) throws Exception {
        String key = "breaks-off";
        int upload = client.upload("/app/upload", App.MULTIPART, 200, BREAKS_OFF[0], BREAKS_OFF[1], App.KEY, key);
        client.data(upload, new byte[100], false);
        server.app().awaitEntered(key);
        return upload;
    }

    private static void finishUpload(Http2Client client, int upload) throws IOException {
        client.data(upload, new byte[100], true);
        assertThat(client.answer(upload).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({"ENGINE, session", "ENGINE, off", "HOST, session", "CONTEXT, session"})
    void oneThatBreaksOffIsServedBesideItsUploadAndToldWhenThatHasEnded(
            TestServer.Position position, String openUploads) throws Exception {
        try (TestServer server = TestServer.with(position)
                        .set("openUploads", openUploads)
                        .set("stallTimeout", "10m")
                        .start();
                Http2Client client = new Http2Client(server.port());
                Http2Client without = new Http2Client(server.port());
                SlowUpload holder = SlowUpload.begin(server, "/app/upload")) {
            assertThat(askAndBreakOff(without)).isEqualTo(200);
            int upload = beginUploadAndBreakOff(server, client);
            var over = server.drain().start("test");
            await().until(() -> server.drain().state() == DrainState.DRAINING);

            assertThat(askAndBreakOff(client)).isEqualTo(200);
            int another = client.upload("/app/upload", App.MULTIPART, 0, BREAKS_OFF);
            assertThat(client.answer(another).status()).as("another upload").isEqualTo(503);
            assertThat(askAndBreakOff(client)).isEqualTo(200);
            assertThat(client.lastGoAway()).isEqualTo(-1);
            if (position != TestServer.Position.ENGINE) {
                assertThat(askAndBreakOff(without)).as("without an upload").isEqualTo(503);
            }

            finishUpload(client, upload);
            if (position == TestServer.Position.ENGINE) {
                await().until(() -> client.lastGoAway() == Integer.MAX_VALUE);
                await().until(() -> without.lastGoAway() == Integer.MAX_VALUE);
            }
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            holder.finishWhole();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
        }
    }

    @Tag("oldest")
    @Test
    void oneThatBreaksOffIsToldInTheLameDuckOnceItsUploadHasEnded() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("lameDuck", "10m")
                        .set("drainOnStop", "false")
                        .start();
                Http2Client client = new Http2Client(server.port())) {
            int upload = beginUploadAndBreakOff(server, client);
            var unused = server.drain().start("test");
            assertThat(askAndBreakOff(client)).isEqualTo(200);
            assertThat(client.lastGoAway()).isEqualTo(-1);
            finishUpload(client, upload);
            await().until(() -> client.lastGoAway() == Integer.MAX_VALUE);
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
        }
    }

    @Test
    void oneThatBreaksOffIsToldWhenItsUploadWasTheLastThatTheDrainWaitedFor() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http2Client client = new Http2Client(server.port())) {
            int upload = beginUploadAndBreakOff(server, client);
            var over = server.drain().start("test");
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            finishUpload(client, upload);
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
            await().until(() -> client.lastGoAway() == Integer.MAX_VALUE);
        }
    }
}
