package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Hold;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The application finds the drain, and whoever watches sees an upload's bytes while they arrive. */
class AttributesIT {
    private static final byte[] BODY = App.multipart(40_000);

    /** Says whether the application has the drain, and the request nothing of it; leaves a hold behind. */
    private static final class Finder extends HttpServlet {
        private static final long serialVersionUID = 1;
        private transient volatile Hold hold;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            boolean here = getServletContext().getAttribute(Drain.ATTRIBUTE) instanceof Drain
                    && request.getAttribute(Drain.ATTRIBUTE) == null;
            if (here && request.getParameter("hold") != null) {
                hold = ((Drain) getServletContext().getAttribute(Drain.ATTRIBUTE)).hold("the test");
            }
            response.getWriter().print(here);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void applicationFindsTheDrainAndHoldsIt(TestServer.Position position) throws Exception {
        Finder finder = new Finder();
        try (TestServer server = TestServer.with(position)
                .customize(each -> each.context().addLifecycleListener(event -> {
                    if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                        Tomcat.addServlet(each.context(), "finder", finder).addMapping("/find");
                    }
                }))
                .start()) {
            assertThat(Http11Client.get(server.port(), "/app/find").text()).isEqualTo("true");
            assertThat(Http11Client.exchange(server.port(), Scenario.uploadHead("/app/find", BODY.length, "x"), BODY)
                            .text())
                    .isEqualTo("true");
            assertThat(Http2Client.get(server.port(), "/app/find").text()).isEqualTo("true");
            assertThat(AjpClient.get(server.ajpPort(), "/app/find").text()).isEqualTo("true");
            Http11Client.get(server.port(), "/app/find?hold=1");

            assertThat(server.drain().status().inFlight().holds()).isEqualTo(1);
            var over = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            finder.hold.close();
            assertThat(over.get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        }
    }

    private static void awaitBytes(TestServer server, long bytes) {
        await().pollInterval(Duration.ofMillis(5))
                .untilAsserted(() -> assertThat(server.drain().status().uploads())
                        .extracting(ActiveUpload::bytesReceived)
                        .containsExactly(bytes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app/upload", "/app/parts", "/app/async/upload"})
    void bytesOfADrippingUploadAreSeenWhileTheyArrive(String path) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            try (var client = new Http11Client(server.port())) {
                client.send(Scenario.uploadHead(path, BODY.length, "fixed"));
                for (int at = 0; at + 5000 < BODY.length; at += 5000) {
                    client.send(BODY, at, 5000);
                    awaitBytes(server, at + 5000);
                }
                ActiveUpload seen = server.drain().status().uploads().get(0);
                assertThat(seen.path()).isEqualTo(path);
                assertThat(seen.contentLength()).isEqualTo(BODY.length);
                assertThat(seen.remote()).isEqualTo("127.0.0.1");
            }
            await().until(() -> server.drain().status().uploads().isEmpty());
            try (var client = new Http11Client(server.port())) {
                client.send(Http11Client.head(
                        "POST", path, "Content-Type: " + App.MULTIPART, "Transfer-Encoding: chunked"));
                for (int at = 0; at + 5000 < BODY.length; at += 5000) {
                    client.chunk(Arrays.copyOfRange(BODY, at, at + 5000));
                    awaitBytes(server, at + 5000);
                }
                assertThat(server.drain().status().uploads().get(0).contentLength())
                        .isEqualTo(-1);
            }
            await().until(() -> server.drain().status().uploads().isEmpty());
            try (var client = new Http2Client(server.port())) {
                int stream = client.upload(path, App.MULTIPART, BODY.length);
                for (int at = 0; at + 5000 < BODY.length; at += 5000) {
                    client.data(stream, Arrays.copyOfRange(BODY, at, at + 5000), false);
                    awaitBytes(server, at + 5000);
                }
            }
            await().until(() -> server.drain().status().uploads().isEmpty());
            try (var client = new AjpClient(server.ajpPort())) {
                client.upload(path, App.MULTIPART, BODY.length);
                for (int at = 0; at + 5000 < BODY.length; at += 5000) {
                    client.body(Arrays.copyOfRange(BODY, at, at + 5000));
                    awaitBytes(server, at + 5000);
                }
            }
            await().until(() -> server.drain().status().totals().uploadsFailed() == 4);
            assertThat(server.drain().status().totals().uploadBytes()).isEqualTo(4 * 40_000);
        }
    }
}
