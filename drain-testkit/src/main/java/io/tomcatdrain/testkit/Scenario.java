package io.tomcatdrain.testkit;

import static io.tomcatdrain.testkit.App.KEY;
import static io.tomcatdrain.testkit.App.MULTIPART;
import static io.tomcatdrain.testkit.Http11Client.head;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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
    private static final String VALVE = "X-Valve";

    private static final int SIZE = 20_000;
    private static final byte[] BODY = App.multipart(SIZE);
    private static final byte[] HALF = Arrays.copyOf(BODY, BODY.length / 2);
    private static final String SUM = App.sha256(BODY);

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

    private Scenario(String name, Reach reach, int requests, int completed, int failed, String outcome, Play play) {
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

    private static Scenario neighbour(String name, Reach reach, String outcome, Play play) {
        return new Scenario(name, reach, 1, 0, 0, outcome, play, reach == Reach.NOT_IN_CONTEXT);
    }

    private static Scenario request(String name, Reach reach, String outcome, Play play) {
        return new Scenario(name, reach, 1, 0, 0, outcome, play);
    }

    private static Scenario request(String name, String outcome, Play play) {
        return request(name, Reach.EVERYWHERE, outcome, play);
    }

    private static Scenario upload(String name, String outcome, Play play) {
        return new Scenario(name, Reach.EVERYWHERE, 0, 1, 0, outcome, play);
    }

    private static Scenario failedUpload(String name, String outcome, Play play) {
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
        all.addAll(blocking());
        all.addAll(malformed());
        all.addAll(uploads());
        all.addAll(async());
        all.addAll(http2());
        all.addAll(ajp());
        all.addAll(upgrades());
        all.addAll(otherValves());
        return all;
    }

    private static List<Scenario> blocking() {
        List<Scenario> rows = new ArrayList<>();
        rows.add(request("GET", "200", get("/app/ok")));
        rows.add(request("HEAD", "200", server -> {
            try (var client = new Http11Client(server.port())) {
                return seen(client.send(head("HEAD", "/app/ok")).answer(true));
            }
        }));
        rows.add(request("sendError", "500", get("/app/sendError")));
        for (String fault : List.of("runtime", "io", "servletException", "error")) {
            rows.add(request("servlet throws: " + fault, "500", get("/app/" + fault)));
        }
        rows.add(request("servlet throws what the VM throws", "cut", server -> {
            try (var client = new Http11Client(server.port())) {
                // Tomcat lets the thread die and leaves the connection alone.
                client.send(head("GET", "/app/vmError")).socket().setSoTimeout(100);
                return seen(client.answer());
            }
        }));
        rows.add(request("404 in the application", "404", get("/app/missing")));
        rows.add(request("forward", "200", get("/app/forward")));
        rows.add(request("unmapped context", Reach.NOT_IN_CONTEXT, "404", get("/nowhere/x")));
        rows.add(request("TRACE", Reach.NOT_IN_CONTEXT, "405", exchange("TRACE", "/app/ok")));
        rows.add(request("OPTIONS *", Reach.NOWHERE, "200", exchange("OPTIONS", "*")));
        rows.add(request("redirect of /app", Reach.NOWHERE, "302", get("/app")));
        rows.add(new Scenario("three pipelined", Reach.EVERYWHERE, 3, 0, 0, "200 404 200", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/ok") + head("GET", "/app/missing") + head("GET", "/app/ok"));
                return seen(client.answer()) + " " + seen(client.answer()) + " " + seen(client.answer());
            }
        }));
        rows.add(request("client resets a waiting GET", "cut", server -> {
            String key = key();
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/slow", KEY + ": " + key));
                server.app().awaitEntered(key, client::hasInput);
                client.reset();
                server.app().release(key);
                return "cut";
            }
        }));
        rows.add(request("client resets while it is answered", "cut", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/big")).read(1000);
                client.reset();
                return "cut";
            }
        }));
        return rows;
    }

    private static List<Scenario> malformed() {
        return List.of(
                request("bad URI", Reach.NOT_IN_CONTEXT, "400", get("/app/%zz")),
                request("bad request line", Reach.NOT_IN_CONTEXT, "400", raw("G\u0001T /app/ok HTTP/1.1\r\n\r\n")),
                request("no Host header", Reach.NOT_IN_CONTEXT, "400", raw("GET /app/ok HTTP/1.1\r\n\r\n")),
                request("two Host headers", Reach.NOT_IN_CONTEXT, "400", exchange("GET", "/app/ok", "Host: localhost")),
                request(
                        "bad Content-Length",
                        Reach.NOT_IN_CONTEXT,
                        "400",
                        exchange("POST", "/app/upload", "Content-Length: x")),
                request(
                        "unknown version",
                        Reach.NOT_IN_CONTEXT,
                        "505",
                        raw("GET /app/ok HTTP/7.3\r\nHost: localhost\r\n\r\n")));
    }

    private static List<Scenario> uploads() {
        List<Scenario> rows = new ArrayList<>();
        rows.add(upload("upload", "200", post("/app/upload", SUM)));
        rows.add(upload("upload by getParts", "200", post("/app/parts", null)));
        rows.add(upload("upload that the application leaves unread", "200", post("/app/unread", "unread")));
        rows.add(upload(
                "upload without a body",
                "200",
                server ->
                        seen(Http11Client.exchange(server.port(), uploadHead("/app/upload", 0, key()), new byte[0]))));
        rows.add(failedUpload("upload, then the servlet throws", "500", post("/app/uploadThenThrow", null)));
        rows.add(failedUpload("upload to an unknown path", "404", post("/app/missing", null)));
        rows.add(upload("chunked upload", "200", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(head("POST", "/app/upload", "Content-Type: " + MULTIPART, "Transfer-Encoding: chunked"));
                client.chunk(HALF)
                        .chunk(Arrays.copyOfRange(BODY, HALF.length, BODY.length))
                        .chunk(new byte[0]);
                return seen(client.answer(), SUM);
            }
        }));
        rows.add(failedUpload("malformed chunk", "400", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(head("POST", "/app/upload", "Content-Type: " + MULTIPART, "Transfer-Encoding: chunked"));
                return seen(client.send("zzz\r\n").answer());
            }
        }));
        for (String path : List.of("/app/upload", "/app/parts", "/app/async/upload")) {
            for (boolean reset : new boolean[] {false, true}) {
                String how = reset ? "reset" : "closed";
                rows.add(failedUpload(how + " in the middle of an upload to " + path, "cut", server -> {
                    String key = key();
                    try (var client = new Http11Client(server.port())) {
                        client.send(uploadHead(path, BODY.length, key)).send(HALF);
                        server.app().awaitEntered(key, client::hasInput);
                        if (reset) {
                            client.reset();
                        } else {
                            client.fin();
                            client.answer();
                        }
                        return "cut";
                    }
                }));
            }
        }
        return rows;
    }

    private static List<Scenario> async() {
        List<Scenario> rows = new ArrayList<>();
        rows.add(request("async complete", "200", waiting("/app/async/complete")));
        rows.add(request("async complete before return", "200", get("/app/async/completeBeforeReturn")));
        rows.add(request("async timeout", "500", get("/app/async/timeout")));
        rows.add(request("async timeout, listener completes", "200", get("/app/async/timeoutListener")));
        rows.add(request("async dispatch", "200", waiting("/app/async/dispatch")));
        rows.add(request("async dispatch to a path that dispatches", "200", waiting("/app/async/dispatchTwice")));
        rows.add(request("async started, then the servlet throws", "500", get("/app/async/throw")));
        rows.add(upload("upload read without blocking", "200", post("/app/async/upload", SUM)));
        rows.add(upload("dripping upload read without blocking", "200", server -> {
            String key = key();
            try (var client = new Http11Client(server.port())) {
                client.send(uploadHead("/app/async/upload", BODY.length, key));
                if (server.app().awaitEntered(key, client::hasInput)) {
                    for (int at = 0; at < BODY.length; at += 4000) {
                        client.send(BODY, at, Math.min(4000, BODY.length - at));
                    }
                }
                return seen(client.answer(), SUM);
            }
        }));
        rows.add(request("client resets an async answer", "cut", server -> {
            String key = key();
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/async/big", KEY + ": " + key));
                server.app().awaitEntered(key, client::hasInput);
                server.app().release(key);
                client.read(1000);
                client.reset();
                return "cut";
            }
        }));
        rows.add(request("client resets, then async completes", "cut", server -> {
            String key = key();
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/async/complete", KEY + ": " + key));
                server.app().awaitEntered(key, client::hasInput);
                client.reset();
                server.app().release(key);
                return "cut";
            }
        }));
        return rows;
    }

    private static List<Scenario> http2() {
        List<Scenario> rows = new ArrayList<>();
        rows.add(request("HTTP/2 GET", "200", server -> seen(Http2Client.get(server.port(), "/app/ok"))));
        rows.add(request("HTTP/2 404", "404", server -> seen(Http2Client.get(server.port(), "/app/missing"))));
        rows.add(request(
                "HTTP/2 unmapped context",
                Reach.NOT_IN_CONTEXT,
                "404",
                server -> seen(Http2Client.get(server.port(), "/x"))));
        rows.add(upload(
                "HTTP/2 upload",
                "200",
                server -> seen(Http2Client.post(server.port(), "/app/upload", MULTIPART, BODY), SUM)));
        rows.add(upload(
                "HTTP/2 upload by getParts",
                "200",
                server -> seen(Http2Client.post(server.port(), "/app/parts", MULTIPART, BODY))));
        rows.add(upload(
                "HTTP/2 upload read without blocking",
                "200",
                server -> seen(Http2Client.post(server.port(), "/app/async/upload", MULTIPART, BODY), SUM)));
        rows.add(new Scenario(
                "HTTP/2, five streams at once", Reach.EVERYWHERE, 3, 2, 0, "200 200 200 200 500", server -> {
                    try (var client = new Http2Client(server.port())) {
                        int one = client.upload("/app/upload", MULTIPART, BODY.length);
                        int two = client.upload("/app/async/upload", MULTIPART, BODY.length);
                        int three = client.request("GET", "/app/ok", true);
                        int four = client.request("GET", "/app/async/dispatch", true);
                        int five = client.request("GET", "/app/sendError", true);
                        client.data(one, BODY, true);
                        client.data(two, BODY, true);
                        return seen(client.answer(one), SUM) + " " + seen(client.answer(two), SUM) + " "
                                + seen(client.answer(three)) + " " + seen(client.answer(four)) + " "
                                + seen(client.answer(five));
                    }
                }));
        for (String path :
                List.of("/app/slow", "/app/slowBody", "/app/async/complete", "/app/async/dispatch", "/app/async/big")) {
            // Tomcat sometimes forgets the end of a big answer that another thread than its own writes.
            boolean whole = !path.endsWith("big");
            rows.add(request("HTTP/2 " + path, whole ? "200" : "cut", server -> {
                String key = key();
                try (var client = new Http2Client(server.port())) {
                    int stream = client.request("GET", path, true, KEY, key);
                    server.app().awaitEntered(key, () -> refused(client, stream));
                    server.app().release(key);
                    return whole ? seen(client.answer(stream)) : "cut";
                }
            }));
            rows.add(request("HTTP/2 " + path + ", stream reset", "cut", server -> {
                String key = key();
                try (var client = new Http2Client(server.port())) {
                    int stream = client.request("GET", path, true, KEY, key);
                    server.app().awaitEntered(key, () -> refused(client, stream));
                    client.cancel(stream);
                    // The connection goes on serving, and its frames come after the reset.
                    client.answer(client.request("OPTIONS", "*", true));
                    server.app().release(key);
                    return "cut";
                }
            }));
        }
        for (String path : List.of("/app/upload", "/app/parts", "/app/async/upload")) {
            rows.add(failedUpload("HTTP/2 upload to " + path + ", stream reset in the middle", "cut", server -> {
                String key = key();
                try (var client = new Http2Client(server.port())) {
                    int stream = client.upload(path, MULTIPART, BODY.length, KEY, key);
                    client.data(stream, HALF, false);
                    server.app().awaitEntered(key, () -> refused(client, stream));
                    client.cancel(stream);
                    client.answer(client.request("OPTIONS", "*", true));
                    return "cut";
                }
            }));
            rows.add(failedUpload("HTTP/2 upload to " + path + ", connection reset in the middle", "cut", server -> {
                String key = key();
                try (var client = new Http2Client(server.port())) {
                    int stream = client.upload(path, MULTIPART, BODY.length, KEY, key);
                    client.data(stream, HALF, false);
                    server.app().awaitEntered(key, () -> refused(client, stream));
                    client.reset();
                    return "cut";
                }
            }));
        }
        return rows;
    }

    private static List<Scenario> ajp() {
        List<Scenario> rows = new ArrayList<>();
        rows.add(request("AJP GET", "200", server -> seen(AjpClient.get(server.ajpPort(), "/app/ok"))));
        rows.add(request("AJP 404", "404", server -> seen(AjpClient.get(server.ajpPort(), "/app/missing"))));
        rows.add(request(
                "AJP async",
                "200",
                server -> seen(AjpClient.get(server.ajpPort(), "/app/async/completeBeforeReturn"))));
        rows.add(request(
                "AJP async dispatch", "200", server -> seen(AjpClient.get(server.ajpPort(), "/app/async/dispatch"))));
        for (String path : List.of("/app/upload", "/app/parts", "/app/async/upload")) {
            rows.add(upload(
                    "AJP upload to " + path,
                    "200",
                    server -> seen(AjpClient.post(server.ajpPort(), path, MULTIPART, BODY))));
            for (boolean reset : new boolean[] {false, true}) {
                String how = reset ? "reset" : "closed";
                rows.add(failedUpload("AJP upload to " + path + " " + how + " in the middle", "cut", server -> {
                    String key = key();
                    try (var client = new AjpClient(server.ajpPort())) {
                        client.upload(path, MULTIPART, BODY.length, KEY, key).body(Arrays.copyOf(BODY, 8000));
                        server.app().awaitEntered(key, client::hasInput);
                        if (reset) {
                            client.reset();
                        } else {
                            client.fin();
                        }
                        return "cut";
                    }
                }));
            }
        }
        rows.add(new Scenario("AJP, two on one connection", Reach.EVERYWHERE, 1, 1, 0, "200 200", server -> {
            try (var client = new AjpClient(server.ajpPort())) {
                String one = seen(
                        client.upload("/app/upload", MULTIPART, BODY.length).answer(AjpClient.Body.of(BODY)), SUM);
                return client.isReusable()
                        ? one + " "
                                + seen(client.forward("GET", "/app/ok", Map.of())
                                        .finish(AjpClient.Body.of(new byte[0])))
                        : one;
            }
        }));
        return rows;
    }

    private static List<Scenario> upgrades() {
        List<Scenario> rows = new ArrayList<>();
        rows.add(request("upgrade by the servlet", "101", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/upgrade", "Connection: Upgrade", "Upgrade: echo"));
                Answer answer = client.readOne(false);
                return answer.status() == 101 ? echoed(client.send("x").read(1), "x") : seen(answer);
            }
        }));
        rows.add(request("WebSocket", "101", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(webSocketHead());
                Answer answer = client.readOne(false);
                return answer.status() == 101
                        ? echoed(client.send(webSocketFrame('x')).read(3), "\u0081\u0001x")
                        : seen(answer);
            }
        }));
        rows.add(request("HTTP/2 by upgrade", "200", server -> {
            try (var client = new Http11Client(server.port())) {
                client.send(head(
                        "GET", "/app/ok", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: "));
                Answer answer = client.readOne(false);
                return answer.status() == 101
                        ? seen(Http2Client.upgraded(client).answer(1))
                        : seen(answer);
            }
        }));
        return rows;
    }

    private static List<Scenario> otherValves() {
        return List.of(
                neighbour("later valve throws", Reach.EVERYWHERE, "500", get("/app/ok", VALVE + ": later-throws")),
                neighbour(
                        "later valve throws IOException",
                        Reach.EVERYWHERE,
                        "200",
                        get("/app/ok", VALVE + ": later-throws-io")),
                neighbour(
                        "later valve throws without a context",
                        Reach.NOT_IN_CONTEXT,
                        "500",
                        get("/x", VALVE + ": later-throws")),
                neighbour(
                        "later valve throws IOException without a context",
                        Reach.NOT_IN_CONTEXT,
                        "200",
                        get("/x", VALVE + ": later-throws-io")),
                neighbour("later valve answers", Reach.EVERYWHERE, "299", get("/app/ok", VALVE + ": later-answers")),
                neighbour(
                        "later valve answers without a context",
                        Reach.NOT_IN_CONTEXT,
                        "299",
                        get("/x", VALVE + ": later-answers")),
                neighbour("earlier valve answers", Reach.NOWHERE, "299", get("/app/ok", VALVE + ": earlier-answers")),
                neighbour("earlier valve throws", Reach.NOWHERE, "500", get("/app/ok", VALVE + ": earlier-throws")),
                neighbour("HealthCheckValve without a context", Reach.NOT_IN_CONTEXT, "200", get("/health")));
    }

    // ---------------------------------------------------------------- words of the table

    public static String key() {
        return UUID.randomUUID().toString();
    }

    private static Play get(String path, String... headerLines) {
        return exchange("GET", path, headerLines);
    }

    private static Play exchange(String method, String path, String... headerLines) {
        return raw(head(method, path, headerLines));
    }

    private static Play raw(String request) {
        return server -> seen(Http11Client.exchange(server.port(), request, new byte[0]));
    }

    /** Uploads the body; the answer's text must be the one given, if one is. */
    private static Play post(String path, String text) {
        return server -> {
            Answer answer = Http11Client.exchange(server.port(), uploadHead(path, BODY.length, key()), BODY);
            return text == null ? seen(answer) : seen(answer, text);
        };
    }

    /** Lets the request go on once it is inside. */
    private static Play waiting(String path) {
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

    private static boolean refused(Http2Client client, int stream) {
        return client.hasInput(stream);
    }

    static String seen(Answer answer) {
        return answer.complete() ? String.valueOf(answer.status()) : "cut";
    }

    private static String seen(Answer answer, String text) {
        return answer.status() == 200 && !answer.text().equals(text) ? "wrong text" : seen(answer);
    }

    private static String echoed(byte[] bytes, String text) {
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
