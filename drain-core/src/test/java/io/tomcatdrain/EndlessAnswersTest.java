package io.tomcatdrain;

import static io.tomcatdrain.Commands.result;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Answers that have no end hold no drain, are not lost from sight, and are counted once they end. */
class EndlessAnswersTest {
    private final FakeTicker time = new FakeTicker();

    /** An async request whose answer a test drives. */
    private static final class Async implements Ticket.Subject {
        private String contentType;
        private String path = "/page";
        private int ends;

        Async ofType(String type) {
            contentType = type;
            return this;
        }

        Async at(String where) {
            path = where;
            return this;
        }

        @Override
        public boolean isGone() {
            return false;
        }

        @Override
        public String contentType() {
            return contentType;
        }

        @Override
        public String path() {
            return path;
        }

        @Override
        public void end() {
            ends++;
        }
    }

    private static Ticket track(NodeDrain drain, Async async) {
        return drain.track(drain.enterRequest(), async);
    }

    @Test
    void streamsHoldNoDrain() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        for (int i = 0; i < 5; i++) {
            track(drain, new Async().ofType("text/event-stream;charset=UTF-8"));
        }
        Ticket page = track(drain, new Async().ofType("text/html"));
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.summary().inFlight()).isEqualTo(new InFlight(0, 1, 0, 5));
        page.close();
        time.settle();

        assertThat(result(outcome).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(result(outcome).finished()).isOne();
        assertThat(drain.summary().inFlight()).isEqualTo(new InFlight(0, 0, 0, 5));
    }

    /** A file that comes in several requests is waited for; the words for streams must not cover it, too. */
    @Test
    void theLogNamesThemLast() {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            Ticket creation = drain.enterRequest(drain.part(Parts.creation("s", 100)));
            creation.part().answered(Parts.created("a"));
            creation.close();
            track(drain, new Async().ofType("text/event-stream"));
            assertThat(drain.summary().inFlight()).isEqualTo(new InFlight(0, 0, 0, 1));
            drain.start("upgrade");

            assertThat(String.join("\n", log.lines()))
                    .contains("holds=0, uploads of several requests=1, not waited for: streams=1");
        }
    }

    @Test
    void longPollsAreToldByTheirPath() {
        NodeDrain drain = time.drain("lameDuck", "off", "streamTypes", "/app/poll");
        track(drain, new Async().at("/app/poll"));
        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void anAnswerMayShowOnlyLaterThatItIsEndless() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Async async = new Async();
        track(drain, async);
        drain.start("upgrade");
        time.advanceSeconds(3);
        assertThat(drain.state()).isEqualTo(DRAINING);
        async.ofType("text/event-stream");
        time.advanceSeconds(1);

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aStreamThatGoesAsyncWhileADrainWaitsForItIsLetGoAtOnce() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket request = drain.enterRequest();
        drain.start("upgrade");
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        drain.track(request, new Async().ofType("text/event-stream"));
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aRequestThatIsNotAsyncHoldsWhateverItAnswers() {
        NodeDrain drain = time.drain("lameDuck", "off", "streamTypes", "/*");
        drain.enterRequest();
        drain.start("upgrade");
        time.advanceSeconds(30);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aStreamIsCompletedWhenItEnds() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket stream = track(drain, new Async().ofType("text/event-stream"));
        drain.enterRequest().close();
        for (int i = 0; i < 3; i++) {
            assertThat(drain.summary().inFlight()).isEqualTo(new InFlight(0, 0, 0, 1));
            assertThat(drain.summary().totals().requestsCompleted()).isOne();
            drain.start("upgrade");
            assertThat(drain.state()).isEqualTo(DRAINED);
            drain.resume();
        }
        stream.close();
        stream.close();

        assertThat(drain.summary().inFlight()).isEqualTo(new InFlight(0, 0, 0, 0));
        assertThat(drain.summary().totals().requestsCompleted()).isEqualTo(2);
    }

    @Test
    void aStreamHoldsNoLaterDrainAndNoQuietEnd() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off", "refuse", "uploads");
        track(drain, new Async().ofType("text/event-stream"));
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(DRAINED);
        track(drain, new Async().ofType("text/event-stream"));

        assertThat(drain.awaitQuiet(Duration.ZERO)).isTrue();
    }

    @Test
    void nothingElseWaitsForThemEither() {
        NodeDrain drain = time.drain();

        assertThat(drain.waitsFor(track(drain, new Async().ofType("text/event-stream"))))
                .isFalse();
        assertThat(drain.waitsFor(track(drain, new Async().ofType("text/html"))))
                .isTrue();
        assertThat(drain.waitsFor(drain.enterRequest())).isTrue();
        assertThat(drain.waitsFor(drain.enterUpload(TestUpload.unseen()))).isTrue();
    }

    @Test
    void onlyWhatIsEndlessIsEnded() {
        NodeDrain drain = time.drain("lameDuck", "off", "requestTimeout", "0s");
        Async stream = new Async().ofType("text/event-stream");
        Async page = new Async().ofType("text/html");
        track(drain, stream);
        track(drain, page);
        drain.endStreams();
        assertThat(stream.ends).as("no drain has looked").isZero();
        drain.start("upgrade");
        drain.endStreams();

        assertThat(stream.ends).isOne();
        assertThat(page.ends).isZero();
    }
}
