package io.tomcatdrain.testkit;

import static io.tomcatdrain.testkit.App.KEY;
import static io.tomcatdrain.testkit.App.MULTIPART;
import static io.tomcatdrain.testkit.Http11Client.head;
import static io.tomcatdrain.testkit.Scenario.BODY;
import static io.tomcatdrain.testkit.Scenario.HALF;
import static io.tomcatdrain.testkit.Scenario.SUM;
import static io.tomcatdrain.testkit.Scenario.exchange;
import static io.tomcatdrain.testkit.Scenario.failedUpload;
import static io.tomcatdrain.testkit.Scenario.get;
import static io.tomcatdrain.testkit.Scenario.key;
import static io.tomcatdrain.testkit.Scenario.post;
import static io.tomcatdrain.testkit.Scenario.raw;
import static io.tomcatdrain.testkit.Scenario.request;
import static io.tomcatdrain.testkit.Scenario.seen;
import static io.tomcatdrain.testkit.Scenario.upload;
import static io.tomcatdrain.testkit.Scenario.uploadHead;
import static io.tomcatdrain.testkit.Scenario.waiting;

import io.tomcatdrain.testkit.Scenario.Reach;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How requests and uploads over HTTP/1.1 end. */
final class Http1Scenarios {
    private Http1Scenarios() {}

    static List<Scenario> blocking() {
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
            String key = key();
            try (var client = new Http11Client(server.port())) {
                client.send(head("GET", "/app/vmError", KEY + ": " + key));
                server.app().awaitEntered(key, client::hasInput);
                // Tomcat lets the thread die and leaves the connection alone.
                client.socket().setSoTimeout(100);
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

    static List<Scenario> malformed() {
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

    static List<Scenario> uploads() {
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

    static List<Scenario> async() {
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
}
