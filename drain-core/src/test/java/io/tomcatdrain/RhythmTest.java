package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class RhythmTest {
    private final Rhythm rhythm = new Rhythm(Duration.ofSeconds(33).toNanos());

    private void gaps(int times, double seconds) {
        for (int i = 0; i < times; i++) {
            rhythm.add((long) (seconds * 1e9));
        }
    }

    private double seconds() {
        return rhythm.intervalNanos() / 1e9;
    }

    @Test
    void isUnknownBeforeTheFirstGap() {
        assertThat(rhythm.isUnknown()).isTrue();
        assertThat(rhythm.isRare()).isFalse();
        assertThat(seconds()).isZero();
    }

    @Test
    void isTheOneGapThatIsKnown() {
        gaps(1, 5);

        assertThat(rhythm.isUnknown()).isFalse();
        assertThat(seconds()).isEqualTo(5);
    }

    @Test
    void isTheSlowestOfGapsThatVary() {
        gaps(3, 1);
        gaps(1, 1.2);
        gaps(20, 0.9);

        assertThat(seconds()).isEqualTo(1.2);
    }

    @Test
    void doesNotBecomeFasterByAnyNumberOfPollsInShortTime() {
        gaps(3, 6);
        gaps(10_000, 0.001);

        assertThat(seconds()).isEqualTo(6);
    }

    @Test
    void isFoundThoughItBeganInAFlood() {
        gaps(50, 0.1);
        gaps(2, 6);

        assertThat(seconds()).isEqualTo(6);
    }

    @Test
    void oneOutageIsNoRhythm() {
        gaps(2, 2);
        gaps(1, 25);
        assertThat(seconds()).isEqualTo(2);

        gaps(10, 2);
        assertThat(seconds()).isEqualTo(2);
    }

    @Test
    void theShorterOfTwoOutagesIsOne() {
        gaps(2, 2);
        gaps(1, 25);
        gaps(3, 2);
        gaps(1, 12);

        assertThat(seconds()).isEqualTo(12);
    }

    @Test
    void anOutageIsForgottenSoThatOneNowAndThenIsNone() {
        for (int day = 0; day < 10; day++) {
            gaps(1_000, 1);
            gaps(1, 20);
        }

        assertThat(seconds()).isEqualTo(1);
    }

    @Test
    void followsOneThatAsksMoreOftenFromNowOnAfterAWhile() {
        gaps(10, 10);
        gaps(60, 1);
        assertThat(seconds()).isEqualTo(10);

        gaps(100, 1);
        assertThat(seconds()).isEqualTo(1);
    }

    @Test
    void followsOneThatAsksMoreRarely() {
        gaps(20, 1);
        gaps(2, 10);

        assertThat(seconds()).isEqualTo(10);
    }

    @Test
    void gapsThatAreTooLongAreRareWhereThereIsNoOther() {
        gaps(1, 33.1);
        assertThat(rhythm.isRare()).isTrue();
        gaps(3, 60);

        assertThat(rhythm.isRare()).isTrue();
        assertThat(seconds()).isEqualTo(60);
    }

    @Test
    void aLittleMoreThanTheLimitIsNotRare() {
        gaps(3, 30.002);

        assertThat(rhythm.isRare()).isFalse();
        assertThat(seconds()).isEqualTo(30.002);
    }

    @Test
    void aLongSilenceIsNoRhythmOfAProberThatComesBack() {
        gaps(5, 5);
        gaps(1, 3600);

        assertThat(rhythm.isRare()).isFalse();
        assertThat(seconds()).isEqualTo(5);
    }

    @Test
    void oneThatAskedTwiceInARowAndIsRareAgainIsRare() {
        gaps(3, 60);
        gaps(1, 1);
        assertThat(seconds()).isEqualTo(1);
        gaps(3, 60);

        assertThat(rhythm.isRare()).isTrue();
    }

    @Test
    void gapsOfNothingAreARhythm() {
        gaps(100, 0);

        assertThat(rhythm.isUnknown()).isFalse();
        assertThat(rhythm.isRare()).isFalse();
        assertThat(seconds()).isZero();
    }

    @Test
    void survivesTheLongestTimes() {
        Rhythm slow = new Rhythm(Duration.ofDays(3650).toNanos() / 10 * 11);
        for (int i = 0; i < 20; i++) {
            slow.add(Duration.ofDays(3650).toNanos());
        }

        assertThat(slow.intervalNanos()).isEqualTo(Duration.ofDays(3650).toNanos());
    }

    @RepeatedTest(50)
    void whateverIsAskedInBetweenALearnedRhythmStaysForAMinute(RepetitionInfo round) {
        Random random = new Random(round.getCurrentRepetition());
        double interval = 0.2 + 20 * random.nextDouble();
        gaps(3 + random.nextInt(10), interval);
        for (double left = 59; left > 0; ) {
            double gap = Math.min(left, interval * random.nextDouble());
            gaps(1, gap);
            left -= Math.max(gap, 1e-3);
        }

        assertThat(seconds()).isGreaterThanOrEqualTo(interval - 1e-6);
    }
}
