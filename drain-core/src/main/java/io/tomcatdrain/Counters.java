package io.tomcatdrain;

import java.util.concurrent.atomic.LongAdder;

/**
 * Counts since the start uploads that have ended, and requests that were refused; other requests are counted by their gates, when they
 * leave. Thread-safe; for display only, no decision rests on these numbers.
 */
final class Counters {
    final LongAdder uploadsCompleted = new LongAdder();
    final LongAdder uploadsFailed = new LongAdder();
    final LongAdder refused = new LongAdder();

    /** Body bytes of uploads that have ended. */
    final LongAdder uploadBytes = new LongAdder();

    /** Returns how many uploads have ended. */
    long uploadsEnded() {
        return uploadsCompleted.sum() + uploadsFailed.sum();
    }
}
