package io.tomcatdrain;

import java.util.concurrent.atomic.AtomicBoolean;

/** The ticket of a plain request that is a part of an upload, or comes from a client that has one open. */
final class PartTicket extends Ticket {
    private final InFlightGate gate;
    private final Ticket.Part part;
    private final AtomicBoolean closed = new AtomicBoolean();

    PartTicket(InFlightGate gate, Ticket.Part part) {
        super(part);
        this.gate = gate;
        this.part = part;
    }

    InFlightGate gate() {
        return gate;
    }

    @Override
    public void close(boolean failed) {
        if (closed.compareAndSet(false, true)) {
            try {
                part.end(); // first, so that where the gate is idle it is known what is waited for
            } finally {
                gate.exit();
            }
        }
    }
}
