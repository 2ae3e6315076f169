package io.tomcatdrain;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.J_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Gates that look right and are not. Each is caught here: the build fails if the outcome that condemns it no longer shows, since
 * then the proofs of the real gate would prove nothing either.
 */
final class BrokenGateStress {
    private BrokenGateStress() {}

    /** Looks at the flag, then counts: a drain that begins in between does not see the request. */
    @JCStressTest
    @Outcome(id = "true, false", expect = ACCEPTABLE, desc = "admitted and seen")
    @Outcome(id = "false, true", expect = ACCEPTABLE, desc = "refused")
    @Outcome(
            id = "true, true",
            expect = ACCEPTABLE_INTERESTING,
            desc = "LOST: admitted, and the drain saw nobody inside")
    @Outcome(expect = FORBIDDEN, desc = "something else")
    @State
    public static class CheckThenCount {
        private final AtomicLong count = new AtomicLong();
        private volatile boolean closed;

        @Actor
        public void request(ZZ_Result r) {
            if (!closed) {
                count.incrementAndGet();
                r.r1 = true;
            }
        }

        @Actor
        public void drain(ZZ_Result r) {
            closed = true;
            r.r2 = count.get() == 0;
        }
    }

    /** The same fault with the counter that looks like the fast choice. */
    @JCStressTest
    @Outcome(id = "true, false", expect = ACCEPTABLE, desc = "admitted and seen")
    @Outcome(id = "false, true", expect = ACCEPTABLE, desc = "refused")
    @Outcome(
            id = "true, true",
            expect = ACCEPTABLE_INTERESTING,
            desc = "LOST: admitted, and the drain saw nobody inside")
    @Outcome(expect = FORBIDDEN, desc = "something else")
    @State
    public static class CheckThenCountInALongAdder {
        private final LongAdder count = new LongAdder();
        private volatile boolean closed;

        @Actor
        public void request(ZZ_Result r) {
            if (!closed) {
                count.increment();
                r.r1 = true;
            }
        }

        @Actor
        public void drain(ZZ_Result r) {
            closed = true;
            r.r2 = count.sum() == 0;
        }
    }

    /**
     * What {@link LongAdder#sum} does once its cells are spread: it adds them up one after the other. A request that enters on one
     * thread and leaves on another is seen leaving and not entering, and outweighs the one that is inside all the time.
     */
    @JCStressTest
    @Outcome(
            id = {"1", "2"},
            expect = ACCEPTABLE,
            desc = "the one that is inside is seen")
    @Outcome(id = "0", expect = ACCEPTABLE_INTERESTING, desc = "FALSE IDLE: nobody is seen although one is inside")
    @Outcome(expect = FORBIDDEN, desc = "something else")
    @State
    public static class SumOfSpreadCells {
        private static final int CELLS = 64;

        private final AtomicLongArray cells = new AtomicLongArray(CELLS);

        public SumOfSpreadCells() {
            cells.getAndIncrement(0); // stays
        }

        @Actor
        public void request() {
            cells.getAndIncrement(0);
            cells.getAndDecrement(CELLS - 1);
        }

        @Actor
        public void drain(J_Result r) {
            long sum = 0;
            for (int i = 0; i < CELLS; i++) {
                sum += cells.get(i);
            }
            r.r1 = sum;
        }
    }

    /** Counts a request before it is refused and takes it back: every refusal crosses zero again. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "told once that the last one has left")
    @Outcome(id = "2", expect = ACCEPTABLE_INTERESTING, desc = "TOLD TWICE: a refusal crossed zero too")
    @Outcome(expect = FORBIDDEN, desc = "something else")
    @State
    public static class CountAndTakeBack {
        private static final long CLOSED = 1L << 62;
        private final AtomicLong word = new AtomicLong(CLOSED + 1);
        private final AtomicInteger signals = new AtomicInteger();

        @Actor
        public void refused() {
            if ((word.getAndIncrement() & CLOSED) != 0) {
                exit();
            }
        }

        @Actor
        public void request() {
            exit();
        }

        private void exit() {
            if (word.decrementAndGet() == CLOSED) {
                signals.incrementAndGet();
            }
        }

        @Arbiter
        public void count(I_Result r) {
            r.r1 = signals.get();
        }
    }
}
