package io.tomcatdrain;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/** Directories for the servers of a process that ends without stopping them. Thread-safe. */
public final class TemporaryDirectories {
    private static final Queue<Path> MADE = new ConcurrentLinkedQueue<>();

    private TemporaryDirectories() {}

    /** Makes one. */
    public static Path make(String prefix) throws IOException {
        Path directory = Files.createTempDirectory(prefix);
        MADE.add(directory);
        return directory;
    }

    /** Deletes all of them, at the end of the process. */
    public static void delete() {
        for (Path directory = MADE.poll(); directory != null; directory = MADE.poll()) {
            try (Stream<Path> files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            } catch (IOException leftBehind) {
                // a temporary directory
            }
        }
    }
}
