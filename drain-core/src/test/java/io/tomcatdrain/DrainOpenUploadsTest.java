package io.tomcatdrain;

import static io.tomcatdrain.Commands.result;
import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.Ticket.Part.Answer;
import io.tomcatdrain.Ticket.Part.Head;
import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Drains of a node on which files have been begun that come in several requests. */
class DrainOpenUploadsTest {
    private final FakeTicker time = new FakeTicker();
    private NodeDrain drain;

    private NodeDrain node(String... settings) {
        String[] all = new String[settings.length + 2];
        System.arraycopy(settings, 0, all, 2, settings.length);
        all[0] = "lameDuck";
        all[1] = "off";
        drain = time.drain(all);
        return drain;
    }

    /** Lets a plain request pass; returns false if it is refused. */
    private boolean request(Head head, Answer answer) {
        Ticket ticket = drain.enterRequest(drain.part(head));
        return end(ticket, answer);
    }

    private Ticket uploads(Head head) {
        return drain.enterUpload(
                TestUpload.ofLength(head.progress().contentLength()), drain.part(head), () -> null, () -> false);
    }

    private boolean upload(Head head, Answer answer) {
        return end(uploads(head), answer);
    }

    private static boolean end(Ticket ticket, Answer answer) {
        if (ticket == null) {
            return false;
        }
        ticket.part().answered(answer);
        ticket.close();
        return true;
    }

    private void create(String client, String id, long length) {
        assertThat(request(Parts.creation(client, length), Parts.created(id))).isTrue();
    }

    @Test
    void aFileIsFollowedToItsEnd() throws Exception {
        node();
        create("s", "a", 100);
        assertThat(upload(Parts.patch("s", "a", 0, 40), Parts.offset(40))).isTrue();
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        time.advanceSeconds(1);
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.status().openUploads()).hasSize(1);
        assertThat(drain.enterRequest()).as("a plain request").isNull();

        assertThat(upload(Parts.patch("s", "a", 40, 30), Parts.offset(70))).isTrue();
        time.advanceSeconds(20);
        assertThat(upload(Parts.patch("s", "a", 70, 30), Parts.offset(100))).isTrue();
        time.advance(Duration.ofMillis(4999));
        assertThat(drain.state()).as("lingers").isEqualTo(DRAINING);
        time.advance(Duration.ofMillis(1));
        assertThat(drain.state()).isEqualTo(DRAINED);

        DrainReport report = result(outcome);
        assertThat(report.openUploads().finished()).isEqualTo(1);
        assertThat(report.finished()).isEqualTo(2);
        assertThat(report.refused()).isEqualTo(1);
        assertThat(upload(Parts.patch("s", "a", 70, 30), Parts.offset(100))).isFalse();
    }

    @Test
    void aFileIsStillWaitedForAfterTheProcessStoodStill() {
        node("uploadGap", "30s");
        create("s", "a", 100);
        drain.start("upgrade");
        time.advanceSeconds(20);

        time.standStill(Duration.ofSeconds(40));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advanceSeconds(11);
        assertThat(drain.state()).as("its client does not come back").isEqualTo(EXPIRED);
    }

    /** A whole file is kept for a while, for the request that may follow it, and is no work. */
    @Test
    void theLogCountsNoFileThatIsWhole() {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            node();
            create("s", "a", 100);
            assertThat(upload(Parts.patch("s", "a", 0, 100), Parts.offset(100))).isTrue();
            create("s", "b", 100);
            time.advanceSeconds(6);
            drain.start("upgrade");
            assertThat(String.join("\n", log.lines())).contains("uploads of several requests=1");
        }
    }

    @Test
    void whatWasBegunElsewhereIsRefused() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        assertThat(upload(Parts.patch("t", "b", 0, 40), Parts.offset(40))).isFalse();
        assertThat(request(Parts.creation("t", 40), Parts.created("b"))).isFalse();
        assertThat(request(Parts.page("t"), Parts.status(200))).isFalse();
        assertThat(drain.status().totals().refused()).isEqualTo(3);
    }

    /** A page of the same browser that another node answered would move its cookie, and the next part with it. */
    @Test
    void pagesAndFurtherFilesOfTheClientAreAdmitted() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        assertThat(request(Parts.page("s"), Parts.status(200))).isTrue();
        create("s", "b", 100);
        assertThat(upload(Parts.patch("s", "a", 0, 100), Parts.offset(100))).isTrue();
        time.advanceSeconds(10);
        assertThat(drain.state()).isEqualTo(DRAINING);
        create("s", "c", 100);
        assertThat(upload(Parts.patch("s", "b", 0, 100), Parts.offset(100))).isTrue();
        assertThat(upload(Parts.patch("s", "c", 0, 100), Parts.offset(100))).isTrue();
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().report().openUploads().finished()).isEqualTo(3);
        assertThat(request(Parts.page("s"), Parts.status(200))).isFalse();
    }

    @Test
    void withScopeUploadOnlyPartsAre() {
        node("openUploads", "upload");
        create("s", "a", 100);
        drain.start("upgrade");
        assertThat(request(Parts.page("s"), Parts.status(200))).isFalse();
        assertThat(request(Parts.creation("s", 10), Parts.created("b"))).isFalse();
        assertThat(request(Parts.reads("HEAD", null, "a"), Parts.status(200))).isTrue();
        assertThat(upload(Parts.patch(null, "a", 0, 100), Parts.offset(100))).isTrue();
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void switchedOffNothingIsFollowed() {
        node("openUploads", "off");
        create("s", "a", 100);
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aFileThatNobodyContinuesIsGivenUpAfterTheGapAndNamed() throws Exception {
        node();
        create("s", "a", 100);
        upload(Parts.patch("s", "a", 0, 40), Parts.offset(40));
        try (CapturedLog log = FakeTicker.capturedLog()) {
            CompletableFuture<DrainReport> outcome = drain.start("upgrade");
            time.advance(Duration.ofMillis(29_999));
            assertThat(drain.state()).isEqualTo(DRAINING);
            time.advance(Duration.ofMillis(1));
            assertThat(drain.state()).isEqualTo(EXPIRED);
            assertThat(result(outcome).openUploads().abandoned())
                    .singleElement()
                    .satisfies(lost -> assertThat(lost.bytesReceived()).isEqualTo(40));
            assertThat(String.join("\n", log.warnings()))
                    .contains("giving up 1 upload of several requests, no request came for uploadGap [30s]: [#1 POST"
                            + " /files from ?, 40 of 100 bytes");
        }
    }

    @Test
    void theLimitCutsAFileAndNamesIt() throws Exception {
        node("uploadTimeout", "20s");
        create("s", "a", 100);
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        for (int i = 0; i < 19; i++) {
            time.advanceSeconds(1);
            assertThat(upload(Parts.patch("s", "a", i, 1), Parts.offset(i + 1))).isTrue();
        }
        time.advanceSeconds(1);
        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(result(outcome).openUploads().cut()).hasSize(1);
        assertThat(upload(Parts.patch("s", "a", 19, 1), Parts.offset(20))).isFalse();
    }

    @Test
    void aCommandEndsTheWaitingAtOnce() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(DRAINING);
        drain.start("now", timeout(Duration.ZERO));
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    /** The wait is ended by the upload's own request, not by one that asks. */
    @Test
    void floodsOfQuestionsAndFailuresHoldNothing() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        for (int i = 0; i < 300 && drain.state() == DRAINING; i++) {
            request(Parts.reads("HEAD", "s", "a"), Parts.status(200));
            request(Parts.page("s"), Parts.status(200));
            upload(Parts.patch("s", "a", 0, 0), Parts.offset(0));
            upload(Parts.patch("s", "a", 0, 50), Parts.status(500));
            time.advance(Duration.ofMillis(100));
        }
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void oneByteNowAndThenHoldsUntilTheLimit() {
        node("uploadTimeout", "5m");
        create("s", "a", 100);
        drain.start("upgrade");
        int i = 0;
        for (; drain.state() == DRAINING; i++) {
            upload(Parts.patch("s", "a", i, 1), Parts.offset(i + 1));
            time.advanceSeconds(29);
        }
        assertThat(i).isEqualTo(11);
        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aPartInFlightHoldsLikeAnyUpload() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        time.advanceSeconds(29);
        Ticket slow = uploads(Parts.patch("s", "a", 0, 100));
        time.advanceSeconds(40);
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.status().inFlight().uploads()).isEqualTo(1);
        slow.part().answered(Parts.offset(100));
        slow.close();
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** A page that hangs must not hold a drain for longer than one that was there before. */
    @Test
    void aPageOfTheClientThatHangsHasItsTime() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        time.advanceSeconds(20);
        Ticket page = drain.enterRequest(drain.part(Parts.page("s")));
        assertThat(page).isNotNull();
        upload(Parts.patch("s", "a", 0, 100), Parts.offset(100));
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofMillis(29_999));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofMillis(1));
        assertThat(drain.state()).isEqualTo(EXPIRED);
        page.close();
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
        assertThat(drain.status().totals().requestsCompleted()).isEqualTo(2);
    }

    @Test
    void thePageThatIsTheLastEndsTheDrain() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        Ticket page = drain.enterRequest(drain.part(Parts.page("s")));
        upload(Parts.patch("s", "a", 0, 100), Parts.offset(100));
        time.advanceSeconds(10);
        assertThat(drain.state()).isEqualTo(DRAINING);
        page.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** What the client had begun when the answer to its page was still on its way may go on. */
    @Test
    void anUploadThatIsOpenedAtTheVeryEndIsFollowed() {
        node();
        create("s", "a", 100);
        drain.start("upgrade");
        Ticket creation = drain.enterRequest(drain.part(Parts.creation("s", 50)));
        request(Parts.delete("s", "a"), Parts.status(204));
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        end(creation, Parts.created("b"));
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(upload(Parts.patch("s", "b", 0, 50), Parts.offset(50))).isTrue();
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** The opening request was admitted before the drain began, and is answered during it. */
    @Test
    void anUploadWhoseOpeningIsAnsweredWhileTheNodeDrainsIsFollowed() {
        node();
        Ticket creation = drain.enterRequest(drain.part(Parts.creation(null, 50)));
        drain.start("upgrade");
        end(creation, Parts.created("a"));
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(upload(Parts.patch(null, "a", 0, 50), Parts.offset(50))).isTrue();
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void whatWasIdleForLongDoesNotHold() throws Exception {
        node();
        create("s", "a", 100);
        time.advance(Duration.ofMinutes(10));
        DrainReport report = result(drain.start("upgrade"));
        assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    @Test
    void aResumedNodeKnowsItsUploads() {
        node();
        create("s", "a", 100);
        create("s", "b", 100);
        drain.start("upgrade");
        Ticket part = uploads(Parts.patch("s", "b", 0, 10));
        time.advanceSeconds(31);
        assertThat(drain.status().openUploads()).hasSize(2);
        drain.resume();
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(upload(Parts.patch("s", "a", 0, 10), Parts.offset(10))).isTrue();
        drain.start("again");
        time.advanceSeconds(20);
        end(part, Parts.offset(10));
        assertThat(upload(Parts.patch("s", "a", 10, 90), Parts.offset(100))).isTrue();
        time.advanceSeconds(20);
        assertThat(upload(Parts.patch("s", "b", 10, 90), Parts.offset(100))).isTrue();
        time.advanceSeconds(5);
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().totals().uploadsCompleted()).isEqualTo(4);
        assertThat(drain.status().totals().requestsCompleted()).isEqualTo(2);
    }

    /** Pages are served then; what opens a new upload is one. */
    @Test
    void refuseUploadsRefusesWhatOpensOne() {
        node("refuse", "uploads");
        create("s", "a", 100);
        drain.start("upgrade");
        assertThat(drain.enterRequest()).isNotNull();
        assertThat(request(Parts.page("t"), Parts.status(200))).isTrue();
        assertThat(request(Parts.creation("t", 10), Parts.created("b"))).isFalse();
        assertThat(request(Parts.creation("s", 10), Parts.created("c"))).isTrue();
        assertThat(upload(Parts.patch("t", "b", 0, 10), Parts.offset(10))).isFalse();
        assertThat(upload(Parts.patch("s", "a", 0, 100), Parts.offset(100))).isTrue();
    }

    @Test
    void closedListenersLetNoFurtherPartIn() throws Exception {
        node("closeListener", "true");
        drain.onListenersToClose(() -> true);
        create("s", "a", 100);
        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        DrainReport report = null;
        for (int i = 0; i < 1000 && report == null; i++) {
            drain.awaitListeners(Duration.ofSeconds(10));
            time.settle();
            report = outcome.getNow(null);
        }
        assertThat(report.outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        assertThat(report.openUploads().cut()).hasSize(1);
        assertThat(drain.settings().warnings())
                .anyMatch(each -> each.startsWith("closeListener [true] with openUploads"));
        assertThat(drain.settings().with("openUploads", "off").warnings())
                .noneMatch(each -> each.contains("openUploads"));
    }

    @Test
    void aPartThatTheContainerDropsIsNoLongerInFlight() {
        node();
        create("s", "a", 100);
        TestUpload dropped = TestUpload.ofLength(10);
        drain.enterUpload(dropped, drain.part(Parts.patch("s", "a", 0, 10)), () -> null, () -> false);
        boolean[] gone = new boolean[1];
        drain.track(drain.enterRequest(drain.part(Parts.page("s"))), () -> gone[0]);
        drain.start("upgrade");
        time.advanceSeconds(5);
        dropped.isDroppedByTheContainer();
        gone[0] = true;
        time.advanceSeconds(1);
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));
        time.advanceSeconds(31);
        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().report().openUploads().abandoned()).hasSize(1);
    }

    @Test
    void theEstimateCountsTheWholeFile() {
        node();
        create("s", "a", 1000);
        time.advanceSeconds(1);
        upload(Parts.patch("s", "a", 0, 100), Parts.offset(100));
        assertThat(drain.status().etaMillis()).isEqualTo(9000);
    }
}
