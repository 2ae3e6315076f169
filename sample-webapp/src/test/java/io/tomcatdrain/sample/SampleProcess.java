package io.tomcatdrain.sample;

import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.fleet.Parts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** The executable jar as a process of its own, started as a user starts it; all that it prints is kept. */
final class SampleProcess implements AutoCloseable {
    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private SampleProcess(Process process) {
        this.process = process;
        this.reader = new Thread(this::read, "sample-output");
        reader.setDaemon(true);
        reader.start();
    }

    static SampleProcess start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Djava.io.tmpdir=" + Files.createDirectories(Parts.work().resolve("tmp")));
        command.add("-jar");
        command.add(System.getProperty("sample.exec.jar"));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("DRAIN_TOKEN");
        return new SampleProcess(builder.start());
    }

    /** Waits for a line that contains the text, and returns it. */
    String line(String text) {
        return await().atMost(Duration.ofMinutes(3))
                .until(
                        () -> lines.stream()
                                .filter(line -> line.contains(text))
                                .findFirst()
                                .orElse(""),
                        line -> {
                            if (line.isEmpty() && !process.isAlive()) {
                                throw new IllegalStateException("ended without [" + text + "]:\n" + output());
                            }
                            return !line.isEmpty();
                        });
    }

    /** Waits for the end, and returns the exit status. */
    int exitStatus() throws InterruptedException {
        if (!process.waitFor(3, TimeUnit.MINUTES)) {
            throw new IllegalStateException("does not end:\n" + output());
        }
        reader.join();
        return process.exitValue();
    }

    /** Sends SIGTERM. */
    void terminate() {
        process.toHandle().destroy(); // Process.destroy() would close the pipe that we read, too
    }

    String output() {
        return String.join("\n", lines);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    private void read() {
        try (var out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            lines.add("output broke off: " + e);
        }
    }
}
