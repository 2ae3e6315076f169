package io.tomcatdrain;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Gates that look right and are not, each to be put in the place of {@link InFlightGate}. */
final class BrokenGates {
    private BrokenGates() {}

    /** Looks whether the gate is open, and counts afterwards. */
    static class CheckThenCount {
        private final AtomicLong inside = new AtomicLong();
        private final AtomicBoolean sealed = new AtomicBoolean();
        private final Runnable onIdle;

        /** Counted rightly, so that nothing but the defect shows; only one thread runs at a time. */
        private long left;

        CheckThenCount(int stripes, Runnable onIdle) {
            this.onIdle = onIdle;
        }

        boolean enter() {
            if (sealed.get()) {
                return false;
            }
            inside.getAndIncrement();
            return true;
        }

        void exit() {
            left++;
            if (inside.decrementAndGet() == 0 && sealed.get()) {
                onIdle.run();
            }
        }

        void seal() {
            if (!sealed.getAndSet(true) && inside.get() == 0) {
                onIdle.run();
            }
        }

        boolean isIdle() {
            return sealed.get() && inside.get() == 0;
        }

        long inFlight() {
            return inside.get();
        }

        long left() {
            return left;
        }
    }

    /** One word, of which a high bit says that it is sealed; nothing is wrong with it so far. */
    abstract static class OneWord {
        static final long SEALED = 1L << 40;

        final AtomicLong word = new AtomicLong();
        final Runnable onIdle;
        long left;

        OneWord(Runnable onIdle) {
            this.onIdle = onIdle;
        }

        boolean enter() {
            for (long seen = word.get(); seen < SEALED; seen = word.get()) {
                if (word.compareAndSet(seen, seen + 1)) {
                    return true;
                }
            }
            return false;
        }

        void seal() {
            if (word.getAndAdd(SEALED) == 0) {
                onIdle.run();
            }
        }

        boolean isIdle() {
            return word.get() == SEALED;
        }

        long inFlight() {
            return word.get() & (SEALED - 1);
        }

        long left() {
            return left;
        }
    }

    /** Counts rightly, but whoever leaves looks a second time whether he was the last one: two may think so. */
    static class ToldByASecondLook extends OneWord {
        ToldByASecondLook(int stripes, Runnable onIdle) {
            super(onIdle);
        }

        void exit() {
            left++;
            word.getAndDecrement();
            if (isIdle()) {
                onIdle.run();
            }
        }
    }

    /** Counts rightly, and whoever sees that he will be the last one tells it, but before he has left. */
    static class ToldBeforeLeaving extends OneWord {
        ToldBeforeLeaving(int stripes, Runnable onIdle) {
            super(onIdle);
        }

        void exit() {
            left++;
            if (word.get() == SEALED + 1) {
                onIdle.run();
            }
            word.getAndDecrement();
        }
    }
}
