package io.tomcatdrain;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One upload as it stood at a moment.
 *
 * @param id a number that no other upload of this drain has
 * @param method the request method
 * @param path the request path without its query string; null if unknown
 * @param remote the peer's address; null if unknown
 * @param started when it was admitted
 * @param elapsedMillis how long ago that was
 * @param bytesReceived body bytes received so far; −1 unknown
 * @param contentLength announced body length in bytes; −1 unknown
 * @param bytesPerSecond recent rate; −1 unknown
 * @param etaMillis how long the rest of the body takes at that rate; −1 unknown
 * @param stalledMillis for how long no byte was seen to arrive although the body is incomplete; 0 while bytes arrive
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
