package io.tomcatdrain.valve;

import io.tomcatdrain.UploadTypes;
import org.apache.tomcat.util.buf.ByteChunk;
import org.apache.tomcat.util.buf.MessageBytes;
import org.jspecify.annotations.Nullable;

/** Tells uploads from other requests by the bytes of their content type, without making a string of them. Thread-safe. */
final class UploadMatcher {
    private final UploadTypes types;
    private final String[] prefixes;

    UploadMatcher(UploadTypes types) {
        this.types = types;
        this.prefixes = types.prefixes().toArray(String[]::new);
    }

    boolean matches(@Nullable MessageBytes contentType) {
        if (contentType == null || contentType.isNull()) {
            return false;
        }
        if (contentType.getType() != MessageBytes.T_BYTES) {
            return types.matches(contentType.toString());
        }
        for (String prefix : prefixes) {
            if (contentType.startsWithIgnoreCase(prefix, 0) && endsAt(contentType.getByteChunk(), prefix)) {
                return true;
            }
        }
        return false;
    }

    private static boolean endsAt(ByteChunk bytes, String prefix) {
        return prefix.endsWith("/")
                || bytes.getLength() == prefix.length()
                || UploadTypes.endsMediaType(bytes.getBytes()[bytes.getStart() + prefix.length()]);
    }
}
