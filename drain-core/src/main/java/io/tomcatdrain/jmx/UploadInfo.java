package io.tomcatdrain.jmx;

import io.tomcatdrain.ActiveUpload;
import java.time.temporal.ChronoUnit;
import javax.management.ConstructorParameters;
import org.jspecify.annotations.Nullable;

/**
 * One upload as JMX shows it: an {@link ActiveUpload} in a form that MXBeans of Java 17 can map in both directions, which they cannot
 * do with records. Immutable.
 *
 * @since 1.0
 */
public final class UploadInfo {
    private final long id;
    private final String method;
    private final @Nullable String path;
    private final @Nullable String remote;
    private final String started;
    private final long elapsedMillis;
    private final long bytesReceived;
    private final long contentLength;
    private final long bytesPerSecond;
    private final long etaMillis;
    private final long stalledMillis;

    /** Called by proxies of {@link DrainMXBean}. */
    @ConstructorParameters({
        "id",
        "method",
        "path",
        "remote",
        "started",
        "elapsedMillis",
        "bytesReceived",
        "contentLength",
        "bytesPerSecond",
        "etaMillis",
        "stalledMillis"
    })
    public UploadInfo(
            long id,
            String method,
            @Nullable String path,
            @Nullable String remote,
            String started,
            long elapsedMillis,
            long bytesReceived,
            long contentLength,
            long bytesPerSecond,
            long etaMillis,
            long stalledMillis) {
        this.id = id;
        this.method = method;
        this.path = path;
        this.remote = remote;
        this.started = started;
        this.elapsedMillis = elapsedMillis;
        this.bytesReceived = bytesReceived;
        this.contentLength = contentLength;
        this.bytesPerSecond = bytesPerSecond;
        this.etaMillis = etaMillis;
        this.stalledMillis = stalledMillis;
    }

    static UploadInfo of(ActiveUpload upload) {
        return new UploadInfo(
                upload.id(),
                upload.method(),
                upload.path(),
                upload.remote(),
                started(upload),
                upload.elapsedMillis(),
                upload.bytesReceived(),
                upload.contentLength(),
                upload.bytesPerSecond(),
                upload.etaMillis(),
                upload.stalledMillis());
    }

    static String started(ActiveUpload upload) {
        return upload.started().truncatedTo(ChronoUnit.MILLIS).toString();
    }

    /** Returns a number that no other upload of this drain has. */
    public long getId() {
        return id;
    }

    public String getMethod() {
        return method;
    }

    /** Returns the path without its query string; null if unknown. */
    public @Nullable String getPath() {
        return path;
    }

    /** Returns the peer's address; null if unknown. */
    public @Nullable String getRemote() {
        return remote;
    }

    /** Returns when it was admitted, as ISO-8601 in UTC. */
    public String getStarted() {
        return started;
    }

    public long getElapsedMillis() {
        return elapsedMillis;
    }

    /** Returns the body bytes received so far; −1 unknown. */
    public long getBytesReceived() {
        return bytesReceived;
    }

    /** Returns the announced body length in bytes; −1 unknown. */
    public long getContentLength() {
        return contentLength;
    }

    /** Returns the recent rate; −1 unknown. */
    public long getBytesPerSecond() {
        return bytesPerSecond;
    }

    /** Returns how long the rest of the body takes at that rate; −1 unknown. */
    public long getEtaMillis() {
        return etaMillis;
    }

    /** Returns for how long no byte was seen to arrive although the body is incomplete. */
    public long getStalledMillis() {
        return stalledMillis;
    }
}
