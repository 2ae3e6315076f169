package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class UploadTicketTest {
    private static final long STALL = Duration.ofSeconds(60).toNanos();

    private final FakeTicker time = new FakeTicker();
    private final Counters counters = new Counters();
    private final UploadRegistry registry = new UploadRegistry(time, counters);
    private final AtomicInteger idleSignals = new AtomicInteger();
    private final InFlightGate gate = new InFlightGate(2, idleSignals::incrementAndGet);

    private UploadTicket admitted(UploadSource source) {
        assertThat(gate.enter()).isTrue();
        return registry.admit(source, gate);
    }

    private ActiveUpload snapshot(UploadTicket ticket) {
        return ticket.snapshot(time.nanos(), time.instant());
    }

    private List<ActiveUpload> abandon(boolean all) {
        return registry.abandon(STALL, all, time.nanos(), time.instant());
    }

    @Test
    void closingCountsOnceHoweverOftenItIsDone() {
        UploadTicket ticket = admitted(TestUpload.ofLength(10).receives(10));

        ticket.close();
        ticket.close(true);
        ticket.close();

        assertThat(gate.inFlight()).isZero();
        assertThat(counters.uploadsCompleted.sum()).isOne();
        assertThat(counters.uploadsFailed.sum()).isZero();
        assertThat(counters.uploadBytes.sum()).isEqualTo(10);
        assertThat(registry.uploads()).isZero();
    }

    @Test
    void aFailedUploadIsCountedApart() {
        admitted(TestUpload.ofLength(10).receives(3)).close(true);

        assertThat(counters.uploadsCompleted.sum()).isZero();
        assertThat(counters.uploadsFailed.sum()).isOne();
        assertThat(counters.uploadBytes.sum()).isEqualTo(3);
    }

    /** As where an application opens its stream only after the container has looked at something else for long. */
    @Test
    void whoseBytesShowUpLateHasNotStalledUntilThen() {
        TestUpload upload = TestUpload.unseen();
        UploadTicket ticket = admitted(upload);
        time.advanceSeconds(120);
        assertThat(abandon(false)).isEmpty();

        upload.receives(1); // from unknown to none so far
        assertThat(snapshot(ticket).bytesReceived()).isZero();
        time.advanceSeconds(59);
        assertThat(abandon(false)).isEmpty();
        time.advanceSeconds(1);

        assertThat(abandon(false)).hasSize(1);
    }

    /** A look reads the clock once, and sees uploads that came after that, or that another look has seen. */
    @Test
    void timesAreNeverNegativeForWhoReadTheClockBefore() {
        long nanosBefore = time.nanos();
        java.time.Instant before = time.instant();
        time.advance(Duration.ofMillis(153));
        TestUpload upload = TestUpload.ofLength(1000);
        UploadTicket ticket = admitted(upload);
        upload.receives(10);
        time.advanceSeconds(10);
        snapshot(ticket);

        ActiveUpload seen = ticket.snapshot(nanosBefore, before);
        assertThat(seen.elapsedMillis()).isZero();
        assertThat(seen.started()).isEqualTo(before);
        assertThat(seen.stalledMillis()).isZero();
        time.advanceSeconds(59);
        assertThat(abandon(false)).as("the later look counts").isEmpty();
        time.advanceSeconds(1);
        assertThat(abandon(false)).hasSize(1);
    }

    @Test
    void bytesThatCannotBeKnownAreNotCounted() {
        admitted(TestUpload.unseen()).close();

        assertThat(counters.uploadBytes.sum()).isZero();
    }

    @Test
    void whoeverIsWokenByTheLastExitFindsTheUploadCountedAndGone() {
        List<String> atIdle = new ArrayList<>();
        InFlightGate watched = new InFlightGate(
                2,
                () -> atIdle.add(
                        "registered=" + registry.uploads() + ", completed=" + counters.uploadsCompleted.sum()));
        watched.enter();
        UploadTicket ticket = registry.admit(TestUpload.ofLength(1), watched);
        watched.seal();

        ticket.close();

        assertThat(atIdle).containsExactly("registered=0, completed=1");
    }

    @Test
    void whoeverIsWokenByTheLastRequestFindsItCounted() {
        List<Long> atIdle = new ArrayList<>();
        AtomicReference<InFlightGate> watched = new AtomicReference<>();
        watched.set(new InFlightGate(2, () -> atIdle.add(watched.get().left())));
        watched.get().enter();
        watched.get().seal();

        watched.get().close();

        assertThat(atIdle).containsExactly(1L);
    }

    @Test
    void givingUpLeavesTheGateOnceAndClosingLaterOnlyCounts() {
        UploadTicket ticket = admitted(TestUpload.ofLength(10));
        gate.seal();

        assertThat(abandon(true)).hasSize(1);
        assertThat(idleSignals).hasValue(1);
        assertThat(abandon(true)).as("nothing is given up twice").isEmpty();
        ticket.close();

        assertThat(gate.inFlight()).isZero();
        assertThat(idleSignals).hasValue(1);
        assertThat(counters.uploadsCompleted.sum()).isOne();
    }

    @Test
    void whatIsClosedCannotBeGivenUp() {
        UploadTicket ticket = admitted(TestUpload.ofLength(10));
        ticket.close();

        assertThat(ticket.abandon(true)).isFalse();
        assertThat(gate.inFlight()).isZero();
    }

    @Test
    void aGivenUpUploadEntersAFreshGateAndLeavesThatOne() {
        UploadTicket ticket = admitted(TestUpload.ofLength(10));
        gate.seal();
        abandon(true);
        InFlightGate fresh = new InFlightGate(2, () -> {});

        registry.readopt(fresh);
        assertThat(fresh.inFlight()).isOne();
        registry.readopt(fresh);
        assertThat(fresh.inFlight()).as("it enters once").isOne();
        ticket.close();

        assertThat(fresh.inFlight()).isZero();
        assertThat(idleSignals).hasValue(1);
    }

    @Test
    void anUploadThatWasNotGivenUpStaysInItsGate() {
        admitted(TestUpload.ofLength(10));
        InFlightGate fresh = new InFlightGate(2, () -> {});

        registry.readopt(fresh);

        assertThat(fresh.inFlight()).isZero();
        assertThat(gate.inFlight()).isOne();
    }

    @Test
    void onlyAnIncompleteBodyWithoutNewBytesStalls() {
        TestUpload stalling = TestUpload.ofLength(1000).receives(1);
        TestUpload progressing = TestUpload.ofLength(1000).receives(1);
        TestUpload complete = TestUpload.ofLength(1000).receives(1000);
        TestUpload chunkedComplete = TestUpload.ofUnknownLength().receives(5).endsItsBody();
        TestUpload chunkedStalling = TestUpload.ofUnknownLength().receives(5);
        TestUpload unseen = TestUpload.unseen();
        List.of(stalling, progressing, complete, chunkedComplete, chunkedStalling, unseen)
                .forEach(this::admitted);
        registry.watchFrom(time.nanos());

        time.advanceSeconds(59);
        progressing.receives(1);
        assertThat(abandon(false)).isEmpty();
        time.advanceSeconds(1);

        assertThat(abandon(false)).extracting(ActiveUpload::id).containsExactlyInAnyOrder(1L, 5L);
    }

    @Test
    void timeBeforeAnybodyLookedIsNoStall() {
        admitted(TestUpload.ofLength(1000).receives(1));
        time.advanceSeconds(3600);

        registry.watchFrom(time.nanos());

        assertThat(abandon(false)).isEmpty();
    }

    @Test
    void anUploadShowsWhatIsKnownOfIt() {
        TestUpload source = TestUpload.ofLength(10_000).from("/files", "198.51.100.1");
        UploadTicket ticket = admitted(source);
        snapshot(ticket);
        source.receives(4000);
        time.advanceSeconds(4);

        ActiveUpload upload = snapshot(ticket);

        assertThat(upload)
                .isEqualTo(new ActiveUpload(
                        1,
                        "POST",
                        "/files",
                        "198.51.100.1",
                        time.instant().minusSeconds(4),
                        4000,
                        4000,
                        10_000,
                        1000,
                        6000,
                        0));
        time.advanceSeconds(1);
        assertThat(snapshot(ticket).stalledMillis()).isEqualTo(1000);
    }

    @Test
    void theRateFollowsTheLastSeconds() {
        TestUpload source = TestUpload.ofLength(1_000_000);
        UploadTicket ticket = admitted(source);
        source.receives(100_000);
        time.advanceSeconds(10);
        snapshot(ticket);

        source.receives(2000);
        time.advanceSeconds(2);

        assertThat(snapshot(ticket).bytesPerSecond()).isEqualTo(1000);
    }

    @Test
    void whatIsUnknownIsMinusOne() {
        UploadTicket unseen = admitted(TestUpload.unseen());
        UploadTicket chunked = admitted(TestUpload.ofUnknownLength().receives(10));
        UploadTicket waiting = admitted(TestUpload.ofLength(10));
        time.advanceSeconds(1);

        assertThat(snapshot(unseen))
                .extracting(ActiveUpload::bytesReceived, ActiveUpload::bytesPerSecond, ActiveUpload::etaMillis)
                .containsExactly(-1L, -1L, -1L);
        assertThat(snapshot(chunked))
                .extracting(ActiveUpload::contentLength, ActiveUpload::bytesReceived, ActiveUpload::etaMillis)
                .containsExactly(-1L, 10L, -1L);
        assertThat(snapshot(waiting))
                .extracting(ActiveUpload::bytesPerSecond, ActiveUpload::etaMillis)
                .containsExactly(0L, -1L);
    }

    @Test
    void aCompleteBodyHasNothingLeftToWaitFor() {
        UploadTicket ticket = admitted(TestUpload.ofLength(10).receives(10));
        time.advanceSeconds(100);

        assertThat(snapshot(ticket))
                .extracting(ActiveUpload::etaMillis, ActiveUpload::stalledMillis)
                .containsExactly(0L, 0L);
    }

    @Test
    void anUploadThatTheContainerDroppedIsClosedAsFailed() {
        TestUpload dropped = TestUpload.ofLength(10);
        admitted(dropped);
        admitted(TestUpload.ofLength(10));
        dropped.isDroppedByTheContainer();

        registry.look();

        assertThat(registry.uploads()).isOne();
        assertThat(counters.uploadsFailed.sum()).isOne();
        assertThat(gate.inFlight()).isOne();
    }

    @Test
    void aFaultInTheAdapterNeitherKeepsTheGateNorEscapes() {
        TestUpload faulty = TestUpload.ofLength(10);
        UploadTicket ticket = admitted(faulty);
        faulty.failsWith(new IllegalStateException("recycled"));

        registry.look();
        assertThat(snapshot(ticket).bytesReceived()).isEqualTo(-1);
        assertThat(abandon(false)).isEmpty();
        ticket.close();

        assertThat(gate.inFlight()).isZero();
        assertThat(registry.uploads()).isZero();
        assertThat(counters.uploadsCompleted.sum()).isOne();
    }
}
