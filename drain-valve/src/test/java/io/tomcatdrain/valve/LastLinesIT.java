package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.Http11Client;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ends a process by SIGTERM while somebody uploads, and looks for who that was, whatever the log manager does at that signal. */
class LastLinesIT {
    private static final int LENGTH = 1_000;

    @TempDir
    private Path directory;

    /** Whose log it is. */
    enum Manager {
        JDK("java.util.logging.LogManager"),
        JULI("org.apache.juli.ClassLoaderLogManager"),
        LOG4J("org.apache.logging.log4j.jul.LogManager");

        private final String type;

        Manager(String type) {
            this.type = type;
        }
    }

    /** A process with a server, and all that it has written. */
    private final class Server implements AutoCloseable {
        private final Path output = directory.resolve("output");
        private final Process process;
        private final int port;

        Server(Manager manager, String... more) throws Exception {
            Path log4j = directory.resolve("log4j2.xml");
            Files.writeString(log4j, """
                    <Configuration>
                      <Appenders><Console name="console"><PatternLayout pattern="%level %message%n"/></Console></Appenders>
                      <Loggers><Root level="info"><AppenderRef ref="console"/></Root></Loggers>
                    </Configuration>
                    """);
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Djava.util.logging.manager=" + manager.type,
                    "-Dlog4j2.configurationFile=" + log4j,
                    // As in Tomcat's launcher, where Log4j cannot see the servlet API: it closes at SIGTERM.
                    "-Dlog4j2.is.webapp=false",
                    "-cp",
                    System.getProperty("java.class.path"),
                    LeavingServer.class.getName(),
                    directory.toString()));
            command.addAll(List.of(more));
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            Pattern line = Pattern.compile("port (\\d+)\n");
            await().atMost(1, TimeUnit.MINUTES)
                    .until(() -> line.matcher(written()).find() || !process.isAlive());
            Matcher found = line.matcher(written());
            assertThat(found.find()).as(written()).isTrue();
            port = Integer.parseInt(found.group(1));
        }

        String written() throws IOException {
            return Files.readString(output);
        }

        Socket beginUpload(String path) throws IOException {
            Socket upload = SmallServer.beginUpload(port, path, LENGTH, 1);
            await().atMost(1, TimeUnit.MINUTES)
                    .until(() -> Http11Client.get(port, "/drain", "Authorization: Bearer " + SmallServer.TOKEN)
                            .text()
                            .contains("\"uploads\":1"));
            return upload;
        }

        void terminate() {
            process.destroy();
        }

        void awaitEnd() throws InterruptedException {
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @EnumSource
    void nameWhoWasGivenUp(Manager manager) throws Exception {
        try (Server server = new Server(manager);
                Socket upload = server.beginUpload("/app/given/up")) {
            server.terminate();
            server.awaitEnd();
            assertThat(upload.isClosed()).isFalse();
            assertThat(server.written().lines())
                    .anySatisfy(line -> assertThat(line)
                            .contains("drain[Tomcat]", "uploads given up: [#1 POST /app/given/up from 127.0.0.1"));
        }
    }

    @Test
    void nameNobodyWhereNobodyWasGivenUp() throws Exception {
        try (Server server = new Server(Manager.JDK, "with ten minutes");
                Socket upload = server.beginUpload("/app/whole")) {
            server.terminate();
            upload.getOutputStream().write(new byte[LENGTH - 1]);
            server.awaitEnd();
            assertThat(server.written()).doesNotContain("EXPIRED");
        }
    }
}
