package io.tomcatdrain.valve;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.http.ServletDrain;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.CoyoteAdapter;
import org.apache.coyote.Request;
import org.apache.coyote.ajp.AbstractAjpProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Where a valve keeps the ticket of the request that a pooled coyote request carries at present. Used by the request's own threads,
 * one after the other; Tomcat orders them.
 *
 * <p>A coyote request is reused for many requests and its notes are never cleared, so one note per valve serves them all and a request
 * costs no allocation. The start time distinguishes the requests: a ticket with another one was left behind by a request that ended without
 * a further call, and is closed by the next.
 */
final class TicketNote {
    /** Coyote leaves notes 17 to 31 to others (org.apache.coyote.Request#setNote). */
    private static final int NOTE = 29;

    /** What owns notes: one start of one valve. Holds nothing once retired, since pooled requests outlive an undeployed valve. */
    static final class Owner {
        private volatile @Nullable NodeDrain drain;

        /** One for each pooled request, as long as Tomcat has it. Guarded by the lock. */
        private final Map<TicketNote, Boolean> notes = new WeakHashMap<>();

        private final ReentrantLock lock = new ReentrantLock();

        Owner(NodeDrain drain) {
            this.drain = drain;
        }

        /** Lets the next request that passes drop the owner's notes. */
        void retire() {
            drain = null;
            lock.lock();
            try {
                notes.clear();
            } finally {
                lock.unlock();
            }
        }

        private TicketNote newNote(Request coyote, @Nullable TicketNote next) {
            TicketNote fresh = new TicketNote(this, coyote, next);
            lock.lock();
            try {
                notes.put(fresh, true);
            } finally {
                lock.unlock();
            }
            return fresh;
        }

        /** Closes the tickets of the requests whose thread waits for the calling one, or is it, and returns how many there were. */
        int letGoStuck() {
            int gone = 0;
            for (TicketNote note : all()) {
                long thread = note.inside;
                if (note.holds && thread != 0 && StoppingThread.isStuck(thread, note.virtualInside)) {
                    note.close(true);
                    gone++;
                }
            }
            return gone;
        }

        /**
         * Returns how many requests that are no uploads are under way in that application and have an end. For a thread that looks again
         * and again.
         */
        int requestsIn(Context context) {
            NodeDrain current = drain;
            int count = 0;
            for (TicketNote note : all()) {
                Ticket held = note.ticket();
                boolean counts =
                        held != null && note.isRequestIn(context) && (current == null || current.waitsFor(held));
                count += counts ? 1 : 0;
            }
            return count;
        }

        /** Returns the requests under way that are no uploads, as another thread sees them at this moment. */
        List<Ticket.Subject> requests() {
            List<Ticket.Subject> found = new ArrayList<>();
            for (TicketNote note : all()) {
                if (note.isRequest()) {
                    found.add(new SeenRequest(note.coyote, note.method));
                }
            }
            return found;
        }

        /** Returns the request of a file that Tomcat sends by itself, as another thread sees it; null if it is still under way. */
        Ticket.@Nullable Subject sent(Request coyote) {
            TicketNote note = find(coyote, this);
            if (note != null && note.isRequest()) {
                return null;
            }
            return new SeenRequest(coyote, note == null ? null : note.method);
        }

        /** Returns the pooled objects of these requests, which Tomcat may use for others by the time that the caller looks. */
        List<Request> pooledRequests() {
            List<Request> found = new ArrayList<>();
            for (TicketNote note : all()) {
                if (note.isRequest()) {
                    found.add(note.coyote);
                }
            }
            return found;
        }

        private List<TicketNote> all() {
            lock.lock();
            try {
                return new ArrayList<>(notes.keySet());
            } finally {
                lock.unlock();
            }
        }

        /** Returns true once the valve has ended. */
        boolean isRetired() {
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
    private final Request coyote;
    private @Nullable TicketNote next;
    private long startNanos;
    private boolean current;
    private boolean upload;
    private @Nullable Connector connector;
    private boolean ajp;

    /** True if {@link AnswerHook} looks at the answers. */
    private boolean hooked;

    /** True while the request holds {@link #ticket}. */
    private boolean holds;

    /**
     * The ticket that is held, or the last one if many requests share it: a request that is no upload writes no reference here. One that
     * is written into an object as old as this costs G1 a fence, and a look of its own later on.
     */
    private @Nullable Ticket ticket;

    /** That of the request which the ticket is for. */
    private @Nullable String method;

    /** The number of the thread that is inside the application with this request; 0 if none is. */
    private long inside;

    /** That thread if it is a virtual one, which nobody finds by its number. */
    private @Nullable Thread virtualInside;

    private final boolean onVirtualThreads = StoppingThread.isVirtual(Thread.currentThread());

    private TicketNote(Owner owner, Request coyote, @Nullable TicketNote next) {
        this.owner = owner;
        this.coyote = coyote;
        this.next = next;
    }

    /** Returns the owner's note for that pooled request, making it at its first use. */
    static TicketNote of(Request coyote, Owner owner) {
        TicketNote found = find(coyote, owner);
        if (found != null) {
            return found;
        }
        TicketNote fresh = owner.newNote(coyote, withoutRetired(first(coyote)));
        coyote.setNote(NOTE, fresh);
        fresh.hooked = AnswerHook.watch(coyote.getResponse());
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

    /** Returns how many valves have a note for that pooled request. */
    static int count(Request coyote) {
        int count = 0;
        for (TicketNote note = first(coyote); note != null; note = note.next) {
            count++;
        }
        return count;
    }

    /** Returns true if a valve that has this request, over AJP or over HTTP/1.1, wants its connection to end with the answer. */
    static boolean isLast(Request coyote, boolean ajp) {
        for (TicketNote note = first(coyote); note != null; note = note.next) {
            if (note.isReentry(coyote)
                    && (note.holds || note.owner.isAtItsEnd())
                    && note.owner.endsConnections(ajp, note.connector)) {
                return true;
            }
        }
        return false;
    }

    /** Notes what the answer says of an upload that comes in several requests, now that its head is complete. Never throws. */
    static void isAnswered(Request coyote) {
        for (TicketNote note = first(coyote); note != null; note = note.next) {
            Ticket held = note.ticket();
            if (held != null
                    && held.isPart()
                    && note.isReentry(coyote)
                    && coyote.getNote(CoyoteAdapter.ADAPTER_NOTES)
                            instanceof org.apache.catalina.connector.Request request) {
                ServletDrain.answered(held, request, request.getResponse());
            }
        }
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
        if (holds) {
            close(true);
            WatchedBody.leave(coyote);
        }
        startNanos = coyote.getStartTimeNanos();
        if (connector != through) { // nearly never
            connector = through;
            ajp = through.getProtocolHandler() instanceof AbstractAjpProtocol;
        }
        current = true;
    }

    /** Returns true if every answer that is finished with a ticket held ends its connection where it has to. */
    boolean isHooked() {
        return hooked;
    }

    /** Returns true if the request has come over AJP. */
    boolean isAjp() {
        return ajp;
    }

    private boolean isRequest() {
        return holds && !upload && isReentry(coyote);
    }

    /** What another thread sees here may be of one request and the next: it is believed if both looks at the start time say the same. */
    private boolean isRequestIn(Context context) {
        long before = startNanos;
        if (!current || upload || !holds) {
            return false;
        }
        boolean inside = contextOf(coyote) == context;
        VarHandle.loadLoadFence();
        return inside && before == coyote.getStartTimeNanos();
    }

    /** Returns the application that a pooled request is mapped to at present, which a rewrite changes; null if there is none. */
    static @Nullable Context contextOf(Request coyote) {
        return coyote.getNote(CoyoteAdapter.ADAPTER_NOTES) instanceof org.apache.catalina.connector.Request request
                ? request.getContext()
                : null;
    }

    void hold(Ticket admitted, boolean isUpload, @Nullable String requestMethod) {
        upload = isUpload;
        if (!Objects.equals(method, requestMethod)) {
            method = requestMethod;
        }
        if (ticket != admitted) {
            ticket = admitted;
        }
        holds = true;
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
        return holds ? ticket : null;
    }

    /** Notes that the calling thread takes the request to the application. */
    void enter() {
        Thread thread = Thread.currentThread();
        if (onVirtualThreads) {
            virtualInside = thread;
        }
        inside = thread.getId();
    }

    /** Notes that the thread has come back from there. */
    void leave() {
        inside = 0;
        if (onVirtualThreads) {
            virtualInside = null;
        }
    }

    /** Closes the ticket, if there is one still. */
    void close(boolean failed) {
        Ticket held = ticket();
        holds = false;
        if (held != null) {
            if (!held.isShared()) {
                ticket = null;
            }
            held.close(failed);
        }
    }

    /** Closes the ticket of a plain request, of which no answer says anything; returns false if it has another or none. */
    boolean closeShared() {
        Ticket held = ticket;
        if (!holds || held == null || !held.isShared()) {
            return false;
        }
        holds = false;
        held.close();
        return true;
    }

    /** Ends the request: the next one on the same object is another, even if it had the same start time. */
    void end() {
        current = false;
    }
}
