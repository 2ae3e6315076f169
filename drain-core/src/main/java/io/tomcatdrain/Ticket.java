package io.tomcatdrain;

import org.jspecify.annotations.Nullable;

/**
 * One admitted request. The adapter that was given the ticket closes it when the response has left the server, from any thread.
 *
 * <p>Closing an upload's ticket, or one made by {@link NodeDrain#track}, counts once however often it is done. Plain requests
 * share one ticket for as long as the node serves, so that admitting one allocates nothing: the adapter closes it exactly
 * once per admission.
 *
 * @since 1.0
 */
public abstract class Ticket implements AutoCloseable {

    Ticket() {}

    /** Closes the ticket of a request that ended well. Never throws and never blocks. */
    @Override
    public final void close() {
        close(false);
    }

    /**
     * Closes the ticket. Never throws and never blocks.
     *
     * @param failed true if the request was aborted or answered with an error; uploads are counted apart by it
     */
    public abstract void close(boolean failed);

    /** Returns what the request is of an upload that comes in several requests; null if it is no part of one. */
    public @Nullable UploadPart part() {
        return null;
    }
}
