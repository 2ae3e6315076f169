package io.tomcatdrain;

/** The ticket that all plain requests of one gate share, so that admitting one allocates nothing. Whoever ended is counted by the gate. */
final class PlainTicket extends Ticket {
    private final InFlightGate gate;

    PlainTicket(InFlightGate gate) {
        this.gate = gate;
    }

    InFlightGate gate() {
        return gate;
    }

    @Override
    public void close(boolean failed) {
        gate.exit();
    }
}
