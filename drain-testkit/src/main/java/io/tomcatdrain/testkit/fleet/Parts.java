package io.tomcatdrain.testkit.fleet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What the build hands to the fleet, by system properties, and the directory that the fleet works in. */
public final class Parts {

    private Parts() {}

    /** The unpacked distribution of Tomcat 11 or 10, as it comes: {@code CATALINA_HOME} of all its nodes. */
    static synchronized Path tomcatHome(int line) {
        var archive = required("tomcat" + line + ".archive");
        var home = work().resolve(archive.getFileName().toString().replace(".tar.gz", ""));
        return Files.isDirectory(home) ? home : unpack(archive, home);
    }

    /** The one file that an administrator copies into Tomcat's {@code lib/}. */
    public static Path valveJar() {
        return required("drain.valve.all.jar");
    }

    public static Path sampleWar() {
        return required("sample.war");
    }

    public static Path example(String directory) {
        return required("examples.dir").resolve(directory);
    }

    public static Path work() {
        return Path.of(System.getProperty("basedir", "."), "target", "fleet")
                .toAbsolutePath()
                .normalize();
    }

    /** Gives an empty directory, whatever an earlier run has left there. */
    public static Path emptied(Path directory) {
        try {
            delete(directory);
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static Path unpack(Path archive, Path home) {
        // Unpacked beside its place and moved there in one step: a build that is cut short leaves no half a Tomcat.
        var half = emptied(home.resolveSibling(home.getFileName() + ".unpacking"));
        var command = List.of("tar", "-xzf", archive.toString(), "-C", half.toString(), "--strip-components=1");
        try {
            var tar = new ProcessBuilder(command).inheritIO().start();
            if (!tar.waitFor(2, TimeUnit.MINUTES) || tar.exitValue() != 0) {
                throw new IllegalStateException("failed: " + String.join(" ", command));
            }
            return Files.move(half, home, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while unpacking " + archive, e);
        }
    }

    private static Path required(String property) {
        var value = System.getProperty(property);
        if (value == null) {
            throw new IllegalStateException("system property [" + property + "] is not set; start the fleet by Maven");
        }
        var path = Path.of(value);
        if (!Files.exists(path)) {
            throw new IllegalStateException("[" + property + "] names [" + path + "], which does not exist");
        }
        return path;
    }
}
