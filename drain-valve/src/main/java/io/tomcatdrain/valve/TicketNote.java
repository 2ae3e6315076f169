package io.tomcatdrain.valve;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.Request;
import org.jspecify.annotations.Nullable;

/**
 * Where a valve keeps the ticket of the request that a pooled coyote request carries at present. Used by the request's own threads,
 * one after the other; Tomcat orders them.
 *
 * <p>A coyote request is reused for many requests and its notes are never cleared, so one note per valve serves them all and a
 * request costs no allocation. The start time tells the requests apart: a ticket with another one was left behind by a request that
 * ended without a further call, and is closed by the next.
 */
final class TicketNote {
    /** Coyote leaves notes 17 to 31 to others (org.apache.coyote.Request#setNote). */
    private static final int NOTE = 29;

    /** What owns notes: one start of one valve. Holds nothing once retired, since pooled requests outlive an undeployed valve. */
    static final class Owner {
        private volatile @Nullable NodeDrain drain;

        Owner(NodeDrain drain) {
            this.drain = drain;
        }

        /** Lets the next request that passes drop the owner's notes. */
        void retire() {
            drain = null;
        }

        private boolean isRetired() {
            return drain == null;
        }

        /** Returns true if an answer that ends now is the last one of its connection. */
        private boolean endsConnections(boolean ajp, @Nullable Connector connector) {
            NodeDrain current = drain;
            return current != null
                    && current.state() != DrainState.SERVING
                    // A front end that repeats what is refused keeps its AJP connections, until the drain of a stop is
                    // over. Where nothing is refused it would keep this node busy.
                    && (!ajp
                            || current.settings().closeListener()
                            || isAtItsEnd(current)
                            || SharedListeners.isShared(connector));
        }

        /** Returns true once every answer ends its connection, refusals too: the connectors are about to stop. */
        private boolean isAtItsEnd() {
            NodeDrain current = drain;
            return current != null && isAtItsEnd(current);
        }

        private static boolean isAtItsEnd(NodeDrain current) {
            return current.isStopping() && current.state().isOver();
        }
    }

    private final Owner owner;
    private @Nullable TicketNote next;
    private long startNanos;
    private boolean current;
    private boolean upload;
    private @Nullable Connector connector;
    private @Nullable Ticket ticket;

    private TicketNote(Owner owner, @Nullable TicketNote next) {
        this.owner = owner;
        this.next = next;
    }

    /** Returns the owner's note for that pooled request, making it at its first use. */
    static TicketNote of(Request coyote, Owner owner) {
        TicketNote found = find(coyote, owner);
        if (found != null) {
            return found;
        }
        TicketNote fresh = new TicketNote(owner, withoutRetired(first(coyote)));
        coyote.setNote(NOTE, fresh);
        ConnectionCloseHook.watch(coyote.getResponse());
        return fresh;
    }

    /** Returns the owner's note for that pooled request; null if it has none. */
    static @Nullable TicketNote find(Request coyote, Owner owner) {
        for (TicketNote note = first(coyote); note != null; note = note.next) {
            if (note.owner == owner) {
                return note;
            }
        }
        return null;
    }

    /** Returns true if a valve that has this request, over AJP or over HTTP/1.1, wants its connection to end with the answer. */
    static boolean isLast(Request coyote, boolean ajp) {
        for (TicketNote note = first(coyote); note != null; note = note.next) {
            if (note.isReentry(coyote)
                    && (note.ticket != null || note.owner.isAtItsEnd())
                    && note.owner.endsConnections(ajp, note.connector)) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable TicketNote first(Request coyote) {
        // Two copies of the valve's classes may share a Tomcat: a note of the other is none of ours.
        return coyote.getNote(NOTE) instanceof TicketNote note ? note : null;
    }

    /** Drops the notes of valves that have ended, wherever they stand: a pooled request may outlive many. */
    private static @Nullable TicketNote withoutRetired(@Nullable TicketNote first) {
        TicketNote alive = first;
        while (alive != null && alive.owner.isRetired()) {
            alive = alive.next;
        }
        if (alive != null) {
            alive.next = withoutRetired(alive.next);
        }
        return alive;
    }

    /** Returns true if this very request has passed the valve already: it comes again for an async or error dispatch. */
    boolean isReentry(Request coyote) {
        return current && startNanos == coyote.getStartTimeNanos();
    }

    /** Begins a new request, which has no ticket yet. */
    void begin(Request coyote, Connector through) {
        Ticket leftBehind = ticket;
        ticket = null;
        if (leftBehind != null) {
            leftBehind.close(true);
        }
        startNanos = coyote.getStartTimeNanos();
        connector = through;
        current = true;
    }

    void hold(Ticket admitted, boolean isUpload) {
        ticket = admitted;
        upload = isUpload;
    }

    /** Puts another ticket of the same request in the place of the one that is held. */
    void exchange(Ticket other) {
        ticket = other;
    }

    /** Returns true if the ticket that is held, or was the last, is an upload's. */
    boolean holdsUpload() {
        return upload;
    }

    @Nullable Ticket ticket() {
        return ticket;
    }

    /** Closes the ticket, if there is one still. */
    void close(boolean failed) {
        Ticket held = ticket;
        ticket = null;
        if (held != null) {
            held.close(failed);
        }
    }

    /** Ends the request: the next one on the same object is another, even if it had the same start time. */
    void end() {
        current = false;
    }
}
