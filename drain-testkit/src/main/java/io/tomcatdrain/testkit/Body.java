package io.tomcatdrain.testkit;

import java.io.IOException;
import java.util.Map;

/** Requests with and without a body, and whether each is an upload as long as no setting says otherwise. */
public enum Body {
    MULTIPART(true, "POST", "Content-Type: " + App.MULTIPART, "Content-Length: 10"),
    RESUMABLE(true, "PATCH", "Content-Type: application/offset+octet-stream", "Content-Length: 10"),
    /** As curl -T sends it. */
    LONG_WITHOUT_TYPE(true, "PUT", "Content-Length: 100000000"),
    ZIP(true, "POST", "Content-Type: application/zip", "Content-Length: 65537"),
    BIG_FORM(true, "POST", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 65537"),
    CHUNKED(true, "PUT", "Content-Type: application/octet-stream", "Transfer-Encoding: chunked"),
    CHUNKED_WITHOUT_TYPE(true, "POST", "Transfer-Encoding: chunked"),
    AS_LONG_AS_MAY_BE(false, "POST", "Content-Type: application/json", "Content-Length: 65536"),
    EMPTY(false, "POST", "Content-Length: 0"),
    NONE(false, "POST"),
    DELETE(false, "DELETE"),
    OPTIONS(false, "OPTIONS"),
    GET_WITH_BODY(false, "GET", "Content-Type: " + App.MULTIPART, "Content-Length: 100000000"),
    HEAD(false, "HEAD"),
    HTTP2_LONG(true, "PUT", "content-length: 65537"),
    HTTP2_WITHOUT_LENGTH(true, "PUT", "content-type: application/octet-stream"),
    HTTP2_SHORT(false, "POST", "content-length: 65536"),
    /** Its only frame ends the stream. */
    HTTP2_NONE(false, "DELETE"),
    AJP_CHUNKED(true, "PUT", "transfer-encoding: chunked"),
    AJP_LONG(true, "PUT", "content-length: 65537"),
    AJP_NONE(false, "DELETE");

    private final boolean upload;
    private final String method;
    private final String[] headers;

    Body(boolean upload, String method, String... headers) {
        this.upload = upload;
        this.method = method;
        this.headers = headers;
    }

    /** Returns true if the request is an upload. */
    public boolean isUpload() {
        return upload;
    }

    /** Returns true if it is one by the length of its body, or since that is not announced. */
    public boolean isUploadBySize() {
        return upload && this != MULTIPART && this != RESUMABLE;
    }

    /** Sends the head of one, whose body follows as slowly as may be; returns its connection. */
    public AutoCloseable begin(EmbeddedTomcat server, String path, String key) throws IOException {
        if (name().startsWith("HTTP2")) {
            Http2Client client = new Http2Client(server.port());
            String[] all = new String[2 * headers.length + 2];
            for (int i = 0; i < headers.length; i++) {
                System.arraycopy(headers[i].split(": ", 2), 0, all, 2 * i, 2);
            }
            all[2 * headers.length] = App.KEY.toLowerCase(java.util.Locale.ROOT);
            all[2 * headers.length + 1] = key;
            int unused = client.request(method, path, !upload && this != HTTP2_SHORT, all);
            return client;
        }
        if (name().startsWith("AJP")) {
            AjpClient client = new AjpClient(server.ajpPort());
            Map<String, String> all = new java.util.LinkedHashMap<>(Map.of(App.KEY, key));
            for (String header : headers) {
                String[] parts = header.split(": ", 2);
                all.put(parts[0], parts[1]);
            }
            return client.forward(method, path, all);
        }
        Http11Client client = new Http11Client(server.port());
        String[] all = java.util.Arrays.copyOf(headers, headers.length + 1);
        all[headers.length] = App.KEY + ": " + key;
        return client.send(Http11Client.head(method, path, all));
    }
}
