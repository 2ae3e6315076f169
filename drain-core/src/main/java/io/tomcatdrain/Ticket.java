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

    /**
     * What an adapter knows of a request that is no upload: whether it is still there, and for the report of a drain which it is. Asked
     * from any thread while the request runs, so an implementation must never answer from a request object that the container has
     * reused.
     *
     * @since 1.0
     */
    @FunctionalInterface
    public interface Subject {

        /** Returns true if the container has dropped the request without a call to the adapter; its ticket is then closed. */
        boolean isGone();

        /** Returns the request method; null if unknown. */
        default @Nullable String method() {
            return null;
        }

        /** Returns the request path without its query string, decoded; null if unknown. */
        default @Nullable String path() {
            return null;
        }

        /** Returns the content type of the answer as it is at present; null if it has none, or if unknown. */
        default @Nullable String contentType() {
            return null;
        }

        /** Returns how long ago the request began, in milliseconds; −1 if unknown. */
        default long elapsedMillis() {
            return -1;
        }

        /** Ends an answer that has no end of its own, since the server is about to stop; does nothing if that cannot be done. */
        default void end() {}
    }

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
