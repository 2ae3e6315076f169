package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * One identity that asks for readiness: its rhythm, and what it has seen of the drain that runs. Not thread-safe; {@link ProberWatch}
 * guards it. All times are readings of a ticker, in nanoseconds.
 *
 * <p>A stranger who asks in the prober's name must not hurry the drain. A gap of a whole interval without a poll shows when the prober
 * asks: at its end, and one, two or three intervals later. As long as each answer of 503 comes there, answers are counted. Once one
 * does not, the answers may be those of several, and counting is not enough: a prober that asks once in an interval has seen enough
 * answers after as many intervals as it needs answers, counted from the drain's beginning, and that long it is waited for.
 */
final class Prober {
    private static final long LEAST_SILENCE_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final long MOST_EXTRA_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A poll is on the beat if it is not further off than that part of the interval. */
    private static final int BEAT_PARTS = 16;

    /** Later it cannot be told any more when a prober is due. */
    private static final int MOST_BEATS = 3;

    /**
     * What holds for all probers of a node.
     *
     * @param probeFailures how many answers of 503 take the node out
     * @param lameDuckTimeoutNanos the longest lame duck
     */
    record Rules(int probeFailures, long lameDuckTimeoutNanos) {
        private static final long LEAST_FIRST_SIGHT_NANOS = TimeUnit.SECONDS.toNanos(10);

        /**
         * How long after its only poll one may turn out to be a prober: 10 s, or a third of a longer lame duck than the default's 30 s, with
         * which an operator says that there are slower ones.
         */
        long firstSightNanos() {
            return Math.max(LEAST_FIRST_SIGHT_NANOS, lameDuckTimeoutNanos / 3);
        }

        /** Longer gaps are no prober's. One that asks every 30 s does so every 30.002 s, so a tenth more is allowed. */
        long rareNanos() {
            return lameDuckTimeoutNanos + lameDuckTimeoutNanos / 10;
        }
    }

    private final ReadinessPoll who;
    private final Rules rules;
    private final Rhythm rhythm;
    private final long firstNanos;
    private long lastNanos;

    /** The end of the last gap that was as long as the interval. */
    private long beatNanos;

    private boolean sawReady;

    // of the drain that runs

    private long leastIntervalNanos;
    private int seenDown;
    private boolean offBeat;
    private boolean warned;

    /** For how long this process has stood still since the prober's last poll, so that its silence proves nothing. */
    private long stillNanos;

    /** When it had seen the node down often enough; meaningful once it has. */
    private long enoughNanos;

    /** Makes one that asks for the first time. */
    Prober(ReadinessPoll who, Rules rules, boolean ready, long now) {
        this.who = who;
        this.rules = rules;
        this.rhythm = new Rhythm(rules.rareNanos());
        this.firstNanos = now;
        this.lastNanos = now;
        this.beatNanos = now;
        told(ready, now);
    }

    /** Notes that it asks again. */
    void polled(boolean ready, long nowOrEarlier) {
        long now =
                nowOrEarlier - lastNanos < 0 ? lastNanos : nowOrEarlier; // threads read the clock before they get here
        long gap = now - lastNanos;
        rhythm.add(gap);
        lastNanos = now;
        stillNanos = 0;
        if (!ready && !isOnBeat(gap, now)) {
            offBeat = true;
        }
        long interval = intervalNanos();
        if (gap >= interval - interval / BEAT_PARTS) {
            beatNanos = now;
        }
        told(ready, now);
    }

    /** Returns true if this is the first poll at a moment at which the prober is due. */
    private boolean isOnBeat(long gap, long now) {
        long interval = intervalNanos();
        long since = now - beatNanos;
        long beats = interval == 0 ? 1 : (since + interval / 2) / interval;
        return beats >= 1
                && beats <= MOST_BEATS
                && Math.abs(since - beats * interval) <= interval / BEAT_PARTS
                && gap >= interval / 4;
    }

    private void told(boolean ready, long now) {
        if (ready) {
            sawReady = true;
        } else if (++seenDown == needed()) {
            enoughNanos = now;
        }
    }

    /** A drain begins: what is known of the rhythm is not forgotten before it is over. */
    void drainBegins() {
        forgetDrain();
        leastIntervalNanos = isRare() ? 0 : rhythm.intervalNanos();
    }

    /** Forgets what it has seen of the last drain. */
    void forgetDrain() {
        leastIntervalNanos = 0;
        seenDown = 0;
        offBeat = false;
        warned = false;
        stillNanos = 0;
    }

    /** Notes that for so long until now it could not have been answered. */
    void stoodStill(long nanos, long now) {
        stillNanos += Math.max(0, Math.min(nanos, silentForNanos(now)));
    }

    ReadinessPoll who() {
        return who;
    }

    int seenDown() {
        return seenDown;
    }

    /** The time from one of its polls to the next; 0 while that is unknown. */
    long intervalNanos() {
        return Math.max(leastIntervalNanos, rhythm.intervalNanos());
    }

    boolean isRegular() {
        return !rhythm.isUnknown();
    }

    /** Returns true if it asks more rarely than once in the longest lame duck. */
    boolean isRare() {
        return rhythm.isRare();
    }

    /** Returns true if it sees enough answers only after the longest lame duck. */
    boolean isTooSlow() {
        return isRegular() && !isRare() && intervalNanos() > rules.lameDuckTimeoutNanos / rules.probeFailures;
    }

    long silentForNanos(long now) {
        return now - lastNanos - stillNanos;
    }

    boolean isActive(long now) {
        return activeForNanos(now) > 0;
    }

    /** How much longer it is believed to be alive without a word; not positive if it is not. */
    private long activeForNanos(long now) {
        return rhythm.isUnknown()
                ? rules.firstSightNanos() + MOST_EXTRA_NANOS - (now - firstNanos - stillNanos)
                : Math.max(LEAST_SILENCE_NANOS, 3 * intervalNanos()) - silentForNanos(now);
    }

    /**
     * Returns true if a drain that began then waits for it. One that has never been told that the node is up sends nothing here that
     * it could have to be told about.
     */
    boolean isWaitedFor(long drainNanos, long now) {
        boolean mayMatter = rhythm.isUnknown() ? drainNanos - firstNanos < rules.firstSightNanos() : !isRare();
        return sawReady && mayMatter && isActive(now);
    }

    /** How long it may keep that drain's lame duck waiting before it is looked at again; not positive if it does not. */
    long nanosPending(long drainNanos, long now) {
        if (!isWaitedFor(drainNanos, now)) {
            return 0;
        }
        long active = activeForNanos(now); // one that dies is no longer waited for; a poll in between wakes the drain
        if (seenDown < needed() || isTooSlow()) {
            return active;
        }
        long interval = intervalNanos();
        long seen = enoughNanos;
        if (offBeat) {
            long surely = drainNanos + needed() * interval;
            seen = seen - surely < 0 ? surely : seen;
        }
        return Math.min(active, seen + Math.min(MOST_EXTRA_NANOS, interval) - now);
    }

    /** How many answers of 503 it must get: a nameless identity may be two probers. */
    long needed() {
        return who.isNameless() ? 2L * rules.probeFailures : rules.probeFailures;
    }

    /** Returns true once in each drain if there is something to warn of: that it is too slow. */
    boolean isToBeWarnedOf(long drainNanos, long now) {
        if (warned || !isTooSlow() || !isWaitedFor(drainNanos, now)) {
            return false;
        }
        warned = true;
        return true;
    }

    /** Returns true if a status shows it: it is active, or asks regularly and has been told of the drain that runs. */
    boolean isShown(long now) {
        return isRegular() ? isActive(now) || seenDown > 0 : sawReady && isActive(now);
    }

    /** Names it and its interval, for a log. */
    String described() {
        return who.who()
                + (isRegular() ? " every " + TimeUnit.NANOSECONDS.toMillis(intervalNanos()) + " ms" : " (once so far)");
    }

    /** How long a lame duck it needs, in whole seconds. */
    long secondsNeeded() {
        Duration needed = Duration.ofNanos(intervalNanos()).multipliedBy(rules.probeFailures);
        return needed.plusNanos(MOST_EXTRA_NANOS).plusSeconds(1).minusNanos(1).toSeconds();
    }
}
