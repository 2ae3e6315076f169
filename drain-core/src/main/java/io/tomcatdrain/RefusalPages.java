package io.tomcatdrain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A directory with a site's own words for refusals, one file for each type that clients ask for. Whatever is wrong with it is an
 * {@link IllegalArgumentException} whose message holds the rule and the remedy.
 */
final class RefusalPages {
    /** The files; each is the key of its text. */
    private static final List<String> NAMES = List.of("refusal.html", "refusal.json", "refusal.txt");

    /** Each is kept in memory once for each of the waits that clients are spread over. */
    private static final int MOST_BYTES = 16 * 1024;

    private RefusalPages() {}

    /** Returns the texts of those of the files that are there. */
    static Map<String, String> read(String name) {
        Path directory = absolute(name);
        Map<String, String> texts = new LinkedHashMap<>();
        for (String file : NAMES) {
            try (InputStream in = Files.newInputStream(directory.resolve(file))) {
                texts.put(file, text(file, in.readNBytes(MOST_BYTES + 1)));
            } catch (NoSuchFileException missing) {
                // then the built-in words
            } catch (IOException | SecurityException unreadable) {
                throw new IllegalArgumentException("[" + file + "] cannot be read ("
                        + unreadable.getClass().getSimpleName() + "); the server's user must be able to read it");
            }
        }
        if (texts.isEmpty()) {
            throw new IllegalArgumentException(
                    "none of " + NAMES + " is there; write those that are to be answered in your own words");
        }
        return Map.copyOf(texts);
    }

    private static Path absolute(String name) {
        Path directory;
        try {
            directory = Path.of(name);
        } catch (InvalidPathException bad) {
            throw new IllegalArgumentException(
                    "that is no path of a directory: " + bad.getReason() + "; for example [/etc/tomcat/refusal]");
        }
        if (!directory.isAbsolute()) {
            throw new IllegalArgumentException(
                    "the path must be absolute, since a server may be started from any directory;"
                            + " for example [/etc/tomcat/refusal]");
        }
        return directory;
    }

    private static String text(String file, byte[] bytes) {
        if (bytes.length > MOST_BYTES) {
            throw new IllegalArgumentException("[" + file + "] has more than " + MOST_BYTES
                    + " bytes; a node sends many refusals at once, so each must be short");
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException bad) {
            throw new IllegalArgumentException("[" + file + "] is not UTF-8; save it in that encoding");
        }
    }
}
