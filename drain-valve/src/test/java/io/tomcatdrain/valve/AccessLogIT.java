package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.Scenario;
import java.io.CharArrayWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.apache.catalina.Container;
import org.apache.catalina.valves.AbstractAccessLogValve;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Nobody's access log changes by the presence of the valve, wherever both sit. */
class AccessLogIT {
    /** What a server without the valve logs, by where its access logs are. */
    private static final Map<String, List<String>> WITHOUT = new HashMap<>();

    private static final class Recorder extends AbstractAccessLogValve {
        private final String place;
        private final List<String> lines;

        Recorder(String place, List<String> lines) {
            this.place = place;
            this.lines = lines;
            setPattern("%m %U%q %H %s");
        }

        @Override
        protected void log(CharArrayWriter message) {
            lines.add(place + ": " + message);
        }
    }

    static Stream<Arguments> positions() {
        List<Arguments> all = new ArrayList<>();
        for (String logs : List.of("HOST", "ENGINE", "CONTEXT", "ROOT", "HOST ENGINE CONTEXT ROOT")) {
            for (TestServer.Position position : TestServer.Position.values()) {
                all.add(Arguments.of(logs, position));
            }
        }
        return all.stream();
    }

    @ParameterizedTest(name = "logs in {0}, valve in {1}")
    @MethodSource("positions")
    void linesAreThoseOfAServerWithoutTheValve(String logs, TestServer.Position position) throws Exception {
        assertThat(linesOf(logs, TestServer.with(position), server -> {})).isEqualTo(without(logs));
    }

    /** Tomcat looks its access logs up once and asks the valve for ever. */
    @ParameterizedTest(name = "logs in {0}, valve taken out of {1}")
    @MethodSource("positions")
    void linesAreThoseOfAServerWithoutTheValveWhenItIsTakenOut(String logs, TestServer.Position position)
            throws Exception {
        List<String> lines = linesOf(logs, TestServer.with(position), server -> {
            play(server);
            server.home(position).getPipeline().removeValve(server.valve());
        });
        assertThat(lines).isEqualTo(without(logs));
    }

    private static List<String> without(String logs) throws Exception {
        if (!WITHOUT.containsKey(logs)) {
            WITHOUT.put(logs, linesOf(logs, TestServer.bare(), server -> {}));
        }
        List<String> without = WITHOUT.get(logs);
        assertThat(without).isNotEmpty();
        return without;
    }

    private interface Step {
        void take(TestServer server) throws Exception;
    }

    /** Returns the lines of what is played after a first step, in order. */
    private static List<String> linesOf(String logs, TestServer.Builder builder, Step first) throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        try (TestServer server =
                builder.customize(each -> addLogs(each, logs, lines)).start()) {
            first.take(server);
            lines.clear();
            play(server);
        }
        return lines.stream().sorted().toList();
    }

    /** Plays what a log can tell apart. */
    private static void play(TestServer server) throws Exception {
        int port = server.port();
        for (String path : List.of(
                "/app/ok", "/app/sendError", "/app/runtime", "/app/missing", "/app", "/nowhere/x", "/", "/app/%zz")) {
            Http11Client.get(port, path);
        }
        for (String path : List.of("/app/async/completeBeforeReturn", "/app/async/dispatch")) {
            Http11Client.get(port, path);
        }
        for (String request : List.of(
                Http11Client.head("OPTIONS", "*"),
                Http11Client.head("TRACE", "/app/ok"),
                Http11Client.head("GET", "/app/ok", "Host: localhost"),
                Http11Client.head("GET", "/nowhere", "Host: localhost"),
                Http11Client.head("POST", "/app/upload", "Content-Length: x"),
                Http11Client.head("POST", "/app/upload", "Content-Length: x", "Content-Type: " + App.MULTIPART),
                "GET /app/ok HTTP/1.1\r\n\r\n",
                "GET /app/ok HTTP/7.3\r\nHost: localhost\r\n\r\n",
                "GET /app/ok HTTP/1.1\r\nHost: elsewhere.invalid\r\n\r\n",
                "G\u0001T /app/ok HTTP/1.1\r\n\r\n")) {
            Http11Client.exchange(port, request, new byte[0]);
        }
        byte[] body = App.multipart(1000);
        for (String path : List.of("/app/upload", "/app/async/upload", "/nowhere/upload")) {
            Http11Client.exchange(port, Scenario.uploadHead(path, body.length, "x"), body);
        }
        Http2Client.get(port, "/app/ok");
        Http2Client.get(port, "/nowhere");
        Http2Client.post(port, "/app/upload", App.MULTIPART, body);
        AjpClient.get(server.ajpPort(), "/app/ok");
        AjpClient.get(server.ajpPort(), "/nowhere");
        AjpClient.post(server.ajpPort(), "/app/upload", App.MULTIPART, body);
        try (var upgrading = new Http11Client(port)) {
            upgrading.send(Http11Client.head("GET", "/app/upgrade", "Connection: Upgrade", "Upgrade: echo"));
            upgrading.readOne(false);
        }
        server.awaitRest();
    }

    private static void addLogs(TestServer server, String places, List<String> lines) {
        for (String place : places.split(" ")) {
            Container container;
            if (place.equals("ROOT")) {
                container = TestServer.addApp(
                        server.tomcat(), "", server.directory().toFile(), server.app());
            } else {
                container = server.home(TestServer.Position.valueOf(place));
            }
            container.getPipeline().addValve(new Recorder(place, lines));
        }
    }
}
