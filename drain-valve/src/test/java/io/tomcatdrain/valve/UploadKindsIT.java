package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Body;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Scenario;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is an upload: by its type, by the length of its body, or since that is not announced. */
class UploadKindsIT {
    private static final InFlight UPLOAD = new InFlight(1, 0, 0);
    private static final InFlight REQUEST = new InFlight(0, 1, 0);

    private static List<String> differing(TestServer server, java.util.function.Predicate<Body> isUpload)
            throws Exception {
        List<String> wrong = new ArrayList<>();
        Drain drain = server.drain();
        for (Body body : Body.values()) {
            String key = Scenario.key();
            try (AutoCloseable client = body.begin(server, "/app/slow", key)) {
                server.app().awaitEntered(key);
                InFlight seen = drain.summary().inFlight();
                if (!seen.equals(isUpload.test(body) ? UPLOAD : REQUEST)) {
                    wrong.add(body + ": " + seen);
                }
                server.app().release(key);
                assertThat(client).isNotNull();
            }
            await().until(() -> drain.summary().inFlight().equals(new InFlight(0, 0, 0)));
        }
        return wrong;
    }

    @Test
    void uploadsAreToldByTypeAndSize() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            assertThat(differing(server, Body::isUpload)).isEmpty();
        }
    }

    @Test
    void offLeavesItToTheType() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("uploadSize", "off")
                .start()) {
            assertThat(differing(server, body -> body.isUpload() && !body.isUploadBySize()))
                    .isEmpty();
        }
    }

    /** They outlive the limit of other requests, arrive whole, and new ones are refused where uploads alone are. */
    @ParameterizedTest
    @CsvSource({"Content-Length: 200000", "Transfer-Encoding: chunked"})
    void aPutWithoutTypeIsWaitedFor(String length) throws Exception {
        byte[] body = new byte[200_000];
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "0s")
                        .set("refuse", "uploads")
                        .start();
                var client = new Http11Client(server.port())) {
            String key = Scenario.key();
            client.send(Http11Client.head("PUT", "/app/upload", length, App.KEY + ": " + key));
            server.app().awaitEntered(key);
            var outcome = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            Answer refused =
                    Http11Client.exchange(server.port(), Http11Client.head("PUT", "/app/upload", length), new byte[0]);
            assertThat(refused.status()).isEqualTo(503);
            assertThat(Http11Client.exchange(
                                    server.port(),
                                    Http11Client.head("POST", "/app/ok", "Content-Length: 4"),
                                    new byte[4])
                            .status())
                    .isEqualTo(200);

            if (length.startsWith("Transfer")) {
                client.chunk(body).chunk(new byte[0]);
            } else {
                client.send(body);
            }
            assertThat(client.answer().text()).isEqualTo(App.sha256(body));
            assertThat(outcome.get(60, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        }
    }
}
