package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.LAME_DUCK;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How long a lame duck goes on serving, and which probers it waits for. */
class DrainLameDuckTest {
    private final FakeTicker time = new FakeTicker();

    private void poll(NodeDrain drain, int times, Duration interval) {
        for (int i = 0; i < times; i++) {
            time.advance(interval);
            drain.pollReadiness(new ReadinessPoll("10.0.0.1", "balancer", null, false));
        }
    }

    @Test
    void withoutALameDuckRefusesAtOnce() {
        NodeDrain drain = time.drain("lameDuck", "off");
        poll(drain, 3, Duration.ofSeconds(1));
        drain.enterRequest();

        drain.start("upgrade");

        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aFixedLameDuckLastsAsLongAsItSaysWhateverProbersSee() {
        NodeDrain drain = time.drain("lameDuck", "20s");
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(1));
        drain.start("upgrade");
        poll(drain, 10, Duration.ofSeconds(1));

        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckEndsOnceTheProberHasSeenItAndOneMoreSecondHasPassed() {
        NodeDrain drain = time.drain();
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(2));
        drain.start("upgrade");

        poll(drain, 3, Duration.ofSeconds(2));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofSeconds(1).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    /** A process that is stopped by a signal answers no prober: its silence does not prove that it is dead. */
    @Test
    void anAutomaticLameDuckStillWaitsForAProberAfterTheProcessStoodStill() {
        NodeDrain drain = time.drain();
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(1));
        drain.start("upgrade");
        poll(drain, 1, Duration.ofSeconds(1));

        time.standStill(Duration.ofSeconds(8));
        assertThat(drain.state()).as("the prober has seen one answer").isEqualTo(LAME_DUCK);
        poll(drain, 2, Duration.ofSeconds(1));
        time.advance(Duration.ofSeconds(1).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofSeconds(8));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aProberThatDiesWhileTheProcessStandsStillIsNotWaitedForAfterwards() {
        NodeDrain drain = time.drain();
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(1));
        drain.start("upgrade");

        time.standStill(Duration.ofSeconds(8));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofSeconds(3));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aProberThatHasAskedOnceIsStillWaitedForAfterTheProcessStoodStill() {
        NodeDrain drain = time.drain();
        drain.enterRequest();
        poll(drain, 1, Duration.ofSeconds(1));
        drain.start("upgrade");

        time.standStill(Duration.ofSeconds(12));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofSeconds(11));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckNoLongerWaitsForAProberThatDies() {
        NodeDrain drain = time.drain();
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(2));
        drain.start("upgrade");
        poll(drain, 1, Duration.ofSeconds(2));

        time.advance(Duration.ofSeconds(6).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void anAutomaticLameDuckThatNobodyProbesLastsAsLongAsTheOneAroundIt() {
        AtomicBoolean around = new AtomicBoolean(true);
        NodeDrain drain = time.drain();
        drain.onLameDuckAround(around::get);
        drain.enterRequest();
        try (CapturedLog log = FakeTicker.capturedLog()) {
            drain.start("upgrade");
            time.advanceSeconds(7);
            assertThat(drain.state()).isEqualTo(LAME_DUCK);
            around.set(false);
            time.advance(Duration.ofMillis(100));
            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(log.lines()).noneMatch(line -> line.contains("nobody has asked for readiness"));
        }
    }

    @Test
    void anAutomaticLameDuckAroundAnotherKeepsItNoLongerThanTheLimit() {
        NodeDrain drain = time.drain("lameDuckTimeout", "10s");
        drain.onLameDuckAround(() -> true);
        drain.enterRequest();
        drain.start("upgrade");

        time.advance(Duration.ofSeconds(10).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void theWarningThatNobodyProbesNamesTheWholeUrl() {
        try (CapturedLog log = FakeTicker.capturedLog();
                NodeDrainOfAnApplication shop = new NodeDrainOfAnApplication()) {
            shop.drain.start("upgrade");
            assertThat(shop.told()).isTrue();
            assertThat(log.lines()).anyMatch(line -> line.contains("let it probe [/shop/drain/ready]"));
        }
    }

    private static final class NodeDrainOfAnApplication implements AutoCloseable {
        private final NodeDrain drain = new NodeDrain(FakeTicker.NAME, DrainSettings.defaults(), "/shop");

        boolean told() {
            try {
                return drain.awaitListeners(Duration.ofSeconds(30));
            } catch (InterruptedException interrupted) {
                throw new AssertionError(interrupted);
            }
        }

        @Override
        public void close() {
            drain.close();
        }
    }

    @Test
    void anAutomaticLameDuckEndsAtItsLimit() {
        NodeDrain drain = time.drain("lameDuckTimeout", "10s", "probeFailures", "5");
        drain.enterRequest();
        poll(drain, 3, Duration.ofSeconds(2));
        time.advanceSeconds(1); // five polls from here need 9 seconds and one more
        drain.start("upgrade");
        poll(drain, 1, Duration.ofSeconds(1));
        poll(drain, 3, Duration.ofSeconds(2));
        time.advance(Duration.ofSeconds(3).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));

        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void theLogNamesWhomAnAutomaticLameDuckWaitsForTheSlowestFirst() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            poll(drain, 3, Duration.ofSeconds(2));
            for (int i = 0; i < 6; i++) {
                drain.pollReadiness(new ReadinessPoll("10.0.0.2", "curl/8", "number" + i, false));
            }
            drain.start("upgrade");
            time.settle();

            assertThat(log.lines())
                    .first()
                    .asString()
                    .contains("SERVING -> LAME_DUCK, reason=upgrade, ")
                    .contains(
                            ", until it is seen by 10.0.0.1 [balancer] every 2000 ms, 10.0.0.2 [curl/8] prober=number")
                    .contains(" (once so far)")
                    .endsWith(" and 2 more");
        }
    }

    @Test
    void anAutomaticLameDuckIsSkippedWithAWarningWhereNobodyProbes() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            Ticket request = drain.enterRequest();
            drain.start("upgrade");

            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(log.warnings())
                    .singleElement()
                    .asString()
                    .startsWith("drain[test] nobody has asked for readiness")
                    .contains("[/drain/ready]", "lameDuck");
            request.close();
        }
    }

    /** The filter refuses that setting. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theWarningAdvisesCloseListenerOnlyWhereAnAdapterCanCloseThem(boolean canClose) throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            if (canClose) {
                drain.onListenersToClose(() -> true);
            }
            drain.start("upgrade");

            String advice =
                    canClose ? "/drain/ready], set closeListener if it cannot, or set" : "/drain/ready], or set";
            assertThat(log.warnings()).singleElement().asString().contains(advice + " lameDuck to a duration");
        }
    }

    @Test
    void doesNotWarnWhereTheFrontEndReplaysWhatIsRefused() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            drain.noteReplayingFrontEnd();

            drain.start("upgrade");

            assertThat(log.warnings()).isEmpty();
        }
    }

    @Test
    void aProberThatIsTooSlowIsNamedAndWaitedForAsLongAsALameDuckMayLast() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            drain.enterRequest();
            poll(drain, 5, Duration.ofMillis(10_002));
            drain.start("upgrade");
            poll(drain, 2, Duration.ofMillis(10_002));

            time.advance(Duration.ofMillis(9_996).minusNanos(1));
            assertThat(drain.state()).isEqualTo(LAME_DUCK);
            time.advance(Duration.ofNanos(1));
            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(log.warnings())
                    .singleElement()
                    .asString()
                    .contains("lameDuckTimeout [30s]", "probeFailures [3]", "10.0.0.1", "10002 ms");
        }
    }

    @Test
    void aProberThatTurnsOutToBeTooSlowDuringTheLameDuckIsNamedThen() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            poll(drain, 1, Duration.ofSeconds(1));
            time.advanceSeconds(1);
            drain.start("upgrade");
            poll(drain, 1, Duration.ofMillis(9_002));
            time.settle();
            assertThat(drain.state()).isEqualTo(LAME_DUCK);

            assertThat(log.warnings()).singleElement().asString().contains("10.0.0.1", "10002 ms");
        }
    }

    /** It would not have changed anything, and where others looked too slowly that does not either. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void nothingIsSaidOfProbersWhereNobodyCanAskAnyMore(int polls) throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            Ticket request = drain.enterRequest();
            poll(drain, polls, Duration.ofSeconds(15));
            drain.startForLateStop("undeploy");

            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(log.lines()).isNotEmpty().noneMatch(line -> line.contains("prob") || line.contains("readiness"));
            request.close();
        }
    }

    @Test
    void oneThatLooksOnceAMinuteIsNotWaitedFor() throws Exception {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            drain.enterRequest();
            poll(drain, 3, Duration.ofSeconds(60));
            drain.start("upgrade");

            assertThat(drain.state()).isEqualTo(DRAINING);
            assertThat(log.warnings()).singleElement().asString().contains("nobody has asked for readiness regularly");
        }
    }

    @Test
    void aNodeThatIsDrainedRightAfterItsFirstPollIsALameDuckUntilTheProberShowsItsRhythm() {
        NodeDrain drain = time.drain();
        drain.enterRequest();
        poll(drain, 1, Duration.ofMillis(500));
        time.advance(Duration.ofMillis(100));
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(LAME_DUCK);

        poll(drain, 1, Duration.ofMillis(900));
        poll(drain, 2, Duration.ofSeconds(1));
        time.advance(Duration.ofSeconds(1).minusNanos(1));
        assertThat(drain.state()).isEqualTo(LAME_DUCK);
        time.advance(Duration.ofNanos(1));
        assertThat(drain.state()).isEqualTo(DRAINING);
    }

    @Test
    void aPollWithoutAnAddressIsNotedLikeAnyOther() throws Exception {
        NodeDrain drain = time.drain();
        for (int i = 0; i < 3; i++) {
            poll(drain, 1, Duration.ofSeconds(1));
            drain.pollReadiness(new ReadinessPoll(null, null, null, false));
        }
        assertThat(drain.summary().probers()).hasSize(2);

        CompletableFuture<DrainReport> outcome = drain.start("upgrade");
        assertThat(drain.status().probers()).hasSize(2);
        time.advanceSeconds(30);

        assertThat(Commands.result(outcome).outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
    }

    @Test
    void readinessPollsAreAnsweredWithTheState() {
        NodeDrain drain = time.drain("lameDuck", "5s");
        assertThat(drain.pollReadiness(new ReadinessPoll("10.0.0.1", null, null, false)))
                .isTrue();
        drain.start("upgrade");
        assertThat(drain.pollReadiness(new ReadinessPoll("10.0.0.1", null, null, false)))
                .isFalse();
        time.advanceSeconds(5);
        assertThat(drain.pollReadiness(new ReadinessPoll("10.0.0.1", null, null, false)))
                .isFalse();
        drain.resume();
        assertThat(drain.pollReadiness(new ReadinessPoll("10.0.0.1", null, null, false)))
                .isTrue();
    }

    @Test
    void anApplicationThatIsNotReadyIsNoDrain() {
        NodeDrain drain = time.drain();
        AtomicBoolean applicationIsReady = new AtomicBoolean();
        drain.onlyReadyIf(applicationIsReady::get);
        ReadinessPoll poll = new ReadinessPoll("10.0.0.1", "balancer", null, false);
        assertThat(drain.pollReadiness(poll)).isFalse();
        assertThat(drain.forApplications().isReady()).isFalse();
        assertThat(drain.status().ready()).isFalse();
        assertThat(drain.state()).isEqualTo(SERVING);
        assertThat(drain.enterRequest()).as("served").isNotNull();
        applicationIsReady.set(true);
        assertThat(drain.pollReadiness(poll)).isTrue();
        assertThat(drain.forApplications().isReady()).isTrue();
        assertThat(drain.status().ready()).isTrue();
        drain.start("upgrade");
        assertThat(drain.pollReadiness(poll)).isFalse();
        assertThat(drain.status().ready()).isFalse();
    }

    /** Its prober has never sent anything here. */
    @Test
    void aProberThatNeverSawTheApplicationReadyIsNotWaitedFor() {
        NodeDrain drain = time.drain();
        drain.onlyReadyIf(() -> false);
        for (int i = 0; i < 5; i++) {
            poll(drain, 1, Duration.ofSeconds(1));
        }
        drain.start("upgrade");
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void aFaultInTheApplicationsAnswerIsNoReasonToTakeTheNodeOut() {
        try (CapturedLog log = FakeTicker.capturedLog()) {
            NodeDrain drain = time.drain();
            drain.onlyReadyIf(() -> {
                throw new IllegalStateException("the application's fault");
            });
            assertThat(drain.isReady()).isTrue();
            assertThat(log.lines()).singleElement().asString().contains("taking it for ready");
        }
    }
}
