package io.tomcatdrain.jmx;

import io.tomcatdrain.UploadSource;

/** An upload that has got so many of its bytes. */
public record FixedUpload(String path, long bytesReceived, long contentLength) implements UploadSource {
    @Override
    public String method() {
        return "POST";
    }

    @Override
    public String remote() {
        return "192.0.2.7";
    }

    @Override
    public boolean isBodyComplete() {
        return bytesReceived == contentLength;
    }

    @Override
    public boolean isGone() {
        return false;
    }
}
