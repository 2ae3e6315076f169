package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.coyote.AbstractProtocol;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Looks whether the connections of uploads that were under way when the node began to leave end with their answers. */
@Tag("oldest")
class AnswerHookIT {
    /** Where an application completes an answer. */
    private static final List<String> UPLOADS =
            List.of("/app/upload", "/app/uploadSized", "/app/parts", "/app/async/upload");

    private interface Begin {
        SlowUpload upload(TestServer server, String path) throws Exception;
    }

    private static void assertEnds(TestServer server, Begin begin, boolean stays) throws Exception {
        for (String path : UPLOADS) {
            try (SlowUpload upload = begin.upload(server, path)) {
                var over = server.drain().start("test");
                if (path.equals("/app/parts")) {
                    assertThat(upload.finish().status()).isEqualTo(200);
                } else {
                    upload.finishWhole();
                }
                assertThat(upload.connectionStays).as(path).isEqualTo(stays);
                assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
            }
            if (!server.drain().settings().closeListener()) {
                server.drain().resume();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void answerOfAnUploadUnderWayEndsItsHttpConnection(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start()) {
            assertEnds(server, SlowUpload::begin, false);
        }
    }

    /** A front end that repeats what is refused needs its connections for that. */
    @Test
    void answerKeepsItsAjpConnectionWhereListenersStayOpen() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            assertEnds(server, SlowUpload::beginAjp, true);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app/upload", "/app/uploadSized", "/app/parts", "/app/async/upload"})
    void answerOfAnUploadUnderWayEndsItsAjpConnectionWhereListenersClose(String path) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .start();
                SlowUpload upload = SlowUpload.beginAjp(server, path)) {
            var over = server.drain().start("test");
            Answer answer = upload.finish();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.complete()).isTrue();
            assertThat(upload.connectionStays).isFalse();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).hasToString("DRAINED");
            assertThat(server.drain().status().totals().uploadsFailed()).isZero();
        }
    }

    @Test
    void afterAResumeConnectionsStay() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("lameDuck", "1m")
                        .set("drainOnStop", "false")
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/uploadSized")) {
            var unused = server.drain().start("test");
            server.drain().resume();
            upload.finishWhole();
            assertThat(upload.connectionStays).isTrue();
        }
    }

    /** The header that ends a connection is the one in which an upgrade says what it becomes. */
    @Test
    void leavingNodeStillUpgrades() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("lameDuck", "1m")
                        .set("drainOnStop", "false")
                        .start();
                var client = new Http11Client(server.port())) {
            var unused = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.LAME_DUCK);
            Answer answer = client.send(Http11Client.head(
                            "GET",
                            "/app/ws",
                            "Upgrade: websocket",
                            "Connection: Upgrade",
                            "Sec-WebSocket-Version: 13",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
                    .readOne(true);
            assertThat(answer.status()).isEqualTo(101);
            assertThat(answer.headers()).containsEntry("Connection", "upgrade");
        }
    }

    /** The END message that ends an AJP connection is Tomcat's for errors: nothing else may look like one. */
    @Test
    void endedAjpConnectionCountsNoError() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("closeListener", "true")
                        .start();
                var upload = SlowUpload.begin(server, "/app/upload");
                var client = new AjpClient(server.ajpPort())) {
            client.forward("GET", "/app/ok", Map.of()).answer(AjpClient.Body.of(new byte[0]));
            var unused = server.drain().start("test");
            Answer answer = client.forward("GET", "/app/ok", Map.of()).answer(AjpClient.Body.of(new byte[0]));
            assertThat(answer.status()).isEqualTo(200);
            assertThat(client.isReusable()).isFalse();
            var ajp = (AbstractProtocol<?>)
                    server.tomcat().getService().findConnectors()[2].getProtocolHandler();
            var counts = ajp.getGlobalRequestProcessorMBeanName();
            var jmx = ManagementFactory.getPlatformMBeanServer();
            await().until(() -> jmx.getAttribute(counts, "requestCount").equals(2));
            assertThat(jmx.getAttribute(counts, "errorCount")).isEqualTo(0);
            upload.finishWhole();
        }
    }
}
