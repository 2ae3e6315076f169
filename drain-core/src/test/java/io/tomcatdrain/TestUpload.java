package io.tomcatdrain;

/** An upload that a test drives. */
final class TestUpload implements UploadSource {
    private final long contentLength;
    private volatile String path = "/upload";
    private volatile String remote = "192.0.2.7";
    private volatile long bytesReceived;
    private volatile boolean bodyComplete;
    private volatile boolean gone;
    private volatile RuntimeException fault;

    private TestUpload(long contentLength) {
        this.contentLength = contentLength;
    }

    static TestUpload ofLength(long contentLength) {
        return new TestUpload(contentLength);
    }

    static TestUpload ofUnknownLength() {
        return new TestUpload(-1);
    }

    /** An upload of whose bytes the adapter sees nothing. */
    static TestUpload unseen() {
        TestUpload upload = new TestUpload(1000);
        upload.bytesReceived = -1;
        return upload;
    }

    TestUpload from(String newPath, String newRemote) {
        path = newPath;
        remote = newRemote;
        return this;
    }

    TestUpload receives(long bytes) {
        bytesReceived += bytes;
        return this;
    }

    TestUpload endsItsBody() {
        bodyComplete = true;
        return this;
    }

    /** What has read its body wants more after all. */
    void goesOnWithItsBody() {
        bodyComplete = false;
    }

    void isDroppedByTheContainer() {
        gone = true;
    }

    /** From now on looking at its progress fails, as a fault in an adapter would. */
    TestUpload failsWith(RuntimeException newFault) {
        fault = newFault;
        return this;
    }

    private void check() {
        if (fault != null) {
            throw fault;
        }
    }

    @Override
    public String method() {
        return "POST";
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public String remote() {
        return remote;
    }

    @Override
    public long contentLength() {
        return contentLength;
    }

    @Override
    public long bytesReceived() {
        check();
        return bytesReceived;
    }

    @Override
    public boolean isBodyComplete() {
        check();
        return bodyComplete;
    }

    @Override
    public boolean isGone() {
        check();
        return gone;
    }
}
