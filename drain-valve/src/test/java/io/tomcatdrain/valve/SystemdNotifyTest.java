package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.testkit.CapturedLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a drain says at a real socket, by the real systemd-notify. */
@Timeout(120)
class SystemdNotifyTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final Duration PERIOD = Duration.ofMillis(100);
    private static final long LENGTH = 1_000_000;

    private final NodeDrain drain = new NodeDrain(
            "test",
            DrainSettings.of(
                    Map.of("lameDuck", "off", "uploadTimeout", "5m", "stallTimeout", "5m", "requestTimeout", "5m")));
    private final AtomicLong bytes = new AtomicLong();

    @BeforeEach
    void quiet() {
        CapturedLog.keepOffTheConsole();
    }

    private SystemdNotify watching(NotifySocket socket) {
        SystemdNotify systemd = new SystemdNotify(
                SystemdNotify.PROGRAM, Map.of("NOTIFY_SOCKET", socket.path().toString()), PERIOD);
        systemd.watch(drain);
        return systemd;
    }

    private Ticket upload() {
        return drain.enterUpload(new TestSource(bytes, LENGTH));
    }

    private static void awaitWord(NotifySocket socket, String beginning) {
        await(beginning).atMost(LIMIT).until(() -> socket.count(beginning) > 0);
    }

    @Test
    void saysOnceThatTheServerIsReady() throws IOException {
        try (NotifySocket socket = new NotifySocket()) {
            SystemdNotify systemd = watching(socket);
            systemd.serverStarted();
            awaitWord(socket, "READY=1");
            awaitWord(socket, "STATUS=Serving");
            systemd.serverStarted();
            drain.start("upgrade");
            awaitWord(socket, "STATUS=Drained");
            assertThat(socket.count("READY=1")).isOne();
        }
    }

    /** Of a drain that is no stop systemd's clock knows nothing, and STOPPING=1 could not be taken back. */
    @Test
    void saysWhoADrainWaitsForAndThatItWasUndone() throws IOException {
        try (NotifySocket socket = new NotifySocket()) {
            watching(socket);
            Ticket upload = upload();
            drain.start("upgrade");
            awaitWord(socket, "STATUS=Draining: waits for uploads 1, requests 0");
            bytes.set(1);
            await().atMost(LIMIT).until(() -> socket.count("STATUS=Draining") > 1); // the time left gets less
            drain.resume();
            awaitWord(socket, "STATUS=Serving");
            upload.close();
            assertThat(socket.count("EXTEND_TIMEOUT_USEC=")).isZero();
            assertThat(socket.count("STOPPING=")).isZero();
        }
    }

    @Test
    void asksForTimeWhileAnUploadOfAStopMovesAndNoLonger() throws IOException {
        try (NotifySocket socket = new NotifySocket()) {
            watching(socket);
            Ticket upload = upload();
            drain.startForStop("SIGTERM", true);
            for (int more = 1; more <= 3; more++) {
                int seen = more;
                await("extension " + more).atMost(LIMIT).until(() -> {
                    bytes.addAndGet(1);
                    return socket.count("EXTEND_TIMEOUT_USEC=400000") >= seen;
                });
            }
            // It stalls from here on: the look that is under way and the next one may still count it.
            awaitMoreStatus(socket, 3);
            long extensions = socket.count("EXTEND_TIMEOUT_USEC=");
            awaitMoreStatus(socket, 2);
            assertThat(socket.count("EXTEND_TIMEOUT_USEC=")).isEqualTo(extensions);

            // Complete, it is in the hands of the application, which may take its time.
            bytes.set(LENGTH);
            await().atMost(LIMIT).until(() -> socket.count("EXTEND_TIMEOUT_USEC=") > extensions + 2);
            upload.close();
            awaitWord(socket, "STATUS=Drained: nothing is in flight");
        }
    }

    /** Waits for the words of so many looks; the time left changes once a second. */
    private static void awaitMoreStatus(NotifySocket socket, int looks) {
        long before = socket.count("STATUS=");
        await("what is said of a stop that waits in vain")
                .atMost(LIMIT)
                .until(() -> socket.count("STATUS=") >= before + looks);
    }

    @Test
    void warnsOnceWhereTheProgramIsMissing() {
        try (CapturedLog log = new CapturedLog(SystemdNotify.class.getName())) {
            SystemdNotify systemd = new SystemdNotify("no-such-program", Map.of(), PERIOD);
            systemd.watch(drain);
            systemd.serverStarted();
            await().atMost(LIMIT).until(() -> !log.warnings().isEmpty());
            drain.start("upgrade");
            drain.resume();
            systemd.serverStarted();
            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
            assertThat(log.warnings())
                    .singleElement()
                    .asString()
                    .contains("no-such-program", "TimeoutStopSec must be longer than a drain may take");
        }
    }

    @Test
    void nothingWaitsForAProgramThatHangsAndItIsKilled(@TempDir Path directory) throws Exception {
        Path pid = directory.resolve("pid");
        Path hangs =
                Files.writeString(directory.resolve("hangs"), "#!/bin/sh\necho $$ > '" + pid + "'\nexec sleep 600\n");
        Files.setPosixFilePermissions(hangs, PosixFilePermissions.fromString("rwx------"));
        SystemdNotify systemd = new SystemdNotify(hangs.toString(), Map.of(), PERIOD);
        systemd.watch(drain);
        drain.startForStop("SIGTERM", true);
        assertThat(drain.awaitStop()).isTrue();
        await("it runs")
                .atMost(LIMIT)
                .until(() -> Files.exists(pid) && !Files.readString(pid).isEmpty());
        ProcessHandle.of(Long.parseLong(Files.readString(pid).strip()))
                .ifPresent(program -> await("it was killed").atMost(LIMIT).until(() -> !program.isAlive()));
    }
}
