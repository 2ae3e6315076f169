package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.Http11Client;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Stops a server whose stop fails half-way, by a foreign fault, and then its process by SIGTERM. */
class FailedStopIT {
    private static final int LENGTH = 1_000;

    /** Far below the minute that a process is kept for the rest of a stop, and far above what an end takes. */
    private static final long END_SECONDS = 30;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void losesNoUploadAndKeepsNoProcess(HalfStoppedServer.Fault fault) throws Exception {
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        HalfStoppedServer.class.getName(),
                        directory.toString(),
                        fault.name())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            int port = awaitPort(process, output);
            try (Socket upload = SmallServer.beginUpload(port, "/app/upload", LENGTH, 1)) {
                awaitStatus(port, "\"uploads\":1");
                process.getOutputStream().write('\n');
                process.getOutputStream().flush();
                awaitStatus(port, "\"state\":\"DRAINING\"");
                if (fault == HalfStoppedServer.Fault.START) {
                    process.destroy(); // while it drains: the state of the server must not be taken for the stop's end
                }
                upload.getOutputStream().write(new byte[LENGTH - 1]);
                String answer = new String(upload.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
                assertThat(answer).isEqualTo("HTTP/1.1 200");
            }
            if (fault != HalfStoppedServer.Fault.START) {
                await().atMost(1, TimeUnit.MINUTES)
                        .until(() -> Files.readString(output).contains("stop failed"));
                process.destroy();
            }
            assertThat(process.waitFor(END_SECONDS, TimeUnit.SECONDS))
                    .as(Files.readString(output))
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void leavesNothingBehindOnceTheServerIsDestroyed() throws Exception {
        AtomicInteger stops = new AtomicInteger();
        try (SmallServer server = new SmallServer(directory)) {
            Server whole = server.tomcat.getServer();
            server.tomcat.getEngine().addLifecycleListener(event -> {
                if (Lifecycle.BEFORE_STOP_EVENT.equals(event.getType()) && stops.incrementAndGet() == 1) {
                    throw new IllegalStateException("on purpose");
                }
            });
            server.start();
            assertThatThrownBy(server.tomcat::stop).isInstanceOf(LifecycleException.class);
            Thread jvmHook = StopHook.find(whole).jvmHook();
            assertThat(jvmHook).isNotNull();

            server.tomcat.destroy();

            assertThat(StopHook.find(whole)).isNull();
            assertThat(Runtime.getRuntime().removeShutdownHook(jvmHook))
                    .as("still registered")
                    .isFalse();
            assertThat(stops.get()).isGreaterThan(1);
        }
    }

    private static int awaitPort(Process process, Path output) throws IOException {
        Pattern line = Pattern.compile("port (\\d+)\n");
        await().atMost(1, TimeUnit.MINUTES)
                .until(() -> line.matcher(Files.readString(output)).find() || !process.isAlive());
        Matcher found = line.matcher(Files.readString(output));
        assertThat(found.find()).as(Files.readString(output)).isTrue();
        return Integer.parseInt(found.group(1));
    }

    private static void awaitStatus(int port, String part) {
        await().atMost(1, TimeUnit.MINUTES)
                .until(() -> Http11Client.get(port, "/drain", "Authorization: Bearer " + SmallServer.TOKEN)
                        .text()
                        .contains(part));
    }
}
