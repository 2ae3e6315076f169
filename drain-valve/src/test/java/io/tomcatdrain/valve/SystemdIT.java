package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SharedSocket;
import io.tomcatdrain.testkit.fleet.Ports;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server that is a service of systemd, as far as a test can be systemd: it starts the process with {@code NOTIFY_SOCKET}, sends SIGTERM,
 * and kills after {@code TimeoutStopSec} unless the process has asked for more time.
 *
 * <p>{@code -Dsystemd.timeoutStop=90} makes that 90 s, as long as by default; the upload lasts a quarter longer.
 */
@Timeout(240)
class SystemdIT {
    /** Within it a machine that does much else must get the first word out. */
    private static final int TIMEOUT_STOP_SECONDS = Integer.getInteger("systemd.timeoutStop", 8);

    private static final int PIECES_OF_TIMEOUT = 16;
    private static final int PIECES = PIECES_OF_TIMEOUT * 5 / 4;
    private static final int LENGTH = PIECES + 1;

    @TempDir
    private Path directory;

    @Test
    void anUploadOutlivesTimeoutStopSec() throws Exception {
        try (SharedSocket shared = new SharedSocket(directory);
                NotifySocket systemd = new NotifySocket()) {
            Path console = directory.resolve("console");
            ProcessHandle server = shared.start(
                    console,
                    List.of(
                            "/usr/bin/env",
                            "NOTIFY_SOCKET=" + systemd.path(),
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:TieredStopAtLevel=1",
                            "-Dtomcat.log=true",
                            "-cp",
                            System.getProperty("java.class.path"),
                            HeirServer.class.getName(),
                            directory.toString(),
                            "HTTP",
                            "" + Ports.free()));
            await("READY=1").atMost(Duration.ofMinutes(1)).until(() -> systemd.count("READY=1") == 1);
            try (Socket socket = SmallServer.beginUpload(shared.port(), "/app/upload", LENGTH, 1);
                    Http11Client upload = new Http11Client(socket)) {
                // Its head has been read once another one, which came later, was answered.
                assertThat(Http11Client.get(shared.port(), "/app/ok").status()).isEqualTo(200);
                long stopNanos = System.nanoTime();
                long timeoutStopNanos = TimeUnit.SECONDS.toNanos(TIMEOUT_STOP_SECONDS);
                server.destroy();
                for (int piece = 1; piece <= PIECES; piece++) {
                    long next = stopNanos + timeoutStopNanos / PIECES_OF_TIMEOUT * piece;
                    for (long left = next - System.nanoTime(); left > 0; left = next - System.nanoTime()) {
                        LockSupport.parkNanos(left);
                    }
                    if (!systemd.mayLive(stopNanos, timeoutStopNanos)) {
                        server.destroyForcibly();
                    }
                    upload.send(new byte[1]);
                }
                assertThat(upload.answer().status())
                        .as(systemd.words().toString())
                        .isEqualTo(200);
                assertThat(systemd.count("EXTEND_TIMEOUT_USEC=")).isPositive();
                assertThat(systemd.count("STATUS=Draining: waits for uploads 1"))
                        .isPositive();
                assertThat(systemd.count("STOPPING=")).isZero();
            }
            SharedSocket.awaitEnd(server);
        }
    }
}
