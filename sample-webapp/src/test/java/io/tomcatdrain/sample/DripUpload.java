package io.tomcatdrain.sample;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;

/** A form with a file, sent over a bare socket as far as the test says. */
final class DripUpload implements AutoCloseable {
    private static final String HEAD = """
            --drip\r
            Content-Disposition: form-data; name="title"\r
            \r
            Slow but sure\r
            --drip\r
            Content-Disposition: form-data; name="file"; filename="drip.bin"\r
            \r
            """;
    private static final String TAIL = "\r\n--drip--\r\n";

    private final byte[] content = new byte[300_000];
    private final Socket socket;
    private int sent;

    DripUpload(int port) throws IOException {
        new Random(port).nextBytes(content);
        socket = new Socket("localhost", port);
        socket.setSoTimeout(60_000);
        write(("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=drip\r\n"
                        + "Content-Length: " + (HEAD.length() + content.length + TAIL.length()) + "\r\n\r\n" + HEAD)
                .getBytes(StandardCharsets.US_ASCII));
    }

    /** Sends the file up to this many bytes. */
    void sendUpTo(int bytes) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(content, sent, bytes - sent);
        out.flush();
        sent = bytes;
    }

    /** Sends what is left and returns the answer, all of it, once the server has closed the connection. */
    String finish() throws IOException {
        sendUpTo(content.length);
        write(TAIL.getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    int size() {
        return content.length;
    }

    String sha256() throws GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private void write(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }
}
