package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.net.ConnectException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.util.ServerInfo;
import org.apache.catalina.webresources.TomcatURLStreamHandlerFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Resolves what the valve reflects on in the Tomcat at hand, and runs drains on one that lacks it. */
class TomcatInternalsIT {
    private static final String JULI = "org.apache.juli.ClassLoaderLogManager";

    /** Without these a valve can close the listeners only of connectors that it met before they were bound: below the engine it has not. */
    private static final List<String> CLOSING =
            List.of("getEndpoint", "serverSock", "bindState", "SOCKET_CLOSED_ON_STOP", "acceptor", "stopMillis");

    @Tag("oldest")
    @Test
    void thisTomcatHasAll() throws Exception {
        var internals = new TomcatInternals(Class.forName(JULI, false, TomcatInternalsIT.class.getClassLoader()));
        assertThat(internals.missing()).isEqualTo(lacking());
        assertThat(internals.canCloseListeners()).isTrue();
        assertThat(internals.canKeepLog()).isTrue();
        assertThat(TomcatInternals.get().missing()).isEqualTo(lacking());
    }

    /** Before 10.1.12 a stream's processor is its own monitor, which no other thread can try. */
    private static List<String> lacking() {
        String[] version = ServerInfo.getServerNumber().split("\\.");
        boolean hasLock = !version[0].equals("10") || Integer.parseInt(version[2]) >= 12;
        return hasLock ? List.of() : List.of("StreamProcessor.processLock");
    }

    /** What the valve does without is the same in both lines: of 10.1 only those that it has otherwise. */
    static List<String> members() {
        return ServerInfo.getServerNumber().startsWith("10.")
                ? List.of("stopMillis", "getLock")
                : List.of(
                        "hook",
                        "errorState",
                        "getEndpoint",
                        "serverSock",
                        "bindState",
                        "SOCKET_CLOSED_ON_STOP",
                        "acceptor",
                        "stopMillis",
                        "connectionLimitLatch",
                        "paused",
                        "getLock",
                        "activeRemoteStreamCount",
                        "pausedNanoTime",
                        "closeConnection",
                        "socketWrapper",
                        "processLock",
                        "streams",
                        "getWindowSize",
                        "coyoteRequest",
                        "canWrite",
                        "sendfileData",
                        "left",
                        "accessLogScanComplete");
    }

    @ParameterizedTest
    @MethodSource("members")
    void withoutOneOfThemADrainStillRefusesAndTheServerStops(String member) throws Exception {
        try (RenamedTomcat renamed = new RenamedTomcat(member)) {
            Class<?> inside = renamed.loadClass(Inside.class.getName());
            for (String position : CLOSING.contains(member) ? List.of("ENGINE", "HOST") : List.of("ENGINE")) {
                inside.getDeclaredMethod("drain", String.class, String.class).invoke(null, member, position);
            }
        }
    }

    @Test
    void withoutALookAtTheAccessLogsALateValveNoticesEndsItself() throws Exception {
        try (RenamedTomcat renamed = new RenamedTomcat("accessLogScanComplete")) {
            renamed.loadClass(Inside.class.getName())
                    .getDeclaredMethod("comeLate")
                    .invoke(null);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"isUseShutdownHook", "setUseShutdownHook", "shutdown"})
    void withoutOneOfTheLogManagersItIsLeftAlone(String member) throws Exception {
        try (RenamedTomcat renamed = new RenamedTomcat(member)) {
            renamed.loadClass(Inside.class.getName())
                    .getDeclaredMethod("keepLog", String.class)
                    .invoke(null, member);
        }
    }

    /** Runs with the classes of the Tomcat that has been changed; public, for who calls it is of another loader. */
    public static final class Inside {
        static {
            TomcatURLStreamHandlerFactory.disable(); // a JVM has one, another copy's
        }

        private Inside() {}

        public static void keepLog(String member) throws Exception {
            try (CapturedLog log = new CapturedLog("io.tomcatdrain")) {
                var internals = new TomcatInternals(Class.forName(JULI, false, Inside.class.getClassLoader()));
                assertThat(internals.missing()).containsExactly("ClassLoaderLogManager." + member);
                assertThat(internals.canKeepLog()).isFalse();
                assertThat(log.lines())
                        .filteredOn(line -> line.contains(member))
                        .singleElement()
                        .asString()
                        .startsWith("ClassLoaderLogManager." + member)
                        .contains("the last lines of a stop may not reach the log");
            }
        }

        public static void comeLate() throws Exception {
            for (TestServer.Position position : TestServer.Position.values()) {
                try (CapturedLog log = new CapturedLog(DrainValve.class.getName())) {
                    RestartedValveIT.noticesEndsWithoutBeingAsked(
                            position,
                            server -> server.tomcat().getEngine().setParentClassLoader(Inside.class.getClassLoader()));
                    assertThat(log.lines())
                            .filteredOn(line -> line.contains("added to a container that runs"))
                            .hasSize(1);
                }
            }
        }

        /** Drains once without closing listeners and once with; an open one must refuse, and what was accepted ends well. */
        public static void drain(String member, String position) throws Exception {
            // In this line an older method does the same.
            boolean replaced =
                    member.equals("stopMillis") && ServerInfo.getServerNumber().startsWith("10.1.");
            try (CapturedLog log = new CapturedLog("io.tomcatdrain")) {
                for (String closeListener : position.equals("ENGINE") ? List.of("false", "true") : List.of("true")) {
                    drain(TestServer.Position.valueOf(position), closeListener);
                }
                // Said once for each Tomcat: the second position finds it resolved.
                assertThat(log.lines())
                        .filteredOn(line -> line.contains("of this Tomcat ["))
                        .hasSize(replaced || !position.equals("ENGINE") ? 0 : members(member))
                        .allSatisfy(line -> assertThat(line).contains(member));
                assertThat(log.lines()).noneMatch(line -> line.startsWith("SEVERE"));
            }
            assertThat(TomcatInternals.get().missing())
                    .hasSize(replaced ? 0 : members(member))
                    .allSatisfy(missing -> assertThat(missing).contains(member));
        }

        /** How many members of Tomcat's have that name. */
        private static int members(String name) {
            return name.equals("hook") ? 2 : 1; // of a request, and of a response
        }

        private static void drain(TestServer.Position position, String closeListener) throws Exception {
            try (TestServer server = TestServer.with(position)
                            .set("closeListener", closeListener)
                            .customize(each ->
                                    each.tomcat().getEngine().setParentClassLoader(Inside.class.getClassLoader()))
                            .start();
                    SlowUpload upload = SlowUpload.begin(server, "/app/upload");
                    SlowUpload async = SlowUpload.begin(server, "/app/async/upload");
                    SlowUpload ajp = SlowUpload.beginAjp(server, "/app/upload")) {
                Connector http = server.tomcat().getConnector();
                int port = server.port();
                var over = server.drain().start("test");
                await().until(() -> server.drain().state() == DrainState.DRAINING);
                try {
                    Answer answer = Http11Client.get(port, "/app/ok");
                    assertThat(answer.status()).as("%s", http).isEqualTo(503);
                    assertThat(answer.header("X-Drain")).isEqualTo("refused");
                } catch (ConnectException closed) {
                    assertThat(closeListener).isEqualTo("true");
                }
                upload.finishWhole();
                async.finishWhole();
                ajp.finishWhole();
                assertThat(over.get(60, TimeUnit.SECONDS).outcome()).hasToString("DRAINED");
                server.tomcat().stop();
            }
        }
    }
}
