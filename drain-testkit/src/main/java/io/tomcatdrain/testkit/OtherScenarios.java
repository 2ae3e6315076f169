package io.tomcatdrain.testkit;

import static io.tomcatdrain.testkit.App.KEY;
import static io.tomcatdrain.testkit.App.MULTIPART;
import static io.tomcatdrain.testkit.Http11Client.head;
import static io.tomcatdrain.testkit.Scenario.BODY;
import static io.tomcatdrain.testkit.Scenario.HALF;
import static io.tomcatdrain.testkit.Scenario.SUM;
import static io.tomcatdrain.testkit.Scenario.VALVE;
import static io.tomcatdrain.testkit.Scenario.echoed;
import static io.tomcatdrain.testkit.Scenario.failedUpload;
import static io.tomcatdrain.testkit.Scenario.get;
import static io.tomcatdrain.testkit.Scenario.key;
import static io.tomcatdrain.testkit.Scenario.neighbour;
import static io.tomcatdrain.testkit.Scenario.refused;
import static io.tomcatdrain.testkit.Scenario.request;
import static io.tomcatdrain.testkit.Scenario.seen;
import static io.tomcatdrain.testkit.Scenario.upload;
import static io.tomcatdrain.testkit.Scenario.webSocketFrame;
import static io.tomcatdrain.testkit.Scenario.webSocketHead;

import io.tomcatdrain.testkit.Scenario.Reach;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** How requests end over HTTP/2 and AJP, on upgraded connections, and where other valves answer. */
final class OtherScenarios {
    private OtherScenarios() {}

    static List<Scenario> http2() {
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

    static List<Scenario> ajp() {
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

    static List<Scenario> upgrades() {
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

    static List<Scenario> otherValves() {
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
}
