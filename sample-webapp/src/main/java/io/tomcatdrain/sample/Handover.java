package io.tomcatdrain.sample;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command that plays the upgrade of a single machine: the next server takes the socket over, and nothing is lost. */
@Command(
        name = "handover",
        header = "Plays the upgrade of one machine without a balancer: the next Tomcat takes over the socket.",
        description = "Exit status 0 only if every upload arrived complete and every page was answered. Needs perl.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
final class Handover implements Callable<Integer> {
    private static final String LAUNCHER = "tomcat-socket";
    private static final int UPLOADERS = 3;
    private static final int UPLOAD_SIZE = 400_000;
    private static final Duration UPLOAD_TIME = Duration.ofSeconds(4);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private final AtomicInteger pages = new AtomicInteger();
    private final AtomicInteger uploads = new AtomicInteger();
    private final AtomicInteger heldUploads = new AtomicInteger();
    private final Queue<String> problems = new ConcurrentLinkedQueue<>();
    private volatile boolean told;
    private volatile boolean ending;

    private Handover() {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("tomcat-drain-handover");
        var screen = new Screen(spec.commandLine().getOut(), false);
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Process launcher;
        try {
            launcher = launcher(directory, port);
        } catch (IOException missing) {
            spec.commandLine().getErr().println("Cannot run perl: " + missing.getMessage());
            return ExitCode.SOFTWARE;
        }
        try {
            play(screen, directory, launcher, URI.create("http://127.0.0.1:" + port));
        } finally {
            launcher.destroy(); // it ends what it has started
            if (!launcher.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                launcher.descendants().forEach(ProcessHandle::destroyForcibly);
                launcher.destroyForcibly();
            }
        }
        problems.forEach(problem -> screen.say("LOST: " + problem));
        if (problems.isEmpty()) {
            SampleServer.delete(directory);
            screen.say("Nothing was lost.");
            return ExitCode.OK;
        }
        screen.say("FAILED. The servers' log is in " + directory);
        return ExitCode.SOFTWARE;
    }

    private static Process launcher(Path directory, int port) throws IOException {
        Path script = directory.resolve(LAUNCHER);
        try (InputStream text = Handover.class.getResourceAsStream("/" + LAUNCHER)) {
            if (text == null) {
                throw new IOException(LAUNCHER + " is missing: start the jar whose name ends in -exec.jar");
            }
            Files.copy(text, script);
        }
        return new ProcessBuilder(
                        "perl",
                        script.toString(),
                        "127.0.0.1:" + port,
                        directory.toString(),
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Heir.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(log(directory).toFile())
                .start();
    }

    private static Path log(Path directory) {
        return directory.resolve("servers.log");
    }

    private void play(Screen screen, Path directory, Process launcher, URI root)
            throws IOException, InterruptedException {
        await("the launcher", () -> Files.exists(directory.resolve("socket.pid")));
        start("USR1", launcher);
        await("blue", () -> logHas(directory, "blue" + Heir.READY));
        screen.say("blue serves at " + root + ", a socket that it has inherited");

        List<Thread> clients = new ArrayList<>();
        clients.add(new Thread(() -> read(root), "reader"));
        for (int i = 1; i <= UPLOADERS; i++) {
            String name = "file-" + i;
            clients.add(new Thread(() -> upload(root, name), "uploader"));
        }
        clients.forEach(Thread::start);
        screen.say(UPLOADERS + " clients upload all the time, and one reads pages");

        start("USR2", launcher);
        screen.say("green starts beside it, as the next version would");
        await("green", () -> logHas(directory, "green" + Heir.READY));
        told = true;
        long blue =
                Long.parseLong(Files.readString(directory.resolve("blue.pid")).trim());
        ProcessHandle.of(blue).ifPresent(ProcessHandle::destroy);
        screen.say("green is ready, so blue is told to stop, with uploads under way");
        await("the end of blue", () -> Files.notExists(directory.resolve("blue.pid")));
        screen.say("blue has ended; it finished " + heldUploads + " uploads after it had been told to stop");
        ending = true;
        for (Thread client : clients) {
            client.join(LIMIT.toMillis());
        }
        screen.say(uploads + " uploads and " + pages + " pages were answered well");
        if (!Files.readString(log(directory)).contains("DRAINING -> DRAINED")) {
            problems.add("what blue printed: its log breaks off");
        }
    }

    /** A signal for which the launcher starts a server. */
    private static void start(String signal, Process launcher) throws IOException, InterruptedException {
        new ProcessBuilder("sh", "-c", "kill -s " + signal + " " + launcher.pid())
                .inheritIO()
                .start()
                .waitFor();
    }

    private static boolean logHas(Path directory, String line) {
        try {
            return Files.readString(log(directory)).contains(line);
        } catch (IOException notYet) {
            return false;
        }
    }

    private static void await(String what, BooleanSupplier reached) throws IOException {
        long until = System.nanoTime() + LIMIT.toNanos();
        while (!reached.getAsBoolean()) {
            if (System.nanoTime() - until > 0) {
                throw new IOException("waited in vain for " + what);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void read(URI root) {
        HttpClient http = client();
        while (!ending) {
            try {
                int status = http.send(
                                HttpRequest.newBuilder(root.resolve("/page")).build(),
                                BodyHandlers.ofString(StandardCharsets.UTF_8))
                        .statusCode();
                count(pages, status == 200 ? null : "a page, " + status);
            } catch (IOException lost) {
                count(pages, "a page, " + lost);
            } catch (InterruptedException ended) {
                return;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void upload(URI root, String name) {
        HttpClient http = client();
        while (!ending) {
            var upload = DemoUpload.form(name, UPLOAD_SIZE, false, UPLOAD_TIME);
            HttpResponse<String> response = null;
            Throwable failure = null;
            try {
                response = http.send(
                        HttpRequest.newBuilder(root.resolve(upload.path()))
                                .header("Content-Type", upload.contentType())
                                .POST(upload.body())
                                .build(),
                        BodyHandlers.ofString(StandardCharsets.UTF_8));
            } catch (IOException lost) {
                failure = lost;
            } catch (InterruptedException ended) {
                return;
            }
            var outcome = upload.judge(response, failure);
            count(uploads, outcome.complete() ? null : name + ": " + outcome.text());
            if (told && response != null && response.body().contains("\"blue\"")) {
                heldUploads.incrementAndGet();
            }
        }
    }

    private void count(AtomicInteger well, @Nullable String problem) {
        if (problem == null) {
            well.incrementAndGet();
        } else {
            problems.add(problem);
        }
    }

    private static HttpClient client() {
        return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }
}
