package io.tomcatdrain.valve;

import io.tomcatdrain.UploadSource;
import java.util.concurrent.atomic.AtomicLong;

/** An upload whose bytes a test counts. */
record TestSource(AtomicLong bytes, long contentLength) implements UploadSource {
    @Override
    public String method() {
        return "POST";
    }

    @Override
    public String path() {
        return "/upload";
    }

    @Override
    public String remote() {
        return "192.0.2.7";
    }

    @Override
    public long bytesReceived() {
        return bytes.get();
    }

    @Override
    public boolean isBodyComplete() {
        return bytes.get() == contentLength;
    }

    @Override
    public boolean isGone() {
        return false;
    }
}
