package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting for some uploads while the node serves. */
@Timeout(300)
class AwaitUploadsTest {
    private final NodeDrain drain = new NodeDrain("await", DrainSettings.defaults());

    private Thread waiter;

    private FutureTask<List<ActiveUpload>> inBackground(NodeDrain whose) {
        FutureTask<List<ActiveUpload>> waiting = new FutureTask<>(
                () -> whose.awaitUploads(upload -> String.valueOf(upload.path()).startsWith("/a/")));
        waiter = new Thread(waiting, "waiter");
        waiter.setDaemon(true);
        waiter.start();
        return waiting;
    }

    private void awaitParked() {
        await().until(() -> waiter.getState() == Thread.State.TIMED_WAITING);
    }

    @Test
    void returnsWhenTheLastOfThemEnds() throws Exception {
        Ticket first = drain.enterUpload(TestUpload.ofLength(10).from("/a/1", "x"));
        Ticket other = drain.enterUpload(TestUpload.ofLength(10).from("/b/1", "x"));
        FutureTask<List<ActiveUpload>> waiting = inBackground(drain);
        awaitParked();
        Ticket second = drain.enterUpload(TestUpload.ofLength(10).from("/a/2", "x"));
        first.close();
        awaitParked();
        assertThat(waiting.isDone()).isFalse();
        second.close();
        assertThat(waiting.get(30, TimeUnit.SECONDS)).isEmpty();
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
        other.close();
    }

    @Test
    void whatIsRefusedForAStopIsCountedAsThatAlone() {
        assertThat(drain.enterUpload(TestUpload.ofLength(10).receives(5), null, () -> null, () -> true))
                .isNull();
        assertThatThrownBy(() -> drain.enterUpload(TestUpload.ofLength(10), null, () -> null, () -> {
                    throw new IllegalStateException("no answer");
                }))
                .hasMessage("no answer");
        assertThat(drain.status().totals()).isEqualTo(new DrainStatus.Totals(0, 0, 0, 2, 0));
        assertThat(drain.status().inFlight()).isEqualTo(new DrainStatus.InFlight(0, 0, 0));

        drain.enterUpload(TestUpload.ofLength(10), null, () -> null, () -> false)
                .close();
        assertThat(drain.status().totals()).isEqualTo(new DrainStatus.Totals(1, 0, 0, 2, 0));
        assertThat(drain.start("test")).succeedsWithin(Duration.ofSeconds(30));
        assertThat(drain.enterUpload(TestUpload.ofLength(10), null, () -> null, () -> false))
                .isNull();
    }

    @Test
    void returnsAtOnceWhereThereAreNone() throws Exception {
        Ticket other = drain.enterUpload(TestUpload.ofLength(10).from("/b/1", "x"));
        assertThat(drain.awaitUploads(upload -> false)).isEmpty();
        other.close();
    }

    @Test
    void namesThoseThatStalledOrTookTooLong() throws Exception {
        NodeDrain impatient = new NodeDrain("stall", DrainSettings.defaults().with("stallTimeout", "20ms"));
        impatient.enterUpload(TestUpload.ofLength(10).from("/a/1", "x"));
        assertThat(inBackground(impatient).get(30, TimeUnit.SECONDS))
                .extracting(ActiveUpload::path)
                .containsExactly("/a/1");
        NodeDrain hurried = new NodeDrain("late", DrainSettings.defaults().with("uploadTimeout", "20ms"));
        hurried.enterUpload(TestUpload.unseen().from("/a/2", "x"));
        assertThat(inBackground(hurried).get(30, TimeUnit.SECONDS))
                .extracting(ActiveUpload::path)
                .containsExactly("/a/2");
    }

    @Test
    void doesNotWaitForOneThatTheContainerDropped() throws Exception {
        TestUpload dropped = TestUpload.ofLength(10).from("/a/1", "x");
        drain.enterUpload(dropped);
        dropped.isDroppedByTheContainer();
        assertThat(inBackground(drain).get(30, TimeUnit.SECONDS)).isEmpty();
    }

    /** A stop of the whole must not be held beyond its limits by somebody who waits for a part. */
    @Test
    void doesNotWaitForOneThatADrainHasGivenUp() throws Exception {
        Ticket ticket = drain.enterUpload(TestUpload.ofLength(10).from("/a/1", "x"));
        FutureTask<List<ActiveUpload>> waiting = inBackground(drain);
        awaitParked();
        drain.start("test", new DrainLimits(Duration.ZERO, null)).get(30, TimeUnit.SECONDS);
        assertThat(waiting.get(30, TimeUnit.SECONDS)).hasSize(1);
        ticket.close();
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        Ticket ticket = drain.enterUpload(TestUpload.ofLength(10).from("/a/1", "x"));
        FutureTask<List<ActiveUpload>> waiting = inBackground(drain);
        awaitParked();
        waiter.interrupt();
        assertThatThrownBy(() -> waiting.get(30, TimeUnit.SECONDS)).hasCauseInstanceOf(InterruptedException.class);
        ticket.close();
    }
}
