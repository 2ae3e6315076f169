package io.tomcatdrain;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.IJ_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.ZIJ_Result;
import org.openjdk.jcstress.infra.results.ZJ_Result;
import org.openjdk.jcstress.infra.results.ZZJ_Result;

/**
 * What {@link InFlightGate} promises, each promise as a table of outcomes. Where enter and exit belong to different threads, or the
 * stripes matter, the word is chosen by a thread number that the test makes up.
 */
final class GateStress {
    private GateStress() {}

    // ---------------------------------------------------------------- invariants 1 and 2: none lost, none late

    @JCStressTest
    @Outcome(id = "true, 1", expect = ACCEPTABLE, desc = "admitted before the seal, and waited for")
    @Outcome(id = "false, 0", expect = ACCEPTABLE, desc = "refused, and not waited for")
    @Outcome(expect = FORBIDDEN, desc = "admitted and not waited for, or the reverse")
    @State
    public static class EnterVsSealOfOneWord extends StressedGate {
        public EnterVsSealOfOneWord() {
            super(1);
        }

        @Actor
        public void request(ZJ_Result r) {
            r.r1 = gate.enter();
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(ZJ_Result r) {
            r.r2 = gate.inFlight();
        }
    }

    @JCStressTest
    @Outcome(id = "true, true, 2", expect = ACCEPTABLE, desc = "both admitted and waited for")
    @Outcome(id = "true, false, 1", expect = ACCEPTABLE, desc = "the first admitted and waited for")
    @Outcome(
            id = "false, true, 1",
            expect = ACCEPTABLE,
            desc = "the second admitted through a word that was sealed later")
    @Outcome(id = "false, false, 0", expect = ACCEPTABLE, desc = "both refused")
    @Outcome(expect = FORBIDDEN, desc = "admitted and not waited for, or the reverse")
    @State
    public static class EnterThroughTwoWordsVsSeal extends StressedGate {
        public EnterThroughTwoWordsVsSeal() {
            super(2);
        }

        @Actor
        public void requests(ZZJ_Result r) {
            r.r1 = gate.enterAs(0);
            r.r2 = gate.enterAs(1);
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(ZZJ_Result r) {
            r.r3 = gate.inFlight();
        }
    }

    @JCStressTest
    @Outcome(id = "true, 0, 1", expect = ACCEPTABLE, desc = "admitted, so not idle")
    @Outcome(id = "false, 1, 0", expect = ACCEPTABLE, desc = "refused, so idle at once, and told once")
    @Outcome(expect = FORBIDDEN, desc = "idle with a holder, or empty and never told")
    @State
    public static class EnterVsIdleSignal extends StressedGate {
        public EnterVsIdleSignal() {
            super(8);
        }

        @Actor
        public void request(ZIJ_Result r) {
            r.r1 = gate.enter();
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(ZIJ_Result r) {
            recordGate(r);
        }
    }

    // ---------------------------------------------------------------- invariant 3: exactly one idle signal

    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "told once that the last one has left")
    @Outcome(expect = FORBIDDEN, desc = "never told, told twice, or miscounted")
    @State
    public static class LastExitVsSeal extends StressedGate {
        /** The holder entered on another thread, and leaves through another word. */
        public LastExitVsSeal() {
            super(2);
            gate.enterAs(0);
        }

        @Actor
        public void request() {
            gate.exitAs(1);
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(IJ_Result r) {
            recordGate(r);
        }
    }

    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "told once that the last one has left")
    @Outcome(expect = FORBIDDEN, desc = "never told, told twice, or miscounted")
    @State
    public static class TwoLastExits extends StressedGate {
        public TwoLastExits() {
            super(2);
            gate.enterAs(0);
            gate.enterAs(0);
            gate.seal();
        }

        @Actor
        public void oneRequest() {
            gate.exitAs(0);
        }

        @Actor
        public void otherRequest() {
            gate.exitAs(1);
        }

        @Arbiter
        public void count(IJ_Result r) {
            recordGate(r);
        }
    }

    /** A request that enters through one word and leaves through another passes while the seal goes from word to word. */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "one is still inside")
    @Outcome(expect = FORBIDDEN, desc = "idle with a holder, or miscounted")
    @State
    public static class PassingThroughOneWayVsSeal extends StressedGate {
        public PassingThroughOneWayVsSeal() {
            super(2);
            gate.enterAs(0); // stays
        }

        @Actor
        public void request() {
            if (gate.enterAs(0)) {
                gate.exitAs(1);
            }
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(IJ_Result r) {
            recordGate(r);
        }
    }

    /** The same against the direction of the seal. */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "one is still inside")
    @Outcome(expect = FORBIDDEN, desc = "idle with a holder, or miscounted")
    @State
    public static class PassingThroughTheOtherWayVsSeal extends StressedGate {
        public PassingThroughTheOtherWayVsSeal() {
            super(2);
            gate.enterAs(1); // stays
        }

        @Actor
        public void request() {
            if (gate.enterAs(1)) {
                gate.exitAs(0);
            }
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(IJ_Result r) {
            recordGate(r);
        }
    }

    /** A thread that sees the gate idle sees everything that its holders did before they left. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "idle, and the request's work is visible")
    @Outcome(id = "-1", expect = ACCEPTABLE, desc = "not yet idle")
    @Outcome(expect = FORBIDDEN, desc = "idle before the request's work is visible")
    @State
    public static class WorkIsVisibleOnceIdle extends StressedGate {
        private int work;

        public WorkIsVisibleOnceIdle() {
            super(2);
            gate.enterAs(0);
            gate.seal();
        }

        @Actor
        public void request() {
            work = 1;
            gate.exitAs(1);
        }

        @Actor
        public void drain(I_Result r) {
            r.r1 = gate.isIdle() ? work : -1;
        }
    }

    /** A request that has left is counted once, in a word or behind its seal. */
    @JCStressTest
    @Outcome(id = "true, 2", expect = ACCEPTABLE, desc = "both have left")
    @Outcome(id = "false, 1", expect = ACCEPTABLE, desc = "one was refused, the other has left")
    @Outcome(expect = FORBIDDEN, desc = "counted twice or never")
    @State
    public static class LeavingVsSeal extends StressedGate {
        public LeavingVsSeal() {
            super(2);
            gate.enterAs(0);
        }

        @Actor
        public void requests(ZJ_Result r) {
            r.r1 = gate.enterAs(0);
            gate.exitAs(1);
            if (r.r1) {
                gate.exitAs(0);
            }
        }

        @Actor
        public void drain() {
            gate.seal();
        }

        @Arbiter
        public void count(ZJ_Result r) {
            r.r2 = gate.left();
        }
    }

    // ---------------------------------------------------------------- refused traffic

    @JCStressTest
    @Outcome(id = "false, 1, 0", expect = ACCEPTABLE, desc = "refused; the last one leaves and is told once")
    @Outcome(expect = FORBIDDEN, desc = "refused traffic changed the count or the signal")
    @State
    public static class RefusedVsLastExit extends StressedGate {
        public RefusedVsLastExit() {
            super(1);
            gate.enter();
            gate.seal();
        }

        @Actor
        public void refused(ZIJ_Result r) {
            boolean once = gate.enter();
            r.r1 = gate.enter() || once;
        }

        @Actor
        public void request() {
            gate.exit();
        }

        @Arbiter
        public void count(ZIJ_Result r) {
            recordGate(r);
        }
    }

    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "nothing that is refused counts")
    @Outcome(expect = FORBIDDEN, desc = "refused traffic changed the count or the signal")
    @State
    public static class RefusedVsRefused extends StressedGate {
        public RefusedVsRefused() {
            super(1);
            gate.seal(); // told once here
        }

        @Actor
        public void oneRefused(II_Result r) {
            r.r1 = gate.enter() ? 1 : 0;
        }

        @Actor
        public void otherRefused() {
            gate.enter();
        }

        @Arbiter
        public void count(II_Result r) {
            r.r2 = signals();
        }
    }
}
