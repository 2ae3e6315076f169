package io.tomcatdrain;

import java.util.concurrent.atomic.LongAdder;

/**
 * What has happened since the start to uploads, and to what was refused; other requests are counted where they leave, by their gates.
 * Thread-safe; for display only, no decision rests on these numbers.
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
