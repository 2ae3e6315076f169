package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import org.apache.catalina.core.StandardEngine;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.core.StandardService;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests pass more than one valve, or a prober asks past the only one. */
@Timeout(180)
class SeveralValvesIT {
    /** Tomcat's ways to stop a service: with its server, and alone. */
    private enum Stop {
        SERVER,
        SERVICE
    }

    @ParameterizedTest
    @CsvSource({"ENGINE, HOST, SERVER", "ENGINE, CONTEXT, SERVER", "HOST, CONTEXT, SERVER", "ENGINE, HOST, SERVICE"})
    void haveOneLameDuckInAStop(TestServer.Position outer, TestServer.Position inner, Stop stop) throws Exception {
        DrainValve inside = new DrainValve();
        try (CapturedLog log = new CapturedLog("io.tomcatdrain");
                TestServer server = TestServer.with(outer)
                        .set("lameDuck", "auto")
                        .set("lameDuckTimeout", "10m") // so that one probe is a prober's for minutes
                        .set("probeFailures", "2")
                        .customize(made -> made.home(inner).getPipeline().addValve(inside))
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Drain around = server.drain();
            assertThat(probe(server)).isEqualTo(200);
            Background<Void> stopping = Background.run(() -> {
                switch (stop) {
                    case SERVER -> server.tomcat().stop();
                    case SERVICE -> server.tomcat().getService().stop();
                }
            });
            await().until(() -> around.state() == DrainState.LAME_DUCK
                    && (stop == Stop.SERVICE || inside.drain().state() == DrainState.LAME_DUCK));
            for (int i = 0; i < 3; i++) {
                Answer page = Http11Client.get(server.port(), "/app/ok");
                assertThat(page.status()).as("%s", page).isEqualTo(200);
            }
            assertThat(probe(server)).isEqualTo(503);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            assertThat(probe(server)).isEqualTo(503);
            await().until(() ->
                    around.state() == DrainState.DRAINING && inside.drain().state() != DrainState.LAME_DUCK);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(503);
            upload.finishWhole();
            stopping.result();
            assertThat(log.lines()).noneMatch(line -> line.contains("nobody has asked for readiness"));
        }
    }

    /** Each can be drained alone: what is around it goes on. */
    @Test
    void areDrainedAlone() throws Exception {
        DrainValve inside = new DrainValve();
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .customize(made ->
                        made.home(TestServer.Position.HOST).getPipeline().addValve(inside))
                .start()) {
            var over = inside.drain().start("test");
            await().until(over::isDone);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(503);
            assertThat(probe(server)).isEqualTo(200);
            inside.drain().resume();
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
        }
    }

    /** Two services have a host of one name each, as {@code localhost}. */
    @Test
    void ofOneNameStartWithAWarningThatNamesBothContainers() throws Exception {
        StandardHost host = new StandardHost();
        host.setName("localhost");
        DrainValve second = new DrainValve();
        host.getPipeline().addValve(second);
        StandardEngine engine = new StandardEngine();
        engine.setName("Other");
        engine.setDefaultHost("localhost");
        engine.addChild(host);
        StandardService service = new StandardService();
        service.setName("Second");
        service.setContainer(engine);
        try (CapturedLog log = new CapturedLog("io.tomcatdrain");
                TestServer server = TestServer.with(TestServer.Position.HOST)
                        .customize(made -> made.tomcat().getServer().addService(service))
                        .start()) {
            assertThat(log.warnings())
                    .filteredOn(line -> line.contains("have the same name"))
                    .singleElement()
                    .asString()
                    .startsWith(
                            "DrainValve[localhost]: the valves of [StandardEngine[Tomcat].StandardHost[localhost]] in"
                                    + " service [Tomcat] and of [StandardEngine[Other].StandardHost[localhost]] in service"
                                    + " [Second]")
                    .endsWith("give one of the two containers another name");
            assertThat(server.drain().isReady()).isTrue();
            assertThat(second.drain().isReady()).isTrue();
        }
    }

    /** Valves of several names, one inside the other, are no mistake. */
    @Test
    void ofSeveralNamesStartWithoutAWarning() throws Exception {
        try (CapturedLog log = new CapturedLog("io.tomcatdrain");
                TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .customize(made -> made.home(TestServer.Position.HOST)
                                .getPipeline()
                                .addValve(new DrainValve()))
                        .start()) {
            assertThat(server.drain().isReady()).isTrue();
            assertThat(log.warnings()).noneMatch(line -> line.contains("name"));
        }
    }

    private static int probe(TestServer server) throws IOException {
        return Http11Client.get(server.port(), "/drain/ready?prober=lb").status();
    }
}
