package io.tomcatdrain;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The ticket of a plain request that the registry can find again, since the container may drop it without a word, or since its answer may
 * have no end.
 *
 * <p>OPEN → CLOSED when the request ends; OPEN → ASIDE once its answer is seen to be endless (the gate is left then), and CLOSED when
 * that ends.
 */
final class TrackedTicket extends Ticket {
    private static final int OPEN = 0;
    private static final int ASIDE = 1;
    private static final int CLOSED = 2;

    /** Told what becomes of such a request. Must not block. */
    interface Owner {

        /** It is about to leave its gate, although it goes on. */
        void setAside();

        /** It has ended. */
        void closed(TrackedTicket ticket, boolean wasAside);
    }

    private final Ticket ticket;
    private final Subject subject;
    private final Owner owner;
    private final AtomicInteger state = new AtomicInteger(OPEN);

    TrackedTicket(Ticket ticket, Subject subject, Owner owner) {
        super(ticket.part());
        this.ticket = ticket;
        this.subject = subject;
        this.owner = owner;
    }

    /** Returns what the adapter knows of the request. */
    Subject subject() {
        return subject;
    }

    void closeIfGone() {
        if (isGone()) {
            close(true);
        }
    }

    /** Lets the request hold no drain any more if its answer is one of those. */
    void setAsideIf(StreamTypes endless) {
        if (state.get() == OPEN && is(endless) && state.compareAndSet(OPEN, ASIDE)) {
            owner.setAside();
            ticket.close(false);
        }
    }

    boolean isAside() {
        return state.get() == ASIDE;
    }

    /** Ends the answer if it has no end of its own. */
    void endIfAside() {
        if (isAside()) {
            try {
                subject.end();
            } catch (RuntimeException | Error fault) {
                // the container cuts it
            }
        }
    }

    // A fault in an adapter must not keep a drain from going on.

    private boolean isGone() {
        try {
            return subject.isGone();
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    private boolean is(StreamTypes endless) {
        try {
            return endless.match(subject.contentType(), subject.path());
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    @Override
    public void close(boolean failed) {
        int before = state.getAndSet(CLOSED);
        if (before == CLOSED) {
            return;
        }
        if (before == OPEN) {
            ticket.close(failed);
        }
        owner.closed(this, before == ASIDE);
    }
}
