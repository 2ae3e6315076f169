package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import java.util.List;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How long the client of an upload may send nothing is Tomcat's to say, and a drain changes nothing of it. */
class PausingUploadIT {
    private enum Node {
        WITHOUT_VALVE,
        SERVING,
        DRAINING
    }

    /** The limit that our documentation names. */
    @Test
    void tomcatAllows20Seconds() {
        assertThat(new Http2Protocol().getStreamReadTimeout()).isEqualTo(20_000);
    }

    @ParameterizedTest
    @EnumSource
    void tomcatBreaksOffAnUploadThatPausesLongerThanItAllows(Node node) throws Exception {
        TestServer.Builder plan =
                node == Node.WITHOUT_VALVE ? TestServer.bare() : TestServer.with(TestServer.Position.ENGINE);
        try (TestServer server =
                        plan.customize(PausingUploadIT::limitTheSecondConnector).start();
                Http2Client patient = new Http2Client(server.port());
                Http2Client limited = new Http2Client(server.otherPort());
                Http11Client old = new Http11Client(server.otherPort())) {
            int goesOn = begin(server, patient);
            int isCut = begin(server, limited);
            String key = Scenario.key();
            old.send(Http11Client.head(
                            "POST",
                            "/app/upload",
                            "Content-Type: " + App.MULTIPART,
                            "Content-Length: 2000",
                            App.KEY + ": " + key))
                    .send(new byte[1_000]);
            server.app().awaitEntered(key);
            if (node == Node.DRAINING) {
                var unused = server.drain().start("test");
                await().until(() -> server.drain().state() == DrainState.DRAINING && patient.lastGoAway() > 0);
            }
            // Connections with nothing under way only have little time from now on.
            List.of(http2(server.tomcat().getService().findConnectors()[0]), http2(second(server)))
                    .forEach(each -> each.setKeepAliveTimeout(1));

            assertThat(limited.answer(isCut).status()).isNotEqualTo(200);
            assertThat(old.answer().status()).isNotEqualTo(200);
            patient.data(goesOn, new byte[1_000], true);
            assertThat(patient.answer(goesOn).status()).isEqualTo(200);
        }
    }

    private static int begin(TestServer server, Http2Client client) throws Exception {
        String key = Scenario.key();
        int stream =
                client.upload("/app/upload", App.MULTIPART, 2_000, App.KEY.toLowerCase(java.util.Locale.ROOT), key);
        client.data(stream, new byte[1_000], false);
        server.app().awaitEntered(key);
        return stream;
    }

    private static void limitTheSecondConnector(TestServer server) {
        http2(server.tomcat().getService().findConnectors()[0]).setStreamReadTimeout(-1);
        http2(second(server)).setStreamReadTimeout(500);
        second(server).setProperty("disableUploadTimeout", "false");
        second(server).setProperty("connectionUploadTimeout", "500");
    }

    private static Connector second(TestServer server) {
        return server.tomcat().getService().findConnectors()[1];
    }

    private static Http2Protocol http2(Connector connector) {
        return (Http2Protocol) connector.findUpgradeProtocols()[0];
    }
}
