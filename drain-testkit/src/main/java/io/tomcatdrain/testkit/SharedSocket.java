package io.tomcatdrain.testkit;

import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A listening socket on loopback that belongs to no server: the processes that are started here inherit it as their standard input, and
 * the connections that none of them accepts wait in its queue. Held by a process of its own, since Java can hand no socket to another.
 */
public final class SharedSocket implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(3);

    private final Process holder;
    private final BufferedReader answers;
    private final int port;
    private final List<ProcessHandle> started = new ArrayList<>();

    /**
     * Opens it.
     *
     * @param directory where the holder's script goes
     */
    public SharedSocket(Path directory) throws IOException {
        Path script = directory.resolve("shared-socket.pl");
        try (InputStream text = SharedSocket.class.getResourceAsStream("shared-socket.pl")) {
            Files.copy(text, script, StandardCopyOption.REPLACE_EXISTING);
        }
        holder = new ProcessBuilder("perl", script.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        answers = holder.inputReader(StandardCharsets.UTF_8);
        port = Integer.parseInt(answers.readLine());
    }

    public int port() {
        return port;
    }

    /**
     * Starts a process that inherits the socket, and does not wait for it.
     *
     * @param console the file to which its output is added
     */
    public ProcessHandle start(Path console, List<String> command) throws IOException {
        holder.getOutputStream()
                .write((console + "\t" + String.join("\t", command) + "\n").getBytes(StandardCharsets.UTF_8));
        holder.getOutputStream().flush();
        ProcessHandle process =
                ProcessHandle.of(Long.parseLong(answers.readLine())).orElseThrow();
        started.add(process);
        return process;
    }

    /** Waits until that text is in the file. */
    public static void awaitLine(ProcessHandle process, Path console, String text) {
        await(text + " in " + console).atMost(LIMIT).until(() -> {
            boolean alive = process.isAlive();
            String written = Files.exists(console) ? Files.readString(console) : "";
            if (!alive && !written.contains(text)) {
                throw new AssertionError("ended without [" + text + "]\n" + written);
            }
            return written.contains(text);
        });
    }

    /** Waits until the process has ended. */
    public static void awaitEnd(ProcessHandle process) {
        await("the end of process " + process.pid()).atMost(LIMIT).until(() -> !process.isAlive());
    }

    @Override
    public void close() {
        started.forEach(ProcessHandle::destroyForcibly);
        holder.destroyForcibly();
    }
}
