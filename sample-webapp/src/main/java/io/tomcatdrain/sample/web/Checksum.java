package io.tomcatdrain.sample.web;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Size and SHA-256 of what went through, so that a client can tell whether all of it arrived. Not thread-safe. */
final class Checksum {
    private final MessageDigest digest = sha256();
    private long size;

    static Checksum of(InputStream in) throws IOException {
        var checksum = new Checksum();
        byte[] buffer = new byte[64 * 1024];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            checksum.update(buffer, n);
        }
        return checksum;
    }

    void update(byte[] buffer, int length) {
        digest.update(buffer, 0, length);
        size += length;
    }

    long size() {
        return size;
    }

    /** The digest in lower-case hexadecimal; to be asked once, at the end. */
    String sha256Hex() {
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
