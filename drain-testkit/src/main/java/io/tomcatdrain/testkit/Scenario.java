package io.tomcatdrain.testkit;

import static io.tomcatdrain.testkit.App.KEY;
import static io.tomcatdrain.testkit.App.MULTIPART;
import static io.tomcatdrain.testkit.Http11Client.head;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.HealthCheckValve;
import org.apache.catalina.valves.ValveBase;

/**
 * One way in which Tomcat can end a request, as played by a client.
 *
 * <p>Scenarios keep nothing and can run side by side, also while a drain refuses them.
 */
public final class Scenario {
    /** Which positions of the valve are asked to serve the request. */
    enum Reach {
        EVERYWHERE,
        NOT_IN_CONTEXT,
        NOWHERE;

        boolean covers(EmbeddedTomcat.Position position) {
            return this == EVERYWHERE || (this == NOT_IN_CONTEXT && position != EmbeddedTomcat.Position.CONTEXT);
        }
    }

    /** Plays the scenario and returns what the client saw: statuses, or {@code cut} where it broke off or was broken off. */
    @FunctionalInterface
    interface Play {
        String on(EmbeddedTomcat server) throws Exception;
    }

    /** A request that carries this header meets a valve that throws, or an earlier one that answers by itself. */
    static final String VALVE = "X-Valve";

    static final int SIZE = 20_000;
    static final byte[] BODY = App.multipart(SIZE);
    static final byte[] HALF = Arrays.copyOf(BODY, BODY.length / 2);
    static final String SUM = App.sha256(BODY);

    private final String name;
    private final Reach reach;
    private final int requests;
    private final int uploadsCompleted;
    private final int uploadsFailed;
    private final String outcome;
    private final Play play;

    /** True if the answer comes from another valve of the same pipeline. */
    private final boolean neighbours;

    private final boolean isThrownIo;

    Scenario(String name, Reach reach, int requests, int completed, int failed, String outcome, Play play) {
        this(name, reach, requests, completed, failed, outcome, play, false);
    }

    private Scenario(
            String name,
            Reach reach,
            int requests,
            int completed,
            int failed,
            String outcome,
            Play play,
            boolean neighbours) {
        this.name = name;
        this.reach = reach;
        this.requests = requests;
        this.uploadsCompleted = completed;
        this.uploadsFailed = failed;
        this.outcome = outcome;
        this.play = play;
        this.neighbours = neighbours;
        this.isThrownIo = name.equals("later valve throws IOException");
    }

    static Scenario neighbour(String name, Reach reach, String outcome, Play play) {
        return new Scenario(name, reach, 1, 0, 0, outcome, play, reach == Reach.NOT_IN_CONTEXT);
    }

    static Scenario request(String name, Reach reach, String outcome, Play play) {
        return new Scenario(name, reach, 1, 0, 0, outcome, play);
    }

    static Scenario request(String name, String outcome, Play play) {
        return request(name, Reach.EVERYWHERE, outcome, play);
    }

    static Scenario upload(String name, String outcome, Play play) {
        return new Scenario(name, Reach.EVERYWHERE, 0, 1, 0, outcome, play);
    }

    static Scenario failedUpload(String name, String outcome, Play play) {
        return new Scenario(name, Reach.EVERYWHERE, 0, 0, 1, outcome, play);
    }

    public int requests(EmbeddedTomcat.Position position) {
        return reach.covers(position) ? requests : 0;
    }

    public int uploadsCompleted(EmbeddedTomcat.Position position) {
        return reach.covers(position) ? uploadsCompleted : 0;
    }

    public int uploadsFailed(EmbeddedTomcat.Position position) {
        return reach.covers(position) ? uploadsFailed : 0;
    }

    /** Returns what the client sees while nothing is refused. */
    public String outcome(EmbeddedTomcat.Position position) {
        if (neighbours && !reach.covers(position)) {
            return "404";
        }
        // An IOException that reaches the connector is taken for the client's; the host turns it into an error page.
        return isThrownIo && position == EmbeddedTomcat.Position.CONTEXT ? "500" : outcome;
    }

    public String play(EmbeddedTomcat server) throws Exception {
        return play.on(server);
    }

    @Override
    public String toString() {
        return name;
    }

    /** Returns a server's plan with the valves that some scenarios need. */
    public static <P extends EmbeddedTomcat.Plan<?, P>> P prepare(P plan) {
        HealthCheckValve health = new HealthCheckValve();
        health.setPath("/health");
        return plan.before(new Meddler("earlier")).after(new Meddler("later")).after(health);
    }

    /** A neighbour of the valve's that answers without calling the next one, or throws, where a request asks for it. */
    private static final class Meddler extends ValveBase {
        private final String place;

        Meddler(String place) {
            super(true);
            this.place = place;
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, jakarta.servlet.ServletException {
            String wish = request.getHeader(VALVE);
            if ((place + "-answers").equals(wish)) {
                response.setStatus(299);
            } else if ((place + "-throws").equals(wish)) {
                throw new IllegalStateException("on purpose");
            } else if ((place + "-throws-io").equals(wish)) {
                throw new IOException("on purpose");
            } else {
                getNext().invoke(request, response);
            }
        }
    }

    // ---------------------------------------------------------------- the table

    /** Returns every scenario that ends by itself. */
    public static List<Scenario> all() {
        List<Scenario> all = new ArrayList<>();
        all.addAll(Http1Scenarios.blocking());
        all.addAll(Http1Scenarios.malformed());
        all.addAll(Http1Scenarios.uploads());
        all.addAll(Http1Scenarios.async());
        all.addAll(OtherScenarios.http2());
        all.addAll(OtherScenarios.ajp());
        all.addAll(OtherScenarios.upgrades());
        all.addAll(OtherScenarios.otherValves());
        return all;
    }

    // ---------------------------------------------------------------- words of the table

    public static String key() {
        return UUID.randomUUID().toString();
    }

    static Play get(String path, String... headerLines) {
        return exchange("GET", path, headerLines);
    }

    static Play exchange(String method, String path, String... headerLines) {
        return raw(head(method, path, headerLines));
    }

    static Play raw(String request) {
        return server -> seen(Http11Client.exchange(server.port(), request, new byte[0]));
    }

    /** Uploads the body; the answer's text must be the one given, if one is. */
    static Play post(String path, String text) {
        return server -> {
            Answer answer = Http11Client.exchange(server.port(), uploadHead(path, BODY.length, key()), BODY);
            return text == null ? seen(answer) : seen(answer, text);
        };
    }

    /** Lets the request go on once it is inside. */
    static Play waiting(String path) {
        return server -> {
            String key = key();
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", path, KEY + ": " + key));
                server.app().awaitEntered(key, client::hasInput);
                server.app().release(key);
                return seen(client.answer());
            }
        };
    }

    public static String uploadHead(String path, long length, String key) {
        return head("POST", path, "Content-Type: " + MULTIPART, "Content-Length: " + length, KEY + ": " + key);
    }

    static boolean refused(Http2Client client, int stream) {
        return client.hasInput(stream);
    }

    static String seen(Answer answer) {
        return answer.complete() ? String.valueOf(answer.status()) : "cut";
    }

    static String seen(Answer answer, String text) {
        return answer.status() == 200 && !answer.text().equals(text) ? "wrong text" : seen(answer);
    }

    static String echoed(byte[] bytes, String text) {
        return new String(bytes, StandardCharsets.ISO_8859_1).equals(text) ? "101" : "wrong echo";
    }

    public static String webSocketHead() {
        return head(
                "GET",
                "/app/ws",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    }

    /** A text message of one character, masked with zeros. */
    public static byte[] webSocketFrame(char text) {
        return new byte[] {(byte) 0x81, (byte) 0x81, 0, 0, 0, 0, (byte) text};
    }
}
