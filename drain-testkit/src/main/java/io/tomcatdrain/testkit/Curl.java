package io.tomcatdrain.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The client that most people try an upload with. */
public final class Curl {
    private Curl() {}

    /** Returns the features that the installed curl names; empty if there is none. */
    public static String features() {
        try {
            return run(List.of("curl", "--version"));
        } catch (IOException notInstalled) {
            return "";
        }
    }

    /** Uploads a file without TLS; see {@link #upload(String, int, String, Path, String...)}. */
    public static String upload(int port, String path, Path file, String... options) throws IOException {
        return upload("http", port, path, file, options);
    }

    /**
     * Uploads a file and returns what came of it.
     *
     * @return the status, how many bytes of body were sent, and the answer's head, each on lines of its own
     */
    public static String upload(String scheme, int port, String path, Path file, String... options) throws IOException {
        List<String> command =
                new ArrayList<>(List.of("curl", "-sS", "--max-time", "120", "-D", "-", "-o", "/dev/null"));
        command.addAll(List.of("-w", "status=%{http_code} sent=%{size_upload} exit=%{exitcode}\n"));
        command.addAll(List.of(options));
        if (!List.of(options).contains("-F")) {
            command.addAll(List.of("-T", file.toString(), "-X", "POST", "-H", "Content-Type: " + App.MULTIPART));
        }
        command.add(scheme + "://127.0.0.1:" + port + path);
        return run(command);
    }

    private static String run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (!process.waitFor(3, TimeUnit.MINUTES)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return output;
    }
}
