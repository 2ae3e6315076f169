package io.tomcatdrain;

import static io.tomcatdrain.Commands.result;
import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A command that finds a drain under way: it joins, and may shorten or lengthen the wait. */
class DrainJoiningTest {
    private final FakeTicker time = new FakeTicker();

    @Test
    void aSecondCommandJoinsTheDrainThatRuns() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "5s");
        Changes changes = Changes.of(drain);
        Ticket request = drain.enterRequest();
        CompletableFuture<DrainReport> first = drain.start("first");
        time.advanceSeconds(2);
        CompletableFuture<DrainReport> second = drain.start("second");
        time.advanceSeconds(3);
        CompletableFuture<DrainReport> third = drain.start("third");
        assertThat(drain.state()).isEqualTo(DRAINING);
        request.close();
        time.settle();
        CompletableFuture<DrainReport> fourth = drain.start("fourth");

        assertThat(result(first).reason()).isEqualTo("first");
        assertThat(List.of(result(second), result(third), result(fourth)))
                .allMatch(report -> report.equals(drain.status().report()));
        assertThat(changes.all()).hasSize(3);
    }

    @Test
    void aCommandMayShortenTheWait() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(100);
        drain.start("hurry", timeout(Duration.ofSeconds(20)));
        time.advance(Duration.ofSeconds(20).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aCommandMayLengthenTheWaitForUploads() {
        NodeDrain drain = time.drain("lameDuck", "off");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advance(Duration.ofMinutes(9));
        drain.start("take your time", timeout(Duration.ofHours(2)));
        time.advance(Duration.ofMinutes(119));
        assertThat(drain.state()).isEqualTo(DRAINING);
        drain.start("still in no hurry", timeout(Duration.ofHours(1)));
        time.advance(Duration.ofMinutes(59));
        assertThat(drain.state()).isEqualTo(DRAINING);
        upload.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aLongerDeadlineDoesNotLengthenTheWaitForOtherRequests() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("upgrade", timeout(Duration.ofHours(1)));
        time.advanceSeconds(30);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aJoiningCommandWithoutADeadlineKeepsTheOneThatWasSet() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade", timeout(Duration.ofSeconds(20)));
        time.advanceSeconds(10);
        drain.start("me too");
        time.advanceSeconds(10);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void theDeadlineOfOneDrainIsNotTheNextOnes() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.start("upgrade", timeout(Duration.ZERO));
        drain.resume();
        drain.enterUpload(TestUpload.unseen());
        drain.start("again");
        time.advanceSeconds(60);

        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void theDeadlineEndsTheLameDuckToo() {
        NodeDrain drain = time.drain("lameDuck", "1h");
        drain.enterRequest();
        drain.start("upgrade", timeout(Duration.ofSeconds(10)));
        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aTimeoutOfZeroEndsALameDuckWithHoldersAsExpired() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "1h");
        Changes changes = Changes.of(drain);
        drain.enterRequest();
        drain.enterUpload(TestUpload.unseen());
        drain.hold("import");
        drain.start("upgrade");
        drain.start("now", timeout(Duration.ZERO));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().report().abandoned()).hasSize(1);
        assertThat(changes.all())
                .containsExactly("SERVING -> LAME_DUCK", "LAME_DUCK -> DRAINING", "DRAINING -> EXPIRED");
    }

    @Test
    void aTimeoutOfZeroEndsAnEmptyLameDuckAsDrained() {
        NodeDrain drain = time.drain("lameDuck", "1h");
        drain.start("upgrade");
        drain.start("now", timeout(Duration.ZERO));

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aTimeoutOfZeroEndsTheWaitingAtOnce() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advanceSeconds(5);
        drain.start("now", timeout(Duration.ZERO));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aTimeoutOfZeroOnAServingNodeGivesUpWhoeverIsInside() {
        NodeDrain drain = time.drain("lameDuck", "1h");
        drain.enterUpload(TestUpload.unseen());
        drain.start("now", timeout(Duration.ZERO));

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void theReasonIsBoundedAndCannotForgeALogLine() {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.enterRequest();
        drain.start("line\nforged" + "x".repeat(300));

        assertThat(drain.status().reason()).hasSize(200).startsWith("line?forged");
    }
}
