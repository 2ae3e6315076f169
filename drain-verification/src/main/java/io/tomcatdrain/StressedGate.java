package io.tomcatdrain;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.infra.results.IJJ_Result;
import org.openjdk.jcstress.infra.results.IJ_Result;
import org.openjdk.jcstress.infra.results.ZIJ_Result;

/**
 * The frame of a stress test: a gate that counts how often it says that it is idle, and what arbiters record of it. jcstress looks for
 * actors and arbiters among the methods of the test's own class and not among inherited ones, so each test declares them.
 */
abstract class StressedGate {
    final InFlightGate gate;
    private final AtomicInteger signals = new AtomicInteger();

    /** Makes an open and empty gate of so many words. */
    StressedGate(int words) {
        gate = new InFlightGate(words, signals::incrementAndGet);
    }

    /** Returns how often the gate has said that it is idle. */
    final int signals() {
        return signals.get();
    }

    /** Records the signals and how many are inside. */
    final void recordGate(IJ_Result r) {
        r.r1 = signals();
        r.r2 = gate.inFlight();
    }

    /** Records the same after what an actor has recorded. */
    final void recordGate(ZIJ_Result r) {
        r.r2 = signals();
        r.r3 = gate.inFlight();
    }

    /** Records the same, and one more count. */
    final void recordGate(IJJ_Result r, long another) {
        r.r1 = signals();
        r.r2 = gate.inFlight();
        r.r3 = another;
    }
}
