package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.SlowUpload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Event streams and long polls: they hold no drain, and a stop ends them. */
class EndlessAnswersIT {
    /** What Tomcat alone would wait for an async request that does not end. */
    private static final long TOMCATS_OWN_WAIT_MILLIS = 60_000;

    private final List<AutoCloseable> clients = new ArrayList<>();

    @AfterEach
    void closeClients() throws Exception {
        for (AutoCloseable client : clients) {
            client.close();
        }
    }

    private Http11Client open(TestServer server, String path) throws Exception {
        return open(server, path, Scenario.key());
    }

    private Http11Client open(TestServer server, String path, String key) throws Exception {
        Http11Client client = new Http11Client(server.port());
        clients.add(client);
        client.send(Http11Client.head("GET", path, App.KEY + ": " + key));
        server.app().awaitEntered(key);
        return client;
    }

    private void openStreamsOfHttp2(TestServer server, int many) throws Exception {
        Http2Client client = new Http2Client(server.port());
        clients.add(client);
        for (int i = 0; i < many; i++) {
            String key = Scenario.key();
            int unused = client.request("GET", "/app/async/events", true, App.KEY, key);
            server.app().awaitEntered(key);
        }
    }

    @Test
    void streamsHoldNoDrainAndGoOn() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            for (int i = 0; i < 5; i++) {
                open(server, "/app/async/events");
            }
            openStreamsOfHttp2(server, 2);
            String key = Scenario.key();
            Http11Client other = open(server, "/app/async/complete", key);
            // An application has answered before its thread has come back to the valve.
            await().until(() -> server.drain().summary().inFlight().streams() == 7);
            var outcome = server.drain().start("test");
            assertThat(server.drain().state()).isEqualTo(DrainState.DRAINING);
            server.app().release(key);
            assertThat(other.answer().text()).isEqualTo("async");

            DrainReport report = outcome.get(1, TimeUnit.MINUTES);
            assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            assertThat(report.finished()).isOne();
            assertThat(server.drain().summary().inFlight()).isEqualTo(new InFlight(0, 0, 0, 7));
        }
    }

    /** Tomcat itself waits two seconds for them, as without the valve. */
    @Test
    void theStopOfTheirApplicationAloneDoesNotWaitForStreams() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("requestTimeout", "10m")
                .start()) {
            open(server, "/app/async/events");
            Background<Void> stop = Background.run(() -> server.context().stop());
            stop.result();

            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
        }
    }

    /** Ten event streams, two long polls and an upload, in an application for whose async requests Tomcat would wait long. */
    @Test
    void aStopEndsWithItsUpload() throws Exception {
        TestServer.Builder builder = TestServer.with(TestServer.Position.ENGINE)
                .set("streamTypes", "text/event-stream, /app/async/never")
                .customize(each -> ((StandardContext) each.context()).setUnloadDelay(TOMCATS_OWN_WAIT_MILLIS));
        try (TestServer server = builder.start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            var drain = server.drain();
            List<Http11Client> streams = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                streams.add(open(server, "/app/async/events"));
            }
            openStreamsOfHttp2(server, 5);
            List<Http11Client> polls = List.of(open(server, "/app/async/never"), open(server, "/app/async/never"));
            Background<Void> stop = Background.run(() -> server.tomcat().stop());
            await().until(() -> drain.state() == DrainState.DRAINING);
            upload.finishWhole();
            long finished = System.nanoTime();

            assertThat(stop.millisAfter(finished)).isLessThan(TOMCATS_OWN_WAIT_MILLIS / 2);
            assertThat(drain.summary().report().outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            for (Http11Client stream : streams) {
                assertThat(stream.answer().status()).isEqualTo(200);
                assertThat(stream.isClosedWithin(10_000)).isTrue();
            }
            for (Http11Client poll : polls) {
                assertThat(poll.answer().status()).as("what a timeout answers").isEqualTo(500);
            }
        }
    }
}
