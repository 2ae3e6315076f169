package io.tomcatdrain.scale;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A {@link ScaleServer} in a process of its own. Not thread-safe. */
final class NodeProcess implements AutoCloseable {
    private static final String END = "end of output";

    private final Process process;
    private final PrintStream commands;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private final int port;

    NodeProcess(Mode mode, int uploads) throws IOException, InterruptedException {
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx2g",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ScaleServer.class.getName(),
                        mode.name(),
                        Integer.toString(uploads))
                .redirectError(Redirect.INHERIT)
                .start();
        commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "node-output");
        reader.setDaemon(true);
        reader.start();
        port = Integer.parseInt(await("port")[1]);
    }

    private void read() {
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
            }
        } catch (IOException gone) {
            // the end, as below
        }
        lines.add(END);
    }

    /** Returns the words of the next line that begins so; what comes before it is passed over. */
    String[] await(String begin) throws IOException, InterruptedException {
        String line = lines.poll(120, TimeUnit.SECONDS);
        while (line != null && !line.startsWith(begin + " ")) {
            if (line.equals(END)) {
                throw new IOException("the node ended without saying [" + begin + "]");
            }
            line = lines.poll(120, TimeUnit.SECONDS);
        }
        if (line == null) {
            throw new IOException("the node did not say [" + begin + "]");
        }
        return line.split(" ", -1);
    }

    void send(String command) {
        commands.println(command);
    }

    String[] ask(String command) throws IOException, InterruptedException {
        send(command);
        return await(command);
    }

    InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    HttpResponse<String> http(String method, String path) throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .timeout(Duration.ofMinutes(3))
                        .header("Authorization", "Bearer " + ScaleServer.TOKEN)
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** Waits for the process to end by itself; returns its exit code. */
    int awaitExit() throws IOException, InterruptedException {
        if (!process.waitFor(3, TimeUnit.MINUTES)) {
            throw new IOException("the node does not end");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
