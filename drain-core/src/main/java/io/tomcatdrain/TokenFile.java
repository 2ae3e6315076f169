package io.tomcatdrain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/**
 * A file that holds a secret. Whatever is wrong with it is an {@link IllegalArgumentException} whose message holds the rule and the
 * remedy, and nothing of the content.
 */
final class TokenFile {
    private static final int MOST_BYTES = 4096;

    /** What only the owner may be able to do: read it, or put another secret in its place. */
    private static final Set<PosixFilePermission> OWNERS_ONLY = EnumSet.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    private TokenFile() {}

    /** Returns what the file of that name holds, without white space around it. */
    static String read(String name) {
        Path file = absolute(name);
        try {
            if (!Files.isRegularFile(file)) {
                throw new IllegalArgumentException((Files.exists(file) ? "that is no file" : "there is no such file")
                        + ", or it cannot be reached; make one that the server's user owns, with"
                        + " [openssl rand -hex 24 > FILE; chmod 600 FILE]");
            }
            requireOwnersOnly(file);
            return firstBytes(file).strip();
        } catch (IOException | SecurityException unreadable) {
            // Without a cause: its message is the name again.
            throw new IllegalArgumentException("the file cannot be read ("
                    + unreadable.getClass().getSimpleName() + "); the server's user must own it, with [chmod 600]");
        }
    }

    private static Path absolute(String name) {
        Path file;
        try {
            file = Path.of(name);
        } catch (InvalidPathException bad) {
            throw new IllegalArgumentException(
                    "that is no path of a file: " + bad.getReason() + "; for example [/etc/tomcat/drain.token]");
        }
        if (!file.isAbsolute()) {
            throw new IllegalArgumentException(
                    "the path must be absolute, since a server may be started from any directory;"
                            + " for example [/etc/tomcat/drain.token]");
        }
        return file;
    }

    /** Where the file system knows no POSIX permissions there is nothing to check. */
    private static void requireOwnersOnly(Path file) throws IOException {
        if (!Files.getFileStore(file).supportsFileAttributeView("posix")) {
            return;
        }
        Set<PosixFilePermission> granted = Files.getPosixFilePermissions(file);
        if (granted.stream().anyMatch(OWNERS_ONLY::contains)) {
            throw new IllegalArgumentException("the file has the permissions [" + PosixFilePermissions.toString(granted)
                    + "], and only its owner may read or write it; use [chmod 600]");
        }
    }

    private static String firstBytes(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                throw new IllegalArgumentException("the file has more than " + MOST_BYTES
                        + " bytes and may hold nothing but the token; make one with [openssl rand -hex 24]");
            }
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
    }
}
