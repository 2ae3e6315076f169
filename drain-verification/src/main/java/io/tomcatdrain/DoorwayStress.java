package io.tomcatdrain;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZJ_Result;
import org.openjdk.jcstress.infra.results.ZZJ_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** What {@link Doorway} promises while its gates are replaced. */
final class DoorwayStress {
    private DoorwayStress() {}

    /** With gates of two words, so that there can be many of them at a time. */
    abstract static class Door {
        final Doorway doorway;

        Door() {
            Totals totals = new Totals();
            doorway = new Doorway(totals, new UploadRegistry(() -> 0, totals), () -> {}, 2);
        }
    }

    @JCStressTest
    @Outcome(id = "true, false", expect = ACCEPTABLE, desc = "admitted, and the drain waits")
    @Outcome(id = "false, true", expect = ACCEPTABLE, desc = "refused, and the drain does not wait")
    @Outcome(expect = FORBIDDEN, desc = "admitted and not waited for, or the reverse")
    @State
    public static class AdmitVsRefuseAll extends Door {
        @Actor
        public void request(ZZ_Result r) {
            r.r1 = doorway.admitRequest() != null;
        }

        @Actor
        public void drain() {
            doorway.refuseAll();
        }

        @Arbiter
        public void look(ZZ_Result r) {
            r.r2 = doorway.requestsIdle();
        }
    }

    /** With closed listeners nothing may be refused, not even while those inside are told from those who come later. */
    @JCStressTest
    @Outcome(id = "true, 1", expect = ACCEPTABLE, desc = "admitted through the old gate or the new one, and counted")
    @Outcome(expect = FORBIDDEN, desc = "refused, or not counted")
    @State
    public static class AdmitVsTurnOver extends Door {
        @Actor
        public void request(ZJ_Result r) {
            r.r1 = doorway.admitRequest() != null;
        }

        @Actor
        public void drain() {
            doorway.turnOver();
        }

        @Arbiter
        public void look(ZJ_Result r) {
            r.r2 = doorway.requestsInFlight();
        }
    }

    /** With {@code refuse=uploads} pages are served throughout. */
    @JCStressTest
    @Outcome(id = "true, 1", expect = ACCEPTABLE, desc = "admitted through the old gate or the new one, and counted")
    @Outcome(expect = FORBIDDEN, desc = "refused, or not counted")
    @State
    public static class AdmitVsRefuseUploads extends Door {
        @Actor
        public void request(ZJ_Result r) {
            r.r1 = doorway.admitRequest() != null;
        }

        @Actor
        public void drain() {
            doorway.refuseUploads();
        }

        @Arbiter
        public void look(ZJ_Result r) {
            r.r2 = doorway.requestsInFlight();
        }
    }

    /** Whoever is admitted while the node resumes is waited for by the next drain. */
    @JCStressTest
    @Outcome(id = "true, false, 1", expect = ACCEPTABLE, desc = "admitted, and the next drain waits")
    @Outcome(id = "false, true, 0", expect = ACCEPTABLE, desc = "refused just before")
    @Outcome(expect = FORBIDDEN, desc = "admitted and not waited for, or the reverse")
    @State
    public static class AdmitVsReopen extends Door {
        public AdmitVsReopen() {
            doorway.refuseAll();
        }

        @Actor
        public void request(ZZJ_Result r) {
            r.r1 = doorway.admitRequest() != null;
        }

        @Actor
        public void drain() {
            doorway.reopen();
            doorway.refuseAll();
        }

        @Arbiter
        public void look(ZZJ_Result r) {
            r.r2 = doorway.requestsIdle();
            r.r3 = doorway.requestsInFlight();
        }
    }
}
