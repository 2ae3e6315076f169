package io.tomcatdrain;

/** An upload that always looks the same. */
public enum SteadyUpload implements UploadSource {
    INSTANCE;

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
    public long contentLength() {
        return 1L << 20;
    }

    @Override
    public long bytesReceived() {
        return 1L << 10;
    }

    @Override
    public boolean isBodyComplete() {
        return false;
    }

    @Override
    public boolean isGone() {
        return false;
    }
}
