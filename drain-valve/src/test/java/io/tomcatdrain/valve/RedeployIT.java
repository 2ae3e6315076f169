package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Scenario;
import io.tomcatdrain.testkit.SlowUpload;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.valves.ValveBase;
import org.apache.catalina.valves.rewrite.RewriteValve;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A redeployment of one application loses no upload, wherever the valve is, though Tomcat's own patience is short. */
@Timeout(180)
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
                            ((StandardContext) each.context()).setUnloadDelay(20);
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

    /** Pages and reports too, blocking and not: for {@code requestTimeout}, not for as long as Tomcat would. */
    @ParameterizedTest
    @EnumSource
    void otherRequestsAreWaitedForToo(Redeployment redeployment) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(20))
                        .start();
                Http11Client report = begin(server, "/app/slow", "report");
                Http11Client async = begin(server, "/app/async/complete", "async")) {
            Background<Void> redeploying = Background.run(() -> redeployment.of(server));
            await().until(() -> server.context().getState() == LifecycleState.STOPPING_PREP);
            server.app().release("report");
            assertThat(report.answer().text()).isEqualTo("slow");
            assertThat(redeploying.isOver()).isFalse();
            assertThat(server.context().getState()).isEqualTo(LifecycleState.STOPPING_PREP);
            server.app().release("async");
            assertThat(async.answer().text()).isEqualTo("async");
            redeploying.result();
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);
        }
    }

    private static Http11Client begin(TestServer server, String path, String key) throws Exception {
        Http11Client client =
                new Http11Client(server.port()).send(Http11Client.head("GET", path, App.KEY + ": " + key));
        server.app().awaitEntered(key);
        return client;
    }

    @ParameterizedTest
    @EnumSource
    void otherRequestsAreGivenUpAfterTheirLimit(Redeployment redeployment) throws Exception {
        try (CapturedLog log = new CapturedLog(ApplicationStops.class.getName());
                TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "200ms")
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(20))
                        .start();
                Http11Client report = begin(server, "/app/slow", "late");
                SlowUpload upload = SlowUpload.begin(server, "/app/upload")) {
            Background<Void> redeploying = Background.run(() -> redeployment.of(server));
            await().until(() -> server.context().getState() == LifecycleState.STOPPING_PREP);
            upload.finishWhole();
            await().until(() -> !log.warnings().isEmpty());
            assertThat(log.warnings()).singleElement().asString().contains("stops with 1 request in flight");
            server.app().release("late");
            assertThat(report.answer().complete()).isTrue();
            redeploying.result();
        }
    }

    /** A long request elsewhere holds nothing. */
    @Test
    void requestsOfOtherApplicationsAreNotWaitedFor() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                        .set("requestTimeout", "10m")
                        .customize(each -> TestServer.addApp(
                                each.tomcat(), "/other", each.directory().toFile(), each.app()))
                        .start();
                Http11Client elsewhere = begin(server, "/other/slow", "elsewhere")) {
            server.tomcat().getHost().removeChild(server.context());
            server.app().release("elsewhere");
            assertThat(elsewhere.answer().text()).isEqualTo("slow");
        }
    }

    /** The path that the client names is no application's; the one that serves it is the one that waits. */
    @ParameterizedTest
    @EnumSource
    void whatWasRewrittenBelongsToTheApplicationThatServesIt(Redeployment redeployment) throws Exception {
        RewriteValve rewrite = new RewriteValve();
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .customize(each -> {
                    ((StandardContext) each.context()).setUnloadDelay(20);
                    each.tomcat().getHost().getPipeline().addValve(rewrite);
                    TestServer.addApp(each.tomcat(), "/media", each.directory().toFile(), each.app());
                })
                .start()) {
            rewrite.setConfiguration("RewriteRule ^/media/(.*)$ /app/$1");
            try (SlowUpload upload = SlowUpload.begin(server, "/media/async/upload");
                    Http11Client report = begin(server, "/media/slow", "rewritten")) {
                server.tomcat().getHost().removeChild(server.tomcat().getHost().findChild("/media"));
                Background<Void> redeploying = Background.run(() -> redeployment.of(server));
                await().until(() -> server.context().getState() == LifecycleState.STOPPING_PREP);
                upload.finishWhole();
                assertThat(redeploying.isOver()).isFalse();
                server.app().release("rewritten");
                assertThat(report.answer().text()).isEqualTo("slow");
                redeploying.result();
                assertThat(server.drain().status().totals().uploadsFailed()).isZero();
            }
        }
    }

    /** A pooled request outlives many starts of many valves, and keeps the notes of those that run. */
    @Test
    void notesDoNotGrowWithTheRedeploymentsOfSeveralApplications() throws Exception {
        DrainValve other = new DrainValve();
        other.setLameDuck("off");
        LongestNotes notes = new LongestNotes();
        try (TestServer server = TestServer.with(TestServer.Position.CONTEXT)
                        .customize(each -> {
                            each.tomcat().getEngine().getPipeline().addValve(notes);
                            each.tomcat().getConnector().setProperty("maxKeepAliveRequests", "-1");
                            Context second = TestServer.addApp(
                                    each.tomcat(), "/other", each.directory().toFile(), each.app());
                            second.getPipeline().addValve(other);
                        })
                        .start();
                Http11Client client = new Http11Client(server.port())) {
            Context second = (Context) server.tomcat().getHost().findChild("/other");
            for (int i = 0; i < 12; i++) {
                for (Context context : List.of(server.context(), second)) {
                    context.reload();
                    Answer answer = client.send(Http11Client.head("GET", context.getPath() + "/ok"))
                            .answer();
                    assertThat(answer.status()).isEqualTo(200);
                    client.send(Http11Client.head("GET", "/other/ok")).answer();
                }
            }
            assertThat(notes.longest).isLessThanOrEqualTo(4);
        }
    }

    /** Looks at the notes of every request that passes. */
    private static final class LongestNotes extends ValveBase {
        private volatile int longest;

        LongestNotes() {
            super(true);
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            getNext().invoke(request, response);
            longest = Math.max(longest, TicketNote.count(request.getCoyoteRequest()));
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
                        .customize(each -> ((StandardContext) each.context()).setUnloadDelay(20))
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
