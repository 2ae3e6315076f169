package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/** Time that a test drives, and the drain that lives in it and has no thread of its own. */
final class FakeTicker implements Ticker, InstantSource {
    private static final int MOST_STEPS = 10_000;

    /** The name of every drain that lives in such a time, and of no other. */
    static final String NAME = "test";

    /** Every drain made since a log was last captured: what it says may still be on its way there. */
    private static final Queue<NodeDrain> SPEAKING = new ConcurrentLinkedQueue<>();

    static {
        CapturedLog.keepOffTheConsole();
    }

    /** Three seconds before the nanosecond reading overflows, so that most tests cross that moment. */
    private long nanos = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(3);

    private Instant instant = Instant.parse("2026-11-22T10:00:00Z");
    private NodeDrain drain;

    /** Makes a drain that lives in this time; names and values of settings alternate. */
    NodeDrain drain(String... namesAndValues) {
        return drain(this, namesAndValues);
    }

    /** Makes one that asks somebody else for the time, who asks this. */
    NodeDrain drain(Ticker between, String... namesAndValues) {
        Map<String, String> texts = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            texts.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        drain = new NodeDrain(NAME, DrainSettings.of(texts), "", new DrainEnvironment(between, this, false));
        SPEAKING.add(drain);
        return drain;
    }

    /** Captures what the drains that live in such a time log from now on. A drain logs on a thread of its own, which each reading awaits. */
    static CapturedLog capturedLog() {
        awaitSilence();
        while (SPEAKING.size() > 1) {
            SPEAKING.remove(); // the last one may be the test's own, made before
        }
        return new CapturedLog(
                Drain.class.getName(), line -> line.startsWith("drain[" + NAME + "]"), FakeTicker::awaitSilence);
    }

    private static void awaitSilence() {
        for (NodeDrain each : SPEAKING) {
            try {
                assertThat(each.awaitListeners(Duration.ofSeconds(30))).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public long nanos() {
        return nanos;
    }

    @Override
    public Instant instant() {
        return instant;
    }

    /** Moves time, and does whatever the drain's thread would do on the way, when it would do it. */
    void advance(Duration by) {
        long left = by.toNanos();
        for (int steps = 0; left > 0; steps++) {
            assertThat(steps).as("steps, as the drain's thread must not spin").isLessThan(MOST_STEPS);
            long wait = drain == null ? -1 : drain.step();
            assertThat(wait).as("nanoseconds to wait").isNotZero();
            long jump = wait < 0 ? left : Math.min(left, wait);
            nanos += jump;
            instant = instant.plusNanos(jump);
            left -= jump;
        }
        if (drain != null) {
            drain.step();
        }
    }

    void advanceSeconds(long seconds) {
        advance(Duration.ofSeconds(seconds));
    }

    /** Moves time while no thread runs, and then lets the drain's thread find out. */
    void standStill(Duration by) {
        nanos += by.toNanos();
        instant = instant.plus(by);
        settle();
    }

    /** Does what the drain's thread does when it is woken. */
    void settle() {
        advance(Duration.ZERO);
    }
}
