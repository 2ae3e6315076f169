package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import java.io.StringReader;
import java.lang.reflect.Method;
import java.nio.file.Path;
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

    private static void end(Server halfStarted) {
        try {
            halfStarted.stop();
        } catch (LifecycleException neverStarted) {
            // Tomcat cannot stop an engine whose start was refused at its very beginning
        }
    }

    private static Server parse(String valve) throws Exception {
        TestServer.beQuiet();
        String xml = "<Server port='-1'><Service name='Catalina'><Engine name='Catalina' defaultHost='localhost'>"
                + valve + "<Host name='localhost' appBase='" + directory
                + "' autoDeploy='false' deployOnStartup='false' createDirs='false'/></Engine></Service></Server>";
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
