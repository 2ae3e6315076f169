package io.tomcatdrain;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IJJ_Result;
import org.openjdk.jcstress.infra.results.ZIJ_Result;

/** An upload's ticket leaves its gate once, be it that its request ends or that a drain gives it up. */
final class TicketStress {
    private TicketStress() {}

    /** An upload that was admitted through a gate that has been sealed since. */
    abstract static class Admitted extends StressedGate {
        final Counters counters = new Counters();
        final UploadRegistry registry = new UploadRegistry(() -> 0, counters);
        final UploadTicket ticket;

        Admitted() {
            super(1);
            gate.enter();
            ticket = registry.admit(SteadyUpload.INSTANCE, gate);
            gate.seal();
        }
    }

    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "left once, counted once")
    @Outcome(expect = FORBIDDEN, desc = "left twice or never, or counted twice or never")
    @State
    public static class CloseVsClose extends Admitted {
        @Actor
        public void request() {
            ticket.close();
        }

        @Actor
        public void sweep() {
            ticket.close(true);
        }

        @Arbiter
        public void count(IJJ_Result r) {
            recordGate(r, counters.uploadsCompleted.sum() + counters.uploadsFailed.sum());
        }
    }

    @JCStressTest
    @Outcome(
            id = {"true, 1, 0", "false, 1, 0"},
            expect = ACCEPTABLE,
            desc = "left once, given up or not")
    @Outcome(expect = FORBIDDEN, desc = "left twice or never")
    @State
    public static class CloseVsGivingUp extends Admitted {
        @Actor
        public void request() {
            ticket.close();
        }

        @Actor
        public void drain(ZIJ_Result r) {
            r.r1 = ticket.abandon(true);
        }

        @Arbiter
        public void count(ZIJ_Result r) {
            recordGate(r);
        }
    }

    /** The node resumes while an upload that was given up ends. */
    @JCStressTest
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "both gates are left")
    @Outcome(expect = FORBIDDEN, desc = "a gate is left twice or never")
    @State
    public static class CloseVsHoldingAgain extends Admitted {
        private final InFlightGate fresh = new InFlightGate(1, () -> {});

        @Actor
        public void request() {
            ticket.close();
        }

        @Actor
        public void drain() {
            ticket.abandon(true);
            ticket.readopt(fresh);
        }

        @Arbiter
        public void count(IJJ_Result r) {
            recordGate(r, fresh.inFlight());
        }
    }

    /** An upload that had stalled moves again, and ends. */
    @JCStressTest
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the gate is left, and nothing is held beside it")
    @Outcome(expect = FORBIDDEN, desc = "the gate is left twice or never, or something is held for ever")
    @State
    public static class CloseVsMovingAgain extends Admitted {
        @Actor
        public void request() {
            ticket.close();
        }

        @Actor
        public void drain() {
            ticket.abandon(false);
            ticket.holdAgain(0);
        }

        @Arbiter
        public void count(IJJ_Result r) {
            recordGate(r, registry.holdsBesideGates() ? 1 : 0);
        }
    }
}
