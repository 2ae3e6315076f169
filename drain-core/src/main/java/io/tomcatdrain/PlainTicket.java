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
        try {
            totals.requestsCompleted.increment(); // first: whoever the exit wakes reports it
        } finally {
            gate.exit();
        }
    }
}
