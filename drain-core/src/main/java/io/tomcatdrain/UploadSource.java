package io.tomcatdrain;

import org.jspecify.annotations.Nullable;

/**
 * What an adapter knows of one upload. The first four answers are copies that the implementation takes at admission. Method, path and address
 * are asked for only where the upload is shown; they and the last three are read from other threads while the upload runs, so an
 * implementation must never answer from a request object that the container has reused.
 *
 * @since 1.0
 */
public interface UploadSource {

    /** Returns the request method. */
    String method();

    /** Returns the request path without its query string; null if the request line could not be understood. */
    @Nullable String path();

    /** Returns the peer's address as the container sees it; null if unknown. */
    @Nullable String remote();

    /** Returns the announced body length in bytes, or −1 if it was not announced. */
    long contentLength();

    /** Returns how many bytes of the body the application has been given so far, or −1 if that cannot be known. */
    long bytesReceived();

    /** Returns true if the whole body has been received; false if not, or if that cannot be known. */
    boolean isBodyComplete();

    /** Returns true if the container has dropped the request without a call to the adapter; its ticket is then closed. */
    boolean isGone();
}
