package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RunningTimeTest {
    private static final long LIMIT = TimeUnit.SECONDS.toNanos(1);
    private static final long LOOK = TimeUnit.MILLISECONDS.toNanos(5);

    /** Any number, below zero too: so does the JDK's clock. */
    private long now = -TimeUnit.SECONDS.toNanos(3);

    private final RunningTime time = new RunningTime(LIMIT, () -> now);

    @Test
    void isOverAfterItsLimit() {
        assertThat(looksUntilOver()).isEqualTo(LIMIT / LOOK);
    }

    @Test
    void countsAStandstillAsOneSlowLook() {
        now += TimeUnit.HOURS.toNanos(1);
        assertThat(time.isOver()).isFalse();
        assertThat(looksUntilOver()).isEqualTo((LIMIT - RunningTime.MOST_BETWEEN_LOOKS_NANOS) / LOOK);
    }

    @Test
    void isOverInTheEndHoweverSlowTheLooksAre() {
        for (int look = 1; look < LIMIT / RunningTime.MOST_BETWEEN_LOOKS_NANOS; look++) {
            now += TimeUnit.SECONDS.toNanos(10);
            assertThat(time.isOver()).isFalse();
        }
        now += TimeUnit.SECONDS.toNanos(10);
        assertThat(time.isOver()).isTrue();
    }

    @Test
    void beginsAnew() {
        now += LOOK;
        assertThat(time.isOver()).isFalse();
        time.restart();
        assertThat(looksUntilOver()).isEqualTo(LIMIT / LOOK);
    }

    private long looksUntilOver() {
        long looks = 0;
        boolean over = false;
        while (!over) {
            now += LOOK;
            over = time.isOver();
            looks++;
        }
        return looks;
    }
}
