package io.tomcatdrain;

/** The ticket that all plain requests of one gate share, so that admitting one allocates nothing. */
final class PlainTicket extends Ticket {
    private final InFlightGate gate;
    private final Totals totals;

    PlainTicket(InFlightGate gate, Totals totals) {
        this.gate = gate;
        this.totals = totals;
    }

    InFlightGate gate() {
        return gate;
    }

    @Override
    public void close(boolean failed) {
        gate.exit(); // before the display counter: whoever waits for the last one does not wait for a statistic
        totals.requestsCompleted.increment();
    }
}
