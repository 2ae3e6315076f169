package io.tomcatdrain.overhead;

import java.util.Map;
import java.util.Objects;

/** What a request has cost on each of the servers, in one round or in the middle of many. */
record Costs(Map<Subject, Cost> bySubject) {

    Cost of(Subject subject) {
        return Objects.requireNonNull(bySubject.get(subject), subject::name);
    }

    /** Returns the processor time with the valve by that without. */
    double ratio(Subject subject) {
        return of(subject).cpuNanos() / of(Subject.NO_VALVE).cpuNanos();
    }

    double addedNanos(Subject subject) {
        return of(subject).cpuNanos() - of(Subject.NO_VALVE).cpuNanos();
    }

    double addedBytes(Subject subject) {
        return of(subject).bytes() - of(Subject.NO_VALVE).bytes();
    }

    /** Returns what the drain valve adds by what the comparison adds, each less what no valve seems to add. */
    double share(Subject comparison) {
        double error = addedNanos(Subject.NO_VALVE_AGAIN);
        return (addedNanos(Subject.DRAIN_VALVE) - error) / (addedNanos(comparison) - error);
    }
}
