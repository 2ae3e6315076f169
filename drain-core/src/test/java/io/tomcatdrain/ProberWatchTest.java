package io.tomcatdrain;

import static io.tomcatdrain.Crowd.named;
import static io.tomcatdrain.Crowd.nameless;
import static io.tomcatdrain.Crowd.nanos;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProberWatchTest {
    private static final ReadinessPoll BALANCER = named("10.0.0.1");
    private static final Offset<Double> ALMOST = within(1e-5);

    /** Three answers, at most 30 s: the defaults. */
    private final Crowd crowd = new Crowd(3, Duration.ofSeconds(30));

    private static DrainStatus.Prober shown(String remote, int seenDown) {
        return new DrainStatus.Prober(remote, null, "probe/1", seenDown);
    }

    private static ReadinessPoll invented(int i) {
        return new ReadinessPoll("203.0.113.9", "invented " + i, null, false);
    }

    // ---------------------------------------------------------------- who is one

    @Test
    void nobodyIsWaitedForWhereNobodyAsked() {
        assertThat(crowd.lameDuck()).isZero();
        assertThat(crowd.watch().anybodyWaitedFor(nanos(0))).isFalse();
        assertThat(crowd.watch().warnings(nanos(0))).isEmpty();
        assertThat(crowd.watch().hints(nanos(0))).isEmpty();
        assertThat(crowd.watch().snapshot(nanos(0))).isEmpty();
    }

    @Test
    void addressAgentAndNameTogetherMakeAProber() {
        List<ReadinessPoll> all = List.of(
                new ReadinessPoll("10.0.0.1", "a", null, false),
                new ReadinessPoll("10.0.0.2", "a", null, false),
                new ReadinessPoll("10.0.0.1", "b", null, false),
                new ReadinessPoll("10.0.0.1", null, null, false),
                new ReadinessPoll("10.0.0.1", "a", "web", false),
                new ReadinessPoll("10.0.0.1", null, "web", false),
                new ReadinessPoll(null, "a", "web", false),
                new ReadinessPoll(null, null, null, false));
        all.forEach(who -> crowd.asksEvery(1, who, -5, 0));
        crowd.begin();

        assertThat(crowd.watch().snapshot(nanos(0)))
                .containsExactlyInAnyOrderElementsOf(all.stream()
                        .map(who -> new DrainStatus.Prober(who.remote(), who.name(), who.userAgent(), 0))
                        .toList());
    }

    @Test
    void thoseWhoseAddressIsGoneAreOneProberBesideOthers() {
        for (int i = 0; i < 220; i++) {
            crowd.asks(new ReadinessPoll(null, "h2 client", null, false), -2 + i * 0.005);
        }
        crowd.asksEvery(1, BALANCER, -5.5).begin();

        assertThat(crowd.watch().snapshot(nanos(0)))
                .containsExactly(shown("10.0.0.1", 0), new DrainStatus.Prober(null, null, "h2 client", 0));
        assertThat(crowd.lameDuck()).isEqualTo(0.5 + 2 + 1, ALMOST);
    }

    @Test
    void whatCameThroughAFrontEndIsNoProbe() {
        ReadinessPoll client = new ReadinessPoll("10.0.0.1", "probe/1", null, true);
        crowd.asksEvery(0.1, client, -5);
        assertThat(crowd.lameDuck()).isZero();
        assertThat(crowd.watch().snapshot(nanos(0))).isEmpty();
        assertThat(crowd.watch().hints(nanos(0))).singleElement().asString().contains("X-Forwarded-For");
    }

    @Test
    void whatCameThroughAFrontEndShortensNothingInTheNameOfAProber() {
        crowd.asksEvery(6, BALANCER, -21.4);
        crowd.asksEvery(0.1, new ReadinessPoll("10.0.0.1", "probe/1", null, true), -60);

        assertThat(crowd.lameDuck()).isEqualTo(2.6 + 12 + 1, ALMOST);
        assertThat(crowd.watch().hints(nanos(15))).isEmpty();
    }

    // ---------------------------------------------------------------- how long

    @ParameterizedTest(name = "every {0} s, next one after {1} s: {2} s")
    @CsvSource({
        "0.2, 0.1, 0.7", // 0.1 + 2 x 0.2 + 0.2
        "1,   0.5, 3.5",
        "1,   0.001, 3.001",
        "5,   4,   15",
        "6,   2.6, 15.6",
        "10,  5,   26",
        "10,  9.99, 30"
    })
    void lastsUntilItHasSeenEnoughAndOneMoreOfItsIntervals(double interval, double phase, double expected) {
        crowd.asksEvery(interval, BALANCER, phase - 4 * interval);

        assertThat(crowd.lameDuck()).isEqualTo(expected, ALMOST);
        assertThat(crowd.told(BALANCER)).isGreaterThanOrEqualTo(3);
        assertThat(crowd.watch().warnings(nanos(expected))).isEmpty();
    }

    @Test
    void theSlowestOfSeveralIsWaitedFor() {
        crowd.asksEvery(5, BALANCER, -21).asksEvery(0.5, named("10.0.0.2"), -21);

        assertThat(crowd.lameDuck()).isEqualTo(4 + 10 + 1, ALMOST);
    }

    @ParameterizedTest
    @ValueSource(doubles = {10.002, 12, 15.5, 29.9, 30.002, 32.9})
    void oneThatIsTooSlowIsWaitedForAsLongAsALameDuckMayLastBesideFasterOnesToo(double interval) {
        crowd.asksEvery(interval, BALANCER, 0.01 - 4 * interval).asksEvery(2, named("10.0.0.2"), -21);

        assertThat(crowd.lameDuck()).isEqualTo(30);
        assertThat(crowd.watch().anybodyWaitedFor(nanos(30))).isTrue();
    }

    @Test
    void oneThatIsTooSlowIsNamedOnceWithTheRemedy() {
        crowd.asksEvery(10.002, BALANCER, -49).begin();

        assertThat(crowd.watch().warnings(nanos(0)))
                .singleElement()
                .asString()
                .contains("10.0.0.1", "probe/1", "10002 ms", "probeFailures [3]", "lameDuckTimeout [30s]", "[32s]");
        assertThat(crowd.watch().warnings(nanos(1))).isEmpty();
        crowd.watch().drainBegins(nanos(1));
        assertThat(crowd.watch().warnings(nanos(1))).hasSize(1);
    }

    @Test
    void oneThatTurnsOutToBeTooSlowDuringTheLameDuckIsNamedThen() {
        crowd.asks(BALANCER, -0.9).asks(BALANCER, 9.102);
        crowd.begin();
        assertThat(crowd.watch().warnings(nanos(0))).isEmpty();
        crowd.watch().polled(BALANCER, false, nanos(9.102));

        assertThat(crowd.watch().warnings(nanos(9.102)))
                .singleElement()
                .asString()
                .contains("10002 ms");
    }

    @ParameterizedTest
    @ValueSource(doubles = {33.1, 60, 300})
    void oneThatAsksMoreRarelyThanOnceInTheLongestLameDuckIsNotWaitedFor(double interval) {
        crowd.asksEvery(interval, BALANCER, -1 - 4 * interval);

        assertThat(crowd.lameDuck()).isZero();
        assertThat(crowd.watch().anybodyWaitedFor(nanos(0))).isFalse();
        assertThat(crowd.watch().warnings(nanos(0))).isEmpty();
        assertThat(crowd.watch().hints(nanos(0)))
                .singleElement()
                .asString()
                .contains("10.0.0.1", "lameDuckTimeout [30s]", "not waiting");
    }

    @Test
    void aDashboardBesideAProberChangesNothing() {
        crowd.asksEvery(1, BALANCER, -9.5).asksEvery(60, named("10.0.0.77"), -601);

        assertThat(crowd.lameDuck()).isEqualTo(3.5, ALMOST);
    }

    // ---------------------------------------------------------------- alive or not

    @ParameterizedTest
    @CsvSource({"5, 15", "1, 3", "0.1, 2", "0.7, 2.1"})
    void isActiveForThreeOfItsIntervalsAndAtLeastTwoSeconds(double interval, double silence) {
        crowd.asksEvery(interval, BALANCER, -4 * interval, 0).begin();

        assertThat(crowd.watch().anybodyWaitedFor(nanos(silence) - 1)).isTrue();
        assertThat(crowd.watch().snapshot(nanos(silence) - 1)).hasSize(1);
        assertThat(crowd.watch().anybodyWaitedFor(nanos(silence))).isFalse();
        assertThat(crowd.watch().snapshot(nanos(silence))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1, 3.5", "0.3, 2.5", "4, 12.5", "15, 30"})
    void oneThatDiesDuringTheLameDuckIsNoLongerWaitedFor(double interval, double expected) {
        crowd.asksEvery(interval, BALANCER, 0.5 - 4 * interval, 0.5);

        assertThat(crowd.lameDuck()).isEqualTo(expected, ALMOST);
    }

    @Test
    void oneThatDiesDoesNotEndTheWaitForAnother() {
        crowd.asksEvery(1, named("10.0.0.2"), -5.5, 0).asksEvery(5, BALANCER, -21);

        assertThat(crowd.lameDuck()).isEqualTo(4 + 10 + 1, ALMOST);
    }

    @Test
    void oneThatComesBackDuringTheLameDuckOfAnotherIsWaitedForAgain() {
        ReadinessPoll back = named("10.0.0.2");
        crowd.asksEvery(1, back, -20, -10).asksEvery(1, back, 5.2).asksEvery(5, BALANCER, -24);

        // The balancer has seen it at 12, the other one is back at 5.2 and has seen three at 7.2.
        assertThat(crowd.lameDuck()).isEqualTo(12, ALMOST);
        assertThat(crowd.told(back)).isGreaterThanOrEqualTo(3);
    }

    @Test
    void oneThatComesBackAfterALongSilenceIsKnownByItsFirstPoll() {
        crowd.asksEvery(1, BALANCER, -500, -400).asksEvery(1, BALANCER, -0.5);

        assertThat(crowd.lameDuck()).isEqualTo(3.5, ALMOST);
    }

    // ---------------------------------------------------------------- not known for sure

    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.5, 5, 9.99})
    void oneThatAskedOnceIsWaitedForUntilTenSecondsHavePassedAndOneMore(double before) {
        crowd.asks(BALANCER, -before);

        assertThat(crowd.lameDuck()).isEqualTo(11 - before, ALMOST);
    }

    @ParameterizedTest
    @ValueSource(doubles = {10, 10.5, 29, 300})
    void oneThatAskedOnceLongAgoIsNotWaitedFor(double before) {
        crowd.asks(BALANCER, -before);

        assertThat(crowd.lameDuck()).isZero();
    }

    @ParameterizedTest(name = "every {0} s: {1} s")
    @CsvSource({"0.5, 1.9", "1, 3.9", "2, 6.9", "5, 15.9", "10.002, 30"})
    void oneThatAskedOnceIsWaitedForByItsOwnRhythmAsSoonAsItShows(double interval, double expected) {
        crowd.asksEvery(interval, BALANCER, -0.1);

        assertThat(crowd.lameDuck()).isEqualTo(expected, ALMOST);
        assertThat(crowd.told(BALANCER)).isGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest(name = "every {0} s")
    @ValueSource(doubles = {5, 10.002, 29.9})
    void aLongerLameDuckWaitsForASlowerOneThatAskedOnce(double interval) {
        Crowd patient = new Crowd(3, Duration.ofSeconds(90));
        patient.asksEvery(interval, BALANCER, -1);

        assertThat(patient.lameDuck()).isEqualTo(3 * interval, ALMOST);
        assertThat(patient.told(BALANCER)).isGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest(name = "{0} s before the drain: {1} s")
    @CsvSource({"0.1, 30.9", "29.9, 1.1", "30, 0"})
    void aLongerLameDuckWaitsLongerForOneThatNeverComesAgain(double before, double expected) {
        Crowd patient = new Crowd(3, Duration.ofSeconds(90));
        patient.asks(BALANCER, -before);

        assertThat(patient.lameDuck()).isEqualTo(expected, ALMOST);
    }

    @Test
    void howManyAnswersTakeANodeOutDoesNotProlongTheWaitForOneThatAskedOnce() {
        Crowd quick = new Crowd(1, Duration.ofSeconds(30));
        quick.asks(BALANCER, -0.1);

        assertThat(quick.lameDuck()).isEqualTo(10.9, ALMOST);
    }

    @Test
    void oneThatAsksForTheFirstTimeDuringTheLameDuckIsNotWaitedFor() {
        ReadinessPoll curl = named("10.0.0.77");
        crowd.asksEvery(1, BALANCER, -5.5).asks(named("10.0.0.78"), 1).asksEvery(1, curl, 2.1);

        assertThat(crowd.lameDuck()).isEqualTo(3.5, ALMOST);
        assertThat(crowd.watch().snapshot(nanos(3.5)))
                .as("those that ask regularly")
                .containsExactly(shown("10.0.0.1", 4), shown("10.0.0.77", 2));
    }

    @Test
    void onceTheNodeServesAgainSuchAOneCounts() {
        crowd.asksEvery(1, BALANCER, -5.5)
                .asksEvery(1, named("10.0.0.77"), 0.2, 3)
                .lameDuck();
        crowd.watch().drainIsUndone();
        crowd.watch().polled(named("10.0.0.77"), true, nanos(4.2));
        crowd.watch().drainBegins(nanos(4.3));

        assertThat(crowd.watch().nanosUntilSeen(nanos(5))).isPositive();
        assertThat(crowd.watch().anybodyWaitedFor(nanos(6.5)))
                .as("the balancer is silent")
                .isTrue();
    }

    @Test
    void whatWasSeenOfAnEarlierDrainDoesNotCount() {
        crowd.asksEvery(1, BALANCER, -5.5).lameDuck();
        crowd.watch().drainIsUndone();
        assertThat(crowd.watch().snapshot(nanos(3.5))).containsExactly(shown("10.0.0.1", 0));
        crowd.watch().drainBegins(nanos(3.5));

        assertThat(crowd.watch().nanosUntilSeen(nanos(3.5))).isPositive();
        assertThat(crowd.watch().snapshot(nanos(3.5))).containsExactly(shown("10.0.0.1", 0));
    }

    // ---------------------------------------------------------------- without a name

    @ParameterizedTest(name = "{0} s apart")
    @ValueSource(doubles = {0, 0.1, 0.3, 0.5, 0.7, 0.9})
    void twoWithoutANameFromOneAddressHaveBothSeenEnough(double apart) {
        ReadinessPoll one = nameless("10.0.0.1");
        crowd.asksEvery(1, one, -8.9);
        for (int i = 0; i < 60; i++) {
            crowd.isAskedInTheNameOf(one, -8.9 + apart + i);
        }
        double lasted = crowd.lameDuck();

        assertThat(lasted).isBetween(2.5, 7.2);
        assertThat(crowd.told(one)).isGreaterThanOrEqualTo(3);
        assertThat(crowd.toldStrangers()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void oneWithoutANameMustSeeTwiceAsMuchAndTheLogSaysOnceHowToNameIt() {
        crowd.asksEvery(1, nameless("10.0.0.1"), -5.5);

        assertThat(crowd.lameDuck()).isEqualTo(6.5, ALMOST);
        assertThat(crowd.watch().hints(nanos(0)))
                .singleElement()
                .asString()
                .contains("10.0.0.1", "?prober=NAME", "probeFailures [3]");
        crowd.watch().drainBegins(nanos(7));
        assertThat(crowd.watch().hints(nanos(7))).isEmpty();
    }

    @Test
    void aNameOrAnAgentIsEnoughOfAName() {
        crowd.asksEvery(1, new ReadinessPoll("10.0.0.1", null, "web", false), -5.5)
                .asksEvery(1, new ReadinessPoll("10.0.0.1", null, "api", false), -5.1);

        assertThat(crowd.lameDuck()).isEqualTo(3.9, ALMOST);
        assertThat(crowd.watch().hints(nanos(0))).isEmpty();
    }

    // ---------------------------------------------------------------- strangers in a prober's name

    @Test
    void fourQuickPollsInTheNameOfASlowProberShortenNothing() {
        crowd.asksEvery(6, BALANCER, -33.4);
        for (int i = 0; i < 4; i++) {
            crowd.isAskedInTheNameOf(BALANCER, -0.5 + i * 0.1);
        }

        assertThat(crowd.lameDuck()).isEqualTo(15.6, ALMOST);
        assertThat(crowd.told(BALANCER)).isEqualTo(3);
    }

    @Test
    void quickPollsInItsNameDuringTheLameDuckShortenNothingAndProlongByLessThanAnInterval() {
        crowd.asksEvery(6, BALANCER, -33.4);
        for (int i = 0; i < 300; i++) {
            crowd.isAskedInTheNameOf(BALANCER, 0.05 + i * 0.1);
        }

        assertThat(crowd.lameDuck()).isEqualTo(3 * 6 + 1, ALMOST);
        assertThat(crowd.told(BALANCER)).isEqualTo(3);
    }

    /**
     * Strangers ask in a prober's name as they like, for the last half minute before the drain and while it is a lame duck: the prober
     * has seen enough when it ends, or it has lasted as long as it may.
     */
    @Test
    void nobodyShortensAWaitByAskingInTheNameOfAProber() {
        for (int seed = 1; seed <= 1_500; seed++) {
            assertThatStrangersShortenNothing(seed);
        }
    }

    private static void assertThatStrangersShortenNothing(int seed) {
        Random random = new Random(seed);
        int failures = 1 + random.nextInt(5);
        Crowd any = new Crowd(failures, Duration.ofSeconds(30));
        double interval = 0.2 + 7.8 * random.nextDouble();
        double first = -30 - interval * (4 + random.nextDouble());
        for (int i = 0; first + i * interval < 31; i++) {
            any.asks(BALANCER, first + i * interval * (1 + 0.0001 * random.nextDouble()));
        }
        double pace = 0.05 + interval * random.nextDouble();
        for (double at = -30; at < 31; at += pace * (0.1 + 2 * random.nextDouble())) {
            if (random.nextInt(4) > 0) {
                any.isAskedInTheNameOf(BALANCER, at);
            }
        }
        double lasted = any.lameDuck();

        assertThat(lasted >= 30 || any.told(BALANCER) >= failures)
                .as("seed %d, every %.3f s: %d of %d in %.3f s", seed, interval, any.told(BALANCER), failures, lasted)
                .isTrue();
        assertThat(lasted).as("seed %d", seed).isLessThan(Math.min(30.0001, (failures + 1.5) * interval * 1.1 + 1));
    }

    // ---------------------------------------------------------------- the table

    @Test
    void inventedNamesAtFiveASecondDisplaceNoProber() {
        crowd.asksEvery(1, BALANCER, -60.5);
        for (int i = 0; i < 139; i++) {
            crowd.asks(invented(i), -28 + i * 0.2);
        }

        assertThat(crowd.lameDuck()).as("the last one asked just before").isEqualTo(10.6, ALMOST);
        assertThat(crowd.told(BALANCER)).isGreaterThanOrEqualTo(3);
        assertThat(crowd.watch().snapshot(nanos(3)))
                .anySatisfy(prober -> assertThat(prober.remote()).isEqualTo("10.0.0.1"));
    }

    @Test
    void thoseThatAskRegularlyAreKeptHoweverManyAskOnce() {
        for (int i = 0; i < 30; i++) {
            crowd.asksEvery(5, named("10.0.1." + i), -60 + i * 0.1);
        }
        for (int i = 0; i < 2_000; i++) {
            crowd.asks(invented(i), -40 + i * 0.02);
        }
        crowd.lameDuck();

        for (int i = 0; i < 30; i++) {
            assertThat(crowd.told(named("10.0.1." + i))).isGreaterThanOrEqualTo(3);
        }
    }

    @Test
    void whoIsTurnedAwayByAFullTableMayBeAProberSoTheLameDuckLastsAsLongAsItMay() {
        for (int i = 0; i < ProberWatch.MOST; i++) {
            crowd.asksEvery(1, named("10.0.1." + i), -60.5);
        }
        crowd.asksEvery(2, BALANCER, -5);

        assertThat(crowd.lameDuck()).isEqualTo(30);
        assertThat(crowd.watch().snapshot(nanos(30))).hasSize(64).doesNotContain(shown("10.0.0.1", 0));
        assertThat(crowd.watch().warnings(nanos(0))).singleElement().asString().contains("64", "lameDuckTimeout [30s]");
        assertThat(crowd.watch().warnings(nanos(1))).isEmpty();
    }

    @Test
    void oneThatWasTurnedAwayLongAgoIsNoReasonToWait() {
        for (int i = 0; i < ProberWatch.MOST; i++) {
            crowd.asksEvery(1, named("10.0.1." + i), -60.5);
        }
        crowd.asks(BALANCER, -50);

        assertThat(crowd.lameDuck()).isEqualTo(3.5, ALMOST);
    }

    @Test
    void aNewcomerDisplacesTheOneThatIsSilentForLongest() {
        for (int i = 0; i < ProberWatch.MOST; i++) {
            crowd.asksEvery(1, named("10.0.1." + i), -60 + i * 0.01, i < 2 ? -40 : 0);
        }
        crowd.asksEvery(1, BALANCER, -3, 0).begin();

        assertThat(crowd.watch().snapshot(nanos(0)))
                .hasSize(63)
                .contains(shown("10.0.0.1", 0))
                .doesNotContain(shown("10.0.1.0", 0), shown("10.0.1.1", 0));
    }

    @Test
    void aFloodFromOneAddressDisplacesItselfAndNotOneThatAsksSlowly() {
        ReadinessPoll slow = named("10.0.0.1");
        crowd.asks(slow, -61).asks(slow, -31).asksEvery(30, slow, -1);
        for (int i = 0; i < 600; i++) {
            crowd.asks(invented(i), -100 + i * 0.2 * 0.8);
        }
        crowd.begin();

        assertThat(crowd.watch().snapshot(nanos(0))).contains(shown("10.0.0.1", 0));
    }

    @Test
    void theTableIsBoundedWhateverIsAsked() {
        Random random = new Random(4711);
        crowd.afterEachPoll(now -> assertThat(crowd.watch().snapshot(now)).hasSizeLessThanOrEqualTo(ProberWatch.MOST));
        for (double at = -120; at < 31; at += 0.2 * random.nextDouble()) {
            crowd.asks(invented(random.nextInt(at < -60 ? 100 : 1_000)), at);
        }
        crowd.asksEvery(0.01, BALANCER, -1, 1);

        assertThat(crowd.lameDuck()).isLessThanOrEqualTo(30);
    }

    /** Whatever others do under other names, a prober that asked before the drain has seen enough, or the lame duck lasts to its limit. */
    @Test
    void nobodyAbolishesAWaitByAskingUnderOtherNames() {
        for (int seed = 1; seed <= 200; seed++) {
            assertThatOtherNamesAbolishNothing(seed);
        }
    }

    private static void assertThatOtherNamesAbolishNothing(int seed) {
        Random random = new Random(seed);
        Crowd any = new Crowd(3, Duration.ofSeconds(30));
        double interval = 0.2 + 9 * random.nextDouble();
        double since = Math.max(-9.9, -interval * (0.1 + 3 * random.nextDouble()));
        any.asksEvery(interval, BALANCER, since);
        double pace = Math.pow(10, -2.5 + 3 * random.nextDouble());
        int names = 1 + random.nextInt(300);
        int addresses = 1 + random.nextInt(50);
        int polls = 0;
        for (double at = -40; at < 31 && polls < 4_000; at += pace * 2 * random.nextDouble(), polls++) {
            int who = random.nextInt(names);
            any.asks(new ReadinessPoll("203.0.113." + who % addresses, "x" + who, null, false), at);
        }
        double lasted = any.lameDuck();

        assertThat(lasted >= 30 || any.told(BALANCER) >= 3)
                .as("seed %d, every %.3f s since %.3f: %d in %.3f s", seed, interval, since, any.told(BALANCER), lasted)
                .isTrue();
    }

    @Test
    void threadsMayReadTheClockInOneOrderAndAskInAnother() {
        crowd.watch().polled(BALANCER, true, nanos(-1));
        crowd.watch().polled(BALANCER, true, nanos(-1.5));
        crowd.watch().polled(BALANCER, true, nanos(-0.5));
        crowd.watch().drainBegins(nanos(0));

        assertThat(crowd.watch().anybodyWaitedFor(nanos(0))).isTrue();
    }
}
