package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.IOException;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A redeployment of one application loses no upload, wherever the valve is, though Tomcat's own patience is short. */
class RedeployIT {
    enum Redeployment {
        RELOAD,
        UNDEPLOY;

        void of(TestServer server) {
            if (this == RELOAD) {
                server.context().reload();
            } else {
                server.tomcat().getHost().removeChild(server.context());
            }
        }
    }

    /** With the valve above the application only that one is waited for, and only its uploads are refused. */
    @ParameterizedTest
    @CsvSource({"ENGINE, RELOAD", "ENGINE, UNDEPLOY", "HOST, RELOAD", "HOST, UNDEPLOY"})
    void uploadsSurviveItWhileOthersAreServed(TestServer.Position position, Redeployment redeployment)
            throws Exception {
        try (TestServer server = TestServer.with(position)
                        .customize(each -> {
                            ((StandardContext) each.context()).setUnloadDelay(1);
                            TestServer.addApp(
                                    each.tomcat(), "/other", each.directory().toFile(), each.app());
                        })
                        .start();
                SlowUpload elsewhere = SlowUpload.begin(server, "/other/upload");
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            Background<Void> redeploying = Background.run(() -> redeployment.of(server));
            await().until(() -> server.context().getState() == LifecycleState.STOPPING_PREP);
            assertThat(upload(server, "/other/upload").status()).isEqualTo(200);
            if (redeployment == Redeployment.UNDEPLOY) { // a reload lets newcomers wait
                assertThat(upload(server, "/app/upload").header("X-Drain")).isEqualTo("refused");
                assertThat(server.drain().status().totals().refused()).isEqualTo(1);
            }
            blocking.finishWhole();
            assertThat(redeploying.isOver()).isFalse();
            nonBlocking.finishWhole();
            redeploying.result();
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
            if (redeployment == Redeployment.RELOAD) {
                assertThat(upload(server, "/app/upload").status()).isEqualTo(200);
            }
            elsewhere.finishWhole();
            assertThat(server.drain().status().totals().uploadsFailed()).isZero();
        }
    }

    private static Answer upload(TestServer server, String path) throws IOException {
        byte[] body = App.multipart(1_000);
        return Http11Client.exchange(server.port(), Scenario.uploadHead(path, body.length, "x"), body);
    }

    @ParameterizedTest
    @EnumSource
    void uploadsSurviveIt(Redeployment redeployment) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.CONTEXT)
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(1))
                        .start();
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            Drain drain = server.drain();
            Background<Void> redeploying = Background.run(() -> redeployment.of(server));
            await().until(() -> drain.state() == DrainState.DRAINING);
            blocking.finishWhole();
            assertThat(redeploying.isOver()).isFalse();
            nonBlocking.finishWhole();
            redeploying.result();
            assertThat(drain.status().report().outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
            if (redeployment == Redeployment.RELOAD) {
                assertThat(server.drain()).isNotSameAs(drain);
                assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            }
        }
    }
}
