package io.tomcatdrain;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IJJ_Result;
import org.openjdk.jcstress.infra.results.ZIJ_Result;

/** An upload's ticket leaves its gate once, whoever ends it: its request, or a drain that gives it up. */
final class TicketStress {
    private TicketStress() {}

    abstract static class Admitted {
        final AtomicInteger signals = new AtomicInteger();
        final Counters counters = new Counters();
        final UploadRegistry registry = new UploadRegistry(() -> 0, counters);
        final InFlightGate gate = new InFlightGate(1, signals::incrementAndGet);
        final UploadTicket ticket;

        Admitted() {
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
            r.r1 = signals.get();
            r.r2 = gate.inFlight();
            r.r3 = counters.uploadsCompleted.sum() + counters.uploadsFailed.sum();
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
            r.r1 = ticket.abandon();
        }

        @Arbiter
        public void count(ZIJ_Result r) {
            r.r2 = signals.get();
            r.r3 = gate.inFlight();
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
            ticket.abandon();
            ticket.readopt(fresh);
        }

        @Arbiter
        public void count(IJJ_Result r) {
            r.r1 = signals.get();
            r.r2 = gate.inFlight();
            r.r3 = fresh.inFlight();
        }
    }
}
