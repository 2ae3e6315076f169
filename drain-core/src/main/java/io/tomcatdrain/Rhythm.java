package io.tomcatdrain;

import java.util.concurrent.TimeUnit;

/**
 * How often one identity asks for readiness. Not thread-safe.
 *
 * <p>What counts is the slowest credible rhythm: the longest of the recent gaps. Polls of a stranger in a prober's name split gaps and
 * make none, so the longest gaps are kept however many short ones follow. They are forgotten with time, not with polls: after a
 * minute or ten times their length, whichever is longer. One gap of more than twice the longest before it is taken for an outage; with
 * a second one, the shorter of the two counts. A gap too long for any prober that a lame duck could wait for counts only where there is
 * no other.
 */
final class Rhythm {
    private static final int KEPT = 8;
    private static final long LEAST_MEMORY_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** A silence counts as so much of that memory at most, since what was known before it is true after it, too. */
    private static final long LONGEST_COUNTED_NANOS = LEAST_MEMORY_NANOS / 2;

    private final long rareNanos;
    private final long[] gaps = new long[KEPT];
    private final long[] ends = new long[KEPT];
    private int known;
    private long presentNanos;

    /** The last gap that was taken for an outage; 0 if there is none. */
    private long outageNanos;

    private long outageEnd;

    /** The last gap that was longer than rareNanos; 0 if there was none. */
    private long rareGapNanos;

    /** Makes one that knows nothing; longer gaps than that are too long. */
    Rhythm(long rareNanos) {
        this.rareNanos = rareNanos;
    }

    /** Notes that so much time lay between two polls; not negative. */
    void add(long gap) {
        presentNanos += Math.min(gap, LONGEST_COUNTED_NANOS);
        forget();
        if (gap > rareNanos) {
            rareGapNanos = gap;
        } else if (known < 2 || gap <= 2 * slowest()) {
            keep(gap);
        } else {
            if (outageNanos > 0) {
                keep(Math.min(gap, outageNanos));
            }
            outageNanos = Math.max(gap, outageNanos);
            outageEnd = presentNanos;
        }
    }

    private void forget() {
        int left = 0;
        for (int i = 0; i < known; i++) {
            if (isRemembered(gaps[i], ends[i])) {
                gaps[left] = gaps[i];
                ends[left++] = ends[i];
            }
        }
        known = left;
        if (!isRemembered(outageNanos, outageEnd)) {
            outageNanos = 0;
        }
    }

    private boolean isRemembered(long gap, long end) {
        return presentNanos - end <= Math.max(LEAST_MEMORY_NANOS, 10 * gap);
    }

    private void keep(long gap) {
        int at = known;
        if (known < KEPT) {
            known++;
        } else {
            at = 0;
            for (int i = 1; i < KEPT; i++) {
                if (gaps[i] < gaps[at] || (gaps[i] == gaps[at] && ends[i] < ends[at])) {
                    at = i;
                }
            }
            if (gap < gaps[at]) {
                return;
            }
        }
        gaps[at] = gap;
        ends[at] = presentNanos;
    }

    private long slowest() {
        long slowest = 0;
        for (int i = 0; i < known; i++) {
            slowest = Math.max(slowest, gaps[i]);
        }
        return slowest;
    }

    /** Returns true if nothing can be said yet. */
    boolean isUnknown() {
        return known == 0 && rareGapNanos == 0;
    }

    /** Returns true if no gap was short enough for a prober. */
    boolean isRare() {
        return known == 0 && rareGapNanos > 0;
    }

    /** The time from one poll to the next; 0 while it is unknown. */
    long intervalNanos() {
        return known > 0 ? slowest() : rareGapNanos;
    }
}
