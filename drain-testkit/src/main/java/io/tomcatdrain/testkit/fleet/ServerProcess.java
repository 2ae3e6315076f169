package io.tomcatdrain.testkit.fleet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server that the test has started: its process, its output in a file, and the moment of its end. */
public final class ServerProcess implements AutoCloseable {
    private static final Pattern LAME_DUCK = Pattern.compile("LAME_DUCK -> DRAINING, after ([0-9.]+) s");

    private final Process process;
    private final Path output;
    private final CompletableFuture<Long> exitNanos;

    private ServerProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
        this.exitNanos = process.onExit().thenApply(ended -> System.nanoTime());
    }

    /** Starts a command; what it prints is added to the end of the output file. */
    public static ServerProcess start(List<String> command, Map<String, String> environment, Path output) {
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        builder.environment().putAll(environment);
        try {
            return new ServerProcess(builder.start(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    /** Asks the process to end. */
    public void sendSigterm() {
        process.destroy();
    }

    /** Sends it a signal by its name, such as {@code STOP}; a process that has ended gets none. */
    public void signal(String name) {
        signal(process.pid(), name);
    }

    /** Sends a signal to a process that another one has started. */
    public static void signal(long pid, String name) {
        try {
            var kill = new ProcessBuilder("/bin/kill", "-" + name, "" + pid)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            kill.waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Waits for the end of the process and returns its {@link System#nanoTime()}. */
    public long awaitExitNanos(Duration limit) {
        try {
            return exitNanos.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("still running after " + limit + "\n" + tail(), e);
        } catch (ExecutionException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The exit status of the process, which must have ended. */
    public int exitStatus() {
        return process.exitValue();
    }

    /** The last lines of the output that say something, for a failure message. */
    String tail() {
        return tail(output, 60);
    }

    static String tail(Path file, int lines) {
        try {
            var all = new String(Files.readAllBytes(file), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.contains("VersionLoggerListener"))
                    .toList();
            return "--- " + file + "\n" + String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
        } catch (IOException e) {
            return "--- " + file + ": " + e;
        }
    }

    /** How long the lame duck of the latest drain was that a node has logged; zero where there was none. */
    static Duration lameDuck(Path log) {
        try (var lines = Files.lines(log)) {
            var seconds = lines.map(LAME_DUCK::matcher)
                    .filter(Matcher::find)
                    .map(matcher -> matcher.group(1))
                    .reduce("0", (earlier, later) -> later);
            return Duration.ofMillis(Math.round(Double.parseDouble(seconds) * 1000));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        exitNanos.join();
    }
}
