package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A redeployment of the one application whose context holds the valve loses no upload, though Tomcat's own patience is short. */
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
