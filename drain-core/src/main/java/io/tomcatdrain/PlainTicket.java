package io.tomcatdrain;

/** The ticket that all plain requests of one gate share, so that admitting one allocates nothing. The gate counts those that ended. */
final class PlainTicket extends Ticket {
    private final InFlightGate gate;

    PlainTicket(InFlightGate gate) {
        super(null);
        this.gate = gate;
    }

    InFlightGate gate() {
        return gate;
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public void close(boolean failed) {
        gate.exit();
    }
}
