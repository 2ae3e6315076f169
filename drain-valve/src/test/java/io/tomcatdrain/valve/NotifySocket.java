package io.tomcatdrain.valve;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/**
 * The socket at which systemd hears of its services, and how long it would let one live that has been told to stop: {@code
 * TimeoutStopSec}, or longer while each {@code EXTEND_TIMEOUT_USEC} is followed by the next one in time (sd_notify(3)).
 */
final class NotifySocket implements AutoCloseable {
    /** The JDK has no Unix datagrams. Prints "ready", then the lines of what arrives. */
    private static final String RECEIVER = """
            use Socket; $| = 1;
            socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
            bind($socket, pack_sockaddr_un($ARGV[0])) or die "bind: $!";
            print "ready\\n";
            while (defined recv($socket, my $message, 65536, 0)) { chomp $message; print "$message\\n"; }
            """;

    private final Path directory;
    private final Path path;
    private final Process receiver;
    private final List<String> words = new CopyOnWriteArrayList<>();
    private volatile long extendedUntil = Long.MIN_VALUE;

    /** Opens it; a test that has no systemd-notify to write to it is skipped, and fails where nothing may be skipped. */
    NotifySocket() throws IOException {
        if (!Files.isExecutable(Path.of("/usr/bin", SystemdNotify.PROGRAM))) {
            String missing = SystemdNotify.PROGRAM + " not installed (apt-get install systemd)";
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            abort("skipped: " + missing);
        }
        directory = Files.createTempDirectory("notify"); // short: such a path has at most 108 bytes
        path = directory.resolve("socket");
        receiver = new ProcessBuilder("perl", "-e", RECEIVER, path.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader lines = receiver.inputReader(StandardCharsets.UTF_8);
        if (!"ready".equals(lines.readLine())) {
            throw new IOException("no receiver");
        }
        Thread reader = new Thread(() -> lines.lines().forEach(this::received), "notify-socket");
        reader.setDaemon(true);
        reader.start();
    }

    private void received(String word) {
        if (word.startsWith("EXTEND_TIMEOUT_USEC=")) {
            extendedUntil = System.nanoTime()
                    + TimeUnit.MICROSECONDS.toNanos(Long.parseLong(word.substring(word.indexOf('=') + 1)));
        }
        words.add(word);
    }

    Path path() {
        return path;
    }

    /** Everything that has been said so far, one assignment each. */
    List<String> words() {
        return words;
    }

    long count(String beginning) {
        return words.stream().filter(word -> word.startsWith(beginning)).count();
    }

    /** Returns true if a service that was told to stop at that time may still live. */
    boolean mayLive(long stopNanos, long timeoutStopNanos) {
        long now = System.nanoTime();
        return now - stopNanos < timeoutStopNanos || now < extendedUntil;
    }

    @Override
    public void close() throws IOException {
        receiver.destroyForcibly();
        Files.deleteIfExists(path);
        Files.deleteIfExists(directory);
    }
}
