package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.fleet.Ports;
import java.io.StringReader;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.catalina.Container;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Server;
import org.apache.catalina.startup.Catalina;
import org.apache.tomcat.util.digester.Digester;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xml.sax.InputSource;

/** A mistake in the configuration stops the start, and the message tells how to mend it. */
class ConfigurationIT {
    @TempDir
    static Path directory;

    /** Attribute, value, how the message shows the value, and the remedy. */
    private static final String MISTAKES = """
            uploadTimout  | 5m              | [uploadTimout]    | did you mean [uploadTimeout]
            uploadTimeout | 5 minutes       | [5 minutes]       | 10m
            uploadTimeout | -1s             | [-1s]             | must not be negative
            stallTimeout  | 0s              | [0s]              | more than zero
            requestTimeout| 99999999999999h | [99999999999999h] | at most 3650 days
            token         | short           | [***]             | openssl rand
            token         | ${drain.token}  | placeholder       | -Dname=value
            path          | drain           | [drain]           | [/drain]
            path          | /               | [/]               | [/drain]
            refuse        | some            | [some]            | [all, uploads]
            drainOnStop   | maybe           | [maybe]           | [true] or [false]
            refusalStatus | 200             | [200]             | from 400 to 599
            probeFailures | x               | [x]               | from 1 to 1000
            controlPort   | 1               | [1]               | leave controlPort out
            lameDuck      | sometimes       | [sometimes]       | auto
            """;

    private static final String HOST =
            "<Host name='localhost' appBase='none' autoDeploy='false' deployOnStartup='false'"
                    + " createDirs='false'/></Engine></Service></Server>";

    private static TestServer.Builder with(TestServer.Position position, String name, String value) {
        return TestServer.with(position).set(name, value);
    }

    @ParameterizedTest
    @CsvSource(textBlock = MISTAKES, delimiter = '|')
    void mistakeStopsTheStart(String name, String value, String shown, String remedy) {
        assertThatThrownBy(() -> with(TestServer.Position.ENGINE, name, value).start())
                .satisfies(thrown -> assertThat(messages(thrown))
                        .contains("DrainValve[Tomcat]", name, shown, remedy)
                        .doesNotContain(name.equals("token") && value.equals("short") ? "[short]" : "\0"));
    }

    @Test
    void contradictionStopsTheStart() {
        assertThatThrownBy(() -> with(TestServer.Position.ENGINE, "refuse", "uploads")
                        .set("closeListener", "true")
                        .start())
                .satisfies(thrown -> assertThat(messages(thrown))
                        .contains("closeListener [true]", "refuse [uploads]", "use refuse [all]"));
    }

    /** Tomcat starts hosts and contexts on its own account; neither may serve without the valve that it was given. */
    @ParameterizedTest
    @EnumSource(TestServer.Position.class)
    void nothingIsServedThatHasAValveWithAMistake(TestServer.Position position) throws Exception {
        TestServer server = with(position, "uploadTimeout", "soon").build();
        try {
            try {
                server.tomcat().start();
            } catch (LifecycleException expected) {
                assertThat(messages(expected)).contains("uploadTimeout");
            }
            assertThat(server.home(position).getState()).isEqualTo(LifecycleState.FAILED);
            if (server.tomcat().getConnector().getState().isAvailable()) {
                assertThat(Http11Client.get(server.port(), "/app/ok").status()).isNotEqualTo(200);
            }
        } finally {
            end(server.tomcat().getServer());
        }
    }

    /** Whether it is there from the start or deployed later. */
    @ParameterizedTest
    @CsvSource({"ENGINE, /drain, true", "HOST, /drain/ui, true", "ENGINE, /drainage, false"})
    void anApplicationThatTheEndpointsHideIsNamed(TestServer.Position position, String path, boolean hidden)
            throws Exception {
        try (CapturedLog log = new CapturedLog(DrainValve.class.getName());
                TestServer server = TestServer.with(position)
                        .customize(each -> TestServer.addApp(
                                each.tomcat(), path, each.directory().toFile(), each.app()))
                        .start()) {
            Container host = server.tomcat().getHost();
            host.removeChild(host.findChild(path));
            TestServer.addApp(server.tomcat(), path, server.directory().toFile(), server.app());
            assertThat(log.warnings())
                    .filteredOn(line -> line.contains("cannot be reached"))
                    .hasSize(hidden ? 2 : 0)
                    .allMatch(line -> line.contains("[" + path + "]"));
        }
    }

    /** Each where it sits, and each says what a stop does. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ENGINE  | lameDuck      | auto             | endpoints at [/drain], control over HTTP off, since there is no token; a stop waits for uploads at most [10m], for other requests [30s], after a lame duck of [auto, at most 30s]
            HOST    | token         | a-token-of-tests | control over HTTP on, by token
            CONTEXT | lameDuck      | off              | after a lame duck of [off]
            ENGINE  | killAfter     | 11m              | all within killAfter [11m]
            ENGINE  | uploadTimeout | 600              | waits for uploads at most [600ms]
            ENGINE  | drainOnStop   | false            | a stop does not drain, as drainOnStop [false] says
            """)
    void theStartSaysInOneLineThatTheValveIsActive(TestServer.Position position, String name, String value, String said)
            throws Exception {
        try (CapturedLog log = new CapturedLog(DrainValve.class.getName(), line -> line.contains(": active, "));
                TestServer server = with(position, name, value).start()) {
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .startsWith("DrainValve[" + server.valve().drain().name() + "]: active, endpoints at [/drain]")
                    .contains(said)
                    .doesNotContain("a-token-of-tests");
        }
    }

    /** Between the two Tomcat logs a hundred lines. */
    @Test
    void theReasonOfAFailedStartIsTheFirstAndTheLastThatIsLogged() throws Exception {
        Server server = parse("<Valve className='io.tomcatdrain.valve.DrainValve' uploadTimout='5m'/>");
        String reason = "DrainValve[Catalina]: unknown attribute [uploadTimout]; did you mean [uploadTimeout]?";
        List<String> lines = new ArrayList<>();
        Thread starts = Thread.currentThread();
        Predicate<String> ofThisServer = line -> Thread.currentThread() == starts && lines.add(line);
        try (var ours = new CapturedLog(DrainValve.class.getName(), ofThisServer);
                var tomcats = new CapturedLog("org.apache.catalina", ofThisServer)) {
            assertThatThrownBy(server::start).isInstanceOf(LifecycleException.class);
            assertThatThrownBy(server::destroy).isInstanceOf(LifecycleException.class); // by Catalina, too
            assertThat(ours.lines()).containsExactly(reason, reason);
            assertThat(tomcats.lines()).isNotEmpty();
        }
        assertThat(lines).startsWith("Starting service [Catalina]", reason).endsWith(reason);
    }

    @Test
    void twoValvesInOneContainerStopTheStart() throws Exception {
        String valve = "<Valve className='io.tomcatdrain.valve.DrainValve'/>";
        Server server = parse(valve + valve);
        try {
            assertThatThrownBy(server::start)
                    .satisfies(thrown -> assertThat(messages(thrown))
                            .contains("DrainValve[Catalina]: [2] DrainValves in one container", "keep one of them"));
        } finally {
            end(server);
        }
    }

    @Test
    void noAttributeCanBeChangedWhileTheServerRuns() throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            assertThatThrownBy(() -> server.valve().setUploadTimeout("1s"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("uploadTimeout");
            assertThat(server.valve().getUploadTimeout()).isEqualTo("10m");
        }
    }

    /** As in a real server.xml: the digester swallows what a setter throws and ignores attributes that nobody takes. */
    @ParameterizedTest
    @CsvSource(textBlock = MISTAKES, delimiter = '|')
    void mistakeInAServerXmlStopsTheStart(String name, String value, String shown, String remedy) throws Exception {
        Server server = parse("<Valve className='io.tomcatdrain.valve.DrainValve' " + name + "='" + value + "'/>");
        try {
            assertThatThrownBy(server::start)
                    .satisfies(thrown -> assertThat(messages(thrown)).contains(name, shown, remedy));
        } finally {
            end(server);
        }
    }

    @Test
    void rightServerXmlStarts() throws Exception {
        Server server = parse("<Valve className='io.tomcatdrain.valve.DrainValve' lameDuck='off' uploadTimeout='5m'/>");
        server.start();
        try {
            DrainValve valve = (DrainValve)
                    server.findServices()[0].getContainer().getPipeline().getFirst();
            assertThat(valve.drain().settings().uploadTimeout()).hasMinutes(5);
        } finally {
            server.stop();
            server.destroy();
        }
    }

    /** The lines of server.xml that each front end's README shows, with other addresses. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "httpd-mod_jk",
                "httpd-mod_jk-close-listener",
                "httpd-mod_proxy_http",
                "httpd-mod_proxy_http-close-listener",
                "httpd-mod_proxy_ajp",
                "nginx-buffering",
                "nginx-streaming",
                "haproxy",
                "caddy",
                "lighttpd"
            })
    void theLinesOfEachExampleStartWithoutAWarning(String example) throws Exception {
        String readme = Files.readString(Path.of("../examples", example, "README.md"));
        int lines = readme.indexOf("```xml\n") + "```xml\n".length();
        String xml = readme.substring(lines, readme.indexOf("```", lines))
                .replace("10.0.0.11", "127.0.0.1")
                .replaceAll("port=\"80[08]9?0?\"", "port=\"0\"")
                .replaceAll("(ort=)\"8090\"", "$1\"" + Ports.free() + "\"")
                .replace("${drain.token}", "a-token-of-tests");
        try (CapturedLog log = new CapturedLog(DrainValve.class.getName())) {
            Server server = parsed("<Server port='-1'><Service name='Catalina'>" + xml + HOST);
            server.start();
            server.stop();
            server.destroy();
            assertThat(log.warnings()).isEmpty();
            assertThat(log.lines()).anyMatch(line -> line.contains(": active, "));
        }
    }

    private static void end(Server halfStarted) {
        try {
            halfStarted.stop();
        } catch (LifecycleException neverStarted) {
            // Tomcat cannot stop an engine whose start was refused at its very beginning
        }
    }

    private static Server parse(String valve) throws Exception {
        return parsed("<Server port='-1'><Service name='Catalina'><Engine name='Catalina' defaultHost='localhost'>"
                + valve + HOST);
    }

    private static Server parsed(String xml) throws Exception {
        TestServer.beQuiet();
        Catalina catalina = new Catalina();
        Method create = Catalina.class.getDeclaredMethod("createStartDigester");
        create.setAccessible(true);
        Digester digester = (Digester) create.invoke(catalina);
        digester.push(catalina);
        digester.parse(new InputSource(new StringReader(xml)));
        Server server = catalina.getServer();
        server.setCatalina(catalina);
        server.setCatalinaBase(directory.toFile());
        server.setCatalinaHome(directory.toFile());
        return server;
    }

    private static String messages(Throwable thrown) {
        StringBuilder all = new StringBuilder();
        for (Throwable next = thrown; next != null; next = next.getCause()) {
            all.append(next.getMessage()).append('\n');
        }
        return all.toString();
    }
}
