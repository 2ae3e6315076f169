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

/** What {@link Admission} promises while its gates are replaced. */
final class AdmissionStress {
    private AdmissionStress() {}

    /** With gates of two words, so that there can be many of them at a time. */
    abstract static class Door {
        final Admission admission;

        Door() {
            Counters counters = new Counters();
            admission = new Admission(counters, new UploadRegistry(() -> 0, counters), () -> {}, 2);
        }

        /** Returns whether a request is admitted. */
        final boolean admit() {
            return admission.admitRequest() != null;
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
            r.r1 = admit();
        }

        @Actor
        public void drain() {
            admission.refuseAll();
        }

        @Arbiter
        public void look(ZZ_Result r) {
            r.r2 = admission.requestsIdle();
        }
    }

    /** With closed listeners nothing may be refused, not even while requests that are inside are told from those that come later. */
    @JCStressTest
    @Outcome(id = "true, 1", expect = ACCEPTABLE, desc = "admitted through the old gate or the new one, and counted")
    @Outcome(expect = FORBIDDEN, desc = "refused, or not counted")
    @State
    public static class AdmitVsTurnOver extends Door {
        @Actor
        public void request(ZJ_Result r) {
            r.r1 = admit();
        }

        @Actor
        public void drain() {
            admission.turnOver();
        }

        @Arbiter
        public void look(ZJ_Result r) {
            r.r2 = admission.requestsInFlight();
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
            r.r1 = admit();
        }

        @Actor
        public void drain() {
            admission.refuseUploads();
        }

        @Arbiter
        public void look(ZJ_Result r) {
            r.r2 = admission.requestsInFlight();
        }
    }

    /** A request that is admitted while the node resumes is waited for by the next drain. */
    @JCStressTest
    @Outcome(id = "true, false, 1", expect = ACCEPTABLE, desc = "admitted, and the next drain waits")
    @Outcome(id = "false, true, 0", expect = ACCEPTABLE, desc = "refused just before")
    @Outcome(expect = FORBIDDEN, desc = "admitted and not waited for, or the reverse")
    @State
    public static class AdmitVsReopen extends Door {
        public AdmitVsReopen() {
            admission.refuseAll();
        }

        @Actor
        public void request(ZZJ_Result r) {
            r.r1 = admit();
        }

        @Actor
        public void drain() {
            admission.reopen();
            admission.refuseAll();
        }

        @Arbiter
        public void look(ZZJ_Result r) {
            r.r2 = admission.requestsIdle();
            r.r3 = admission.requestsInFlight();
        }
    }
}
