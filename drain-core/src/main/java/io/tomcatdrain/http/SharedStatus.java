package io.tomcatdrain.http;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The status as an event, made once for all streams that want it at the same time: watching costs the drain the same, however many
 * watch. Thread-safe; its lock is taken by streams only.
 */
final class SharedStatus {
    private final Drain drain;
    private final AtomicLong changes = new AtomicLong();

    /** The event that was made last, null if nobody needs it; guarded by this, as is what follows. */
    private byte @Nullable [] event;

    private long eventTick;

    /** How many changes had been told before it was made. */
    private long eventChange;

    /** The drain's state before it was made, so that it shows this one or a later one. */
    private @Nullable DrainState eventState;

    SharedStatus(Drain drain) {
        this.drain = drain;
    }

    /** Says that what was made so far is out of date. Takes no lock. */
    void outdate() {
        changes.incrementAndGet();
    }

    /**
     * Returns the event of this tick, or a newer one if something has changed since; not to be written to.
     *
     * @param tick a number that rises with time
     */
    synchronized byte[] at(long tick) {
        long change = changes.get();
        DrainState state = drain.state();
        byte[] made = event;
        if (made == null || eventTick < tick || eventChange != change || eventState != state) {
            made = StatusJson.utf8("event: status\ndata: " + StatusJson.of(drain.status()) + "\n\n");
            event = made;
            eventTick = tick;
            eventChange = change;
            eventState = state;
        }
        return made;
    }

    /** Drops what was made, so that it need not be kept while nobody watches. */
    synchronized void forget() {
        event = null;
    }
}
