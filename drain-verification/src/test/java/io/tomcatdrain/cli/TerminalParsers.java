package io.tomcatdrain.cli;

import static io.tomcatdrain.fuzz.Rules.parsed;
import static io.tomcatdrain.fuzz.Rules.require;

import io.tomcatdrain.fuzz.Parser;
import io.tomcatdrain.http.RequestParsers;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What an operator writes in a terminal, and what a node answers there. */
public final class TerminalParsers {
    private static final String TOKEN = "Zq9_0123456789abcdef";
    private static final PrintStream NOWHERE = new PrintStream(new ByteArrayOutputStream(), true);

    private TerminalParsers() {}

    /** Returns them. */
    public static List<Parser> all() {
        return List.of(
                new Parser(
                        "JSON of a node",
                        List.of(
                                "{\"state\":\"DRAINING\",\"inFlight\":{\"uploads\":2},\"uploads\":[{\"id\":1},{}]}",
                                "{\"n\":-1.5e3,\"t\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\",\"x\":null,\"y\":true}",
                                "{\"a\":[[[[[[[[1]]]]]]]]}",
                                "{\"error\":\"no\"}"),
                        TerminalParsers::json),
                new Parser(
                        "words of a command",
                        List.of(
                                "http://n1:8090/drain\n--wait\n10m\n--follow",
                                "https://[::1]/app/drain/\n--reason=a=b",
                                "--token=x",
                                "--wait",
                                "http://u:p@h/x?q#f",
                                "http://n1:99999/drain"),
                        TerminalParsers::options),
                new Parser(
                        "plan of a check",
                        List.of(
                                "http://site/page\n--upload\n/form\n--field\ncase=17\n--file-field=f\n--upload-time=12s",
                                "http://site/\n--upload=http://[x\n--front-end=nginx\n--wait=3m\n--back=1m",
                                "http://site/a\n--restart=true\n--ready=1m\n--dry-run"),
                        TerminalParsers::plan));
    }

    private static void json(String text) {
        Map<String, Object> read = parsed(() -> Json.object(text));
        if (read != null) {
            read.keySet().forEach(name -> {
                Json.text(read, name);
                Json.number(read, name);
                Json.objects(read, name).forEach(each -> require(each != null, () -> "no object"));
                Json.object(read, name);
            });
        }
        new NodeClient.Answer(200, text).state();
        NodeView.look(new NodeClient.Answer(200, text), 1);
        NodeView.uploads(new NodeClient.Answer(200, text), length -> length > 0);
        String back = Json.text(Json.object(RequestParsers.asError(text)), "error");
        require(text.equals(back), () -> "what the endpoints write is read as " + back);
    }

    private static List<String> words(String text) {
        return Arrays.asList(text.replace("\0", "").split("\n", -1));
    }

    private static void options(String text) {
        List<String> words = words(text);
        Options options = parsed(() -> Options.parse(words, Set.of("wait", "reason", "token-file"), Set.of("follow")));
        if (options != null) {
            parsed(() -> options.duration("wait", java.time.Duration.ZERO));
            for (URI node : options.nodes()) {
                require(node.getHost() != null && node.getPort() <= 65_535, () -> "took " + node);
            }
        }
    }

    private static void plan(String text) {
        List<String> words = new ArrayList<>(words(text));
        CheckPlan plan = parsed(
                () -> CheckPlan.of(CheckPlan.options(words), TOKEN, null, NOWHERE),
                words.stream().anyMatch(word -> word.contains(TOKEN)) ? null : TOKEN); // a fuzzer finds it
        if (plan != null) {
            String body = new String(plan.upload().body(8), StandardCharsets.UTF_8);
            require(plan.canary() || body.endsWith("--\r\n"), () -> "the form has no end");
            require(plan.page().getHost() != null && plan.upload().target().getHost() != null, () -> "no host");
        }
    }
}
