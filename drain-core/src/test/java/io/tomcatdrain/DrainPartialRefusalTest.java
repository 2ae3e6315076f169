package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code refuse=uploads}, {@code closeListener}, listeners that are shared, and the quiet at the end of a stop. */
class DrainPartialRefusalTest {
    private static final Duration AT_ONCE = Duration.ZERO;
    private static final Duration LONG = Duration.ofHours(1);

    private final FakeTicker time = new FakeTicker();

    // ---------------------------------------------------------------- refuse=uploads

    @Test
    void withRefuseUploadsPagesAreServedAndUploadsRefused() {
        NodeDrain drain = time.drain("refuse", "uploads", "lameDuck", "off");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.enterRequest()).isNotNull();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNull();
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.enterRequest()).isNotNull();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNull();
    }

    @Test
    void withRefuseUploadsLaterPagesDoNotDecide() throws Exception {
        NodeDrain drain = time.drain("refuse", "uploads", "lameDuck", "off");
        Ticket earlier = drain.enterRequest();
        drain.start("upgrade");
        Ticket later = drain.enterRequest();
        assertThat(drain.status().inFlight().requests()).isEqualTo(2);
        assertThat(drain.state()).isEqualTo(DRAINING);
        earlier.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().inFlight().requests()).isOne();

        assertThat(drain.awaitQuiet(AT_ONCE)).as("the later page").isFalse();
        assertThat(drain.enterRequest()).as("quiet lets nobody in").isNull();
        later.close();
        assertThat(drain.awaitQuiet(LONG)).isTrue();
    }

    @Test
    void withRefuseUploadsTheNextDrainWaitsForPagesOfThisOne() {
        NodeDrain drain = time.drain("refuse", "uploads", "lameDuck", "off");
        drain.start("one");
        Ticket page = drain.enterRequest();
        drain.resume();
        assertThat(drain.enterUpload(TestUpload.ofLength(1))).isNotNull().satisfies(Ticket::close);
        drain.start("two");

        assertThat(drain.state()).isEqualTo(DRAINING);
        page.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    // ---------------------------------------------------------------- closeListener

    private NodeDrain closing(String... more) {
        List<String> settings = new ArrayList<>(List.of("closeListener", "true", "controlPort", "8081"));
        settings.addAll(List.of(more));
        return time.drain(settings.toArray(String[]::new));
    }

    /** Closing them runs on a thread of its own. */
    private void letThemClose(NodeDrain drain) throws InterruptedException {
        assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();
        time.settle();
    }

    @Test
    void theListenersAreClosedOnceBetweenLameDuckAndDraining() throws Exception {
        NodeDrain drain = closing("lameDuck", "10s");
        List<DrainState> closedIn = new CopyOnWriteArrayList<>();
        drain.onListenersToClose(() -> closedIn.add(drain.state()));
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(closedIn).isEmpty();
        time.advance(Duration.ofNanos(1));
        letThemClose(drain);
        assertThat(closedIn).containsExactly(LAME_DUCK);
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advanceSeconds(10);
        upload.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(closedIn).hasSize(1);
    }

    @Test
    void withClosedListenersNothingIsRefusedAndLaterArrivalsHoldToo() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        Ticket first = drain.enterRequest();
        drain.start("upgrade");
        letThemClose(drain);
        Ticket second = drain.enterUpload(TestUpload.unseen());
        Ticket third = drain.enterRequest();
        assertThat(second).isNotNull();
        assertThat(third).isNotNull();

        first.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        second.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        Ticket fourth = drain.enterRequest();
        third.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        fourth.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().totals().refused()).isZero();
        assertThat(drain.enterRequest()).as("what still arrives is served").isNotNull();
    }

    @Test
    void withClosedListenersLaterArrivalsAreGivenUpAtTheLimitsToo() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        letThemClose(drain);
        time.advance(Duration.ofMinutes(5));
        drain.enterUpload(TestUpload.unseen());
        time.advance(Duration.ofMinutes(5));

        assertThat(drain.state()).isEqualTo(EXPIRED);
        assertThat(drain.status().report().abandoned()).hasSize(2);
    }

    @Test
    void withClosedListenersARequestThatCameLaterHasItsTimeToo() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        letThemClose(drain);
        time.advance(Duration.ofMinutes(5));
        Ticket page = drain.enterRequest();
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advance(Duration.ofSeconds(30).minusNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        page.close();
        time.settle();

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void withClosedListenersRequestsThatCameLaterProlongNothing() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        letThemClose(drain);
        time.advance(Duration.ofMinutes(10).minusSeconds(1));
        drain.enterRequest();
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINING);
        time.advanceSeconds(1);

        assertThat(drain.state()).isEqualTo(EXPIRED);
    }

    @Test
    void theStopOfOneHostClosesNoListenersAndRefuses() {
        NodeDrain drain = closing("lameDuck", "off");
        List<String> closed = new ArrayList<>();
        drain.onListenersToClose(() -> closed.add("closed"));
        drain.enterRequest();
        drain.startForStop("host stops", false);

        assertThat(closed).isEmpty();
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.enterRequest()).isNull();
    }

    @Test
    void theStopOfTheServerClosesThem() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        List<String> closed = new CopyOnWriteArrayList<>();
        drain.onListenersToClose(() -> closed.add("closed"));
        drain.startForStop("SIGTERM", true);
        letThemClose(drain);

        assertThat(closed).hasSize(1);
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** What hangs goes on when its test has seen enough: a reading of the log waits for it. */
    private static final CountDownLatch SEEN_ENOUGH = new CountDownLatch(1);

    /** Each way in which the listeners stay open, and what the log says of it. */
    private enum Failure {
        SAYS_SO(() -> false, "drain[test] the listeners are not all closed; refusing new requests instead"),
        THROWS(
                () -> {
                    throw new AssertionError("no such socket");
                },
                "drain[test] the listeners are not all closed; refusing new requests instead"),
        HANGS(
                () -> awaitUninterrupted(SEEN_ENOUGH),
                "drain[test] the listeners are not all closed after 5.0 s; refusing new requests instead");

        private final BooleanSupplier closer;
        private final String warning;

        Failure(BooleanSupplier closer, String warning) {
            this.closer = closer;
            this.warning = warning;
        }
    }

    /** An open listener would let in, for the whole drain, what nobody will wait for in the end. */
    @ParameterizedTest
    @EnumSource
    void whereListenersStayOpenItRefusesInstead(Failure failure) throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = closing("lameDuck", "10s");
            drain.onListenersToClose(failure.closer);
            Ticket upload = drain.enterUpload(TestUpload.unseen());
            drain.start("upgrade");
            time.advanceSeconds(10);
            if (failure == Failure.HANGS) {
                assertThat(drain.state()).isEqualTo(LAME_DUCK);
                time.advanceSeconds(5);
            } else {
                letThemClose(drain);
            }

            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(drain.enterUpload(TestUpload.unseen())).isNull();
            assertThat(drain.enterRequest()).isNull();
            upload.close();
            time.settle();
            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(drain.status().report().refused()).isEqualTo(2);
            if (failure == Failure.HANGS) {
                SEEN_ENOUGH.countDown();
            }
            assertThat(log.warnings()).containsOnlyOnce(failure.warning);
        }
    }

    @Test
    void drainingBeginsOnlyWhenTheListenersHaveBeenClosedWhoeverElseAsks() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        CountDownLatch mayClose = new CountDownLatch(1);
        drain.onListenersToClose(() -> awaitUninterrupted(mayClose));
        drain.start("upgrade");

        drain.start("me too");
        time.settle();
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        assertThat(drain.enterRequest()).isNotNull().satisfies(Ticket::close);
        mayClose.countDown();
        letThemClose(drain);

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** It may have begun to refuse by then; one drain does not do both. */
    @Test
    void listenersThatCloseTooLateChangeNothing() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        CountDownLatch mayClose = new CountDownLatch(1);
        drain.onListenersToClose(() -> awaitUninterrupted(mayClose));
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        time.advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
        mayClose.countDown();
        letThemClose(drain);

        assertThat(drain.enterRequest()).isNull();
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    private static boolean awaitUninterrupted(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    // ---------------------------------------------------------------- shared listeners

    /** Which of a node's listeners other processes accept from, too, and what the node has done to them. */
    private final class SharedListeners {
        private final List<String> done = new CopyOnWriteArrayList<>();

        SharedListeners(NodeDrain drain, boolean all) {
            drain.onListenersToClose(() -> done.add("left"));
            drain.onListenersShared(() -> true, () -> all, () -> done.add("back"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void fromSharedListenersItStopsAcceptingWhateverCloseListenerSays(String closeListener) throws Exception {
        NodeDrain drain = time.drain("closeListener", closeListener, "controlPort", "8081");
        SharedListeners listeners = new SharedListeners(drain, true);
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        drain.start("upgrade");
        letThemClose(drain);

        assertThat(listeners.done).containsExactly("left");
        assertThat(drain.state()).isEqualTo(DRAINING);
        assertThat(drain.enterRequest()).isNotNull().satisfies(Ticket::close);
        upload.close();
        time.settle();
        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.status().report().refused()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void acceptsFromSharedListenersAgainAfterEachResume(String closeListener) throws Exception {
        NodeDrain drain = time.drain("closeListener", closeListener, "controlPort", "8081");
        SharedListeners listeners = new SharedListeners(drain, true);
        List<String> expected = new ArrayList<>();
        for (int times = 1; times <= 3; times++) {
            drain.start("upgrade");
            letThemClose(drain);
            assertThat(drain.state()).isEqualTo(DRAINED);
            drain.resume();
            letThemClose(drain);
            expected.addAll(List.of("left", "back"));
            assertThat(listeners.done).isEqualTo(expected);
        }
        drain.startForStop("stop", true);
        assertThatThrownBy(drain::resume).isInstanceOf(IllegalStateException.class);
    }

    /** What it had begun to leave may still be on its way. */
    @Test
    void aResumeWhileItStopsAcceptingIsDoneInOrderAndBelieved() throws Exception {
        NodeDrain drain = time.drain();
        CountDownLatch mayLeave = new CountDownLatch(1);
        List<String> done = new CopyOnWriteArrayList<>();
        drain.onListenersToClose(() -> awaitUninterrupted(mayLeave) && done.add("left"));
        drain.onListenersShared(() -> true, () -> true, () -> done.add("back"));
        drain.start("one");
        drain.resume();
        drain.start("two");
        assertThat(drain.state()).as("the first result is not this drain's").isEqualTo(LAME_DUCK);
        mayLeave.countDown();
        letThemClose(drain);

        assertThat(done).containsExactly("left", "back", "left");
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    /** The next process answers who asks for readiness there, so that no front end would ever see this one leave. */
    @Test
    void whereAllListenersAreSharedNoProberIsWaitedFor() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            new SharedListeners(drain, true);
            for (int poll = 0; poll < 5; poll++) {
                drain.pollReadiness(new ReadinessPoll("10.0.0.1", "haproxy", null, false));
                time.advanceSeconds(2);
            }
            drain.start("upgrade");
            letThemClose(drain);

            assertThat(drain.state()).isEqualTo(DRAINED);
            assertThat(log.warnings()).isEmpty();
        }
    }

    @Test
    void aFixedLameDuckIsKeptBeforeSharedListenersAreLeft() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "10s");
        SharedListeners listeners = new SharedListeners(drain, true);
        drain.start("upgrade");
        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(listeners.done).isEmpty();
        time.advance(Duration.ofNanos(1));
        letThemClose(drain);

        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void whereSomeAreNotSharedTheAdapterRefusesAndIsCounted() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            SharedListeners listeners = new SharedListeners(drain, false);
            Ticket upload = drain.enterUpload(TestUpload.unseen());
            drain.start("upgrade");
            letThemClose(drain);
            assertThat(listeners.done).containsExactly("left");
            drain.noteRefused();
            upload.close();
            time.settle();

            assertThat(drain.status().report().refused()).isOne();
            assertThat(log.warnings()).singleElement().asString().contains("nobody has asked for readiness regularly");
            drain.resume();
            letThemClose(drain);
            assertThat(listeners.done).containsExactly("left", "back");
        }
    }

    @Test
    void whatIsNotSharedAndWasClosedStaysClosed() throws Exception {
        NodeDrain drain = closing("lameDuck", "off");
        SharedListeners listeners = new SharedListeners(drain, false);
        drain.start("upgrade");
        letThemClose(drain);

        assertThatThrownBy(drain::resume).isInstanceOf(IllegalStateException.class);
        assertThat(listeners.done).containsExactly("left");
    }

    @Test
    void theStopOfOneHostLeavesSharedListenersAlone() {
        NodeDrain drain = time.drain("lameDuck", "off");
        SharedListeners listeners = new SharedListeners(drain, true);
        drain.enterRequest();
        drain.startForStop("host stops", false);

        assertThat(listeners.done).isEmpty();
        assertThat(drain.enterRequest()).isNull();
    }

    /** A fault of ours must not keep a node from leaving, and what cannot be told is refused as ever. */
    @Test
    void aFaultInTheQuestionMeansThatNothingIsShared() throws Exception {
        NodeDrain drain = time.drain("lameDuck", "off");
        drain.onListenersShared(
                () -> {
                    throw new IllegalStateException("no such connector");
                },
                () -> true,
                () -> {});
        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINED);
        assertThat(drain.enterRequest()).isNull();
    }

    @Test
    void aFaultInTheReopenerIsLoggedAndTheNodeServes() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain("lameDuck", "off");
            drain.onListenersShared(() -> true, () -> true, () -> {
                throw new IllegalStateException("no such connector");
            });
            drain.start("upgrade");
            letThemClose(drain);
            drain.resume();
            letThemClose(drain);

            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
            assertThat(log.lines()).anyMatch(line -> line.contains("could not accept connections again"));
        }
    }

    // ---------------------------------------------------------------- quiet

    @Test
    void quietIsAtOnceWhereNobodyIsInside() throws Exception {
        NodeDrain drain = time.drain();
        drain.start("upgrade");

        assertThat(drain.awaitQuiet(AT_ONCE)).isTrue();
    }

    @Test
    void quietWaitsForTheLastOneOnAnotherThread() throws Exception {
        NodeDrain drain = time.drain("refuse", "uploads");
        drain.start("upgrade");
        Ticket page = drain.enterRequest();
        CompletableFuture<Boolean> quiet = waitsForQuiet(drain);
        page.close();

        assertThat(quiet.get(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void everybodyWhoWaitsForQuietIsWoken() throws Exception {
        NodeDrain drain = time.drain("refuse", "uploads");
        drain.start("upgrade");
        Ticket page = drain.enterRequest();
        List<CompletableFuture<Boolean>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(waitsForQuiet(drain));
        }
        page.close();

        for (CompletableFuture<Boolean> quiet : waiting) {
            assertThat(quiet.get(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** Returns once the thread is parked. */
    private static CompletableFuture<Boolean> waitsForQuiet(NodeDrain drain) {
        CompletableFuture<Boolean> quiet = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                quiet.complete(drain.awaitQuiet(LONG));
            } catch (Throwable fault) {
                quiet.completeExceptionally(fault);
            }
        });
        thread.setDaemon(true);
        thread.start();
        while (thread.getState() != Thread.State.TIMED_WAITING && !quiet.isDone()) {
            Thread.onSpinWait();
        }
        return quiet;
    }

    @Test
    void quietDoesNotWaitForWhatTheContainerHasDropped() throws Exception {
        NodeDrain drain = time.drain("refuse", "uploads");
        drain.start("upgrade");
        drain.track(drain.enterRequest(), () -> true);

        assertThat(drain.awaitQuiet(AT_ONCE)).isTrue();
    }

    @Test
    void anInterruptEndsTheWaitForQuietAsInterrupted() {
        NodeDrain drain = time.drain("refuse", "uploads");
        drain.start("upgrade");
        drain.enterRequest();
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> drain.awaitQuiet(LONG)).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
    }
}
