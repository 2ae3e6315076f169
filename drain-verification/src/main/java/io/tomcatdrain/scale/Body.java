package io.tomcatdrain.scale;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The body of one upload, which no other has: it is made as it is sent, from the upload's number. Not thread-safe. */
final class Body {
    private static final byte[] BEGIN =
            bytes("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n");
    private static final byte[] END = bytes("\r\n--cut--\r\n");

    private final int contentLength;
    private final MessageDigest digest = sha256();
    private long random;
    private int sent;

    Body(int number, int contentLength) {
        this.random = (number + 1) * 0x9E3779B97F4A7C15L;
        this.contentLength = contentLength;
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException never) {
            throw new IllegalStateException(never);
        }
    }

    int length() {
        return BEGIN.length + contentLength + END.length;
    }

    boolean isSent() {
        return sent == length();
    }

    /** Fills the buffer with what comes next. */
    void putNext(ByteBuffer buffer) {
        int from = buffer.position();
        while (buffer.hasRemaining() && !isSent()) {
            buffer.put(at(sent++));
        }
        digest.update(buffer.duplicate().flip().position(from));
    }

    private byte at(int position) {
        if (position < BEGIN.length) {
            return BEGIN[position];
        }
        if (position >= BEGIN.length + contentLength) {
            return END[position - BEGIN.length - contentLength];
        }
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        return (byte) (random & 0x7f);
    }

    /** Returns the checksum of everything, once everything was sent. */
    String checksum() {
        return HexFormat.of().formatHex(digest.digest());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
