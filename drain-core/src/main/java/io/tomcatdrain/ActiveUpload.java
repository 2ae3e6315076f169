package io.tomcatdrain;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One upload as it stood at a moment: a request, or a file that comes in several requests, of which method and path are the first one's.
 *
 * @param id a number that no other request has, or no other file
 * @param method the request method
 * @param path the request path without its query string; null if unknown
 * @param remote the peer's address; null if unknown
 * @param started when it was admitted; of a file without its long pauses
 * @param elapsedMillis how long ago that was
 * @param bytesReceived body bytes received so far; −1 unknown
 * @param contentLength announced length of the body, or of the whole file, in bytes; −1 unknown
 * @param bytesPerSecond recent rate; −1 unknown
 * @param etaMillis how long the rest of the body takes at that rate; −1 unknown
 * @param stalledMillis for how long no byte was seen to arrive although the body is incomplete; 0 while bytes arrive; of a file for how
 *     long no request of it has been in flight
 * @since 1.0
 */
public record ActiveUpload(
        long id,
        String method,
        @Nullable String path,
        @Nullable String remote,
        Instant started,
        long elapsedMillis,
        long bytesReceived,
        long contentLength,
        long bytesPerSecond,
        long etaMillis,
        long stalledMillis) {}
