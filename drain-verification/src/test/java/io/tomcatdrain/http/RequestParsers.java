package io.tomcatdrain.http;

import static io.tomcatdrain.fuzz.Rules.parsed;
import static io.tomcatdrain.fuzz.Rules.require;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.Ticket.Part.Answer;
import io.tomcatdrain.Ticket.Part.Head;
import io.tomcatdrain.fuzz.Parser;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What a client sends, and what an application answers. */
public final class RequestParsers {
    private static final String TOKEN = "Zq9_0123456789abcdef";
    private static final DrainSettings WITH_TOKEN = DrainSettings.of(Map.of("token", TOKEN));
    private static final UploadRules RULES =
            new UploadRules(List.of("query:dzuuid", "path:/dav/uploads/*", "query:qquuid"));
    private static final Pattern PROBER = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final int LONGEST_NAME = 70_000;

    private RequestParsers() {}

    /** Returns them. */
    public static List<Parser> all() {
        return List.of(
                new Parser(
                        "query of a command",
                        List.of(
                                "timeout=10m&reason=up%20grade&resumeAfter=30m",
                                "wait=10m", "reason=%E2%82%AC+%25", "timeout=0s&&wait", "reason=%0A%1B[2J"),
                        RequestParsers::command),
                new Parser(
                        "prober's name",
                        List.of("prober=web", "prober=a.b_c-1&x=1", "x=1&prober=web", "prober=%77eb"),
                        RequestParsers::prober),
                new Parser(
                        "Accept",
                        List.of(
                                "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
                                "application/json\ntext/plain;q=1.",
                                "application/*;q=0.5, text/plain;level=1;q=0"),
                        RequestParsers::accept),
                new Parser(
                        "bearer token",
                        List.of("Bearer " + TOKEN, "bearer  " + TOKEN + " ", "Basic eDp5", "Bearer "),
                        RequestParsers::bearer),
                new Parser(
                        "path of an upload",
                        List.of(
                                "/a/b/../c;x=1/./d?e#f",
                                "http://h:1/up%2Fload/%41",
                                "../x",
                                "//host/x",
                                "\uD83D\uDE00%41"),
                        RequestParsers::path),
                new Parser(
                        "Location",
                        List.of(
                                "/files/17\n/app/files",
                                "https://h/app/files/17?a=b#c\n/files",
                                "17\n/app/files",
                                "?uploadId=1\n/f"),
                        RequestParsers::location),
                new Parser(
                        "head of a request",
                        List.of(
                                "POST\n/files\n\nUpload-Length: 100\nUpload-Offset: 0",
                                "PATCH\n/files/17\nx=1\nUpload-Offset: 50\nUpload-Complete: ?1",
                                "POST\n/up\nflowIdentifier=a&flowChunkNumber=2&flowTotalChunks=9&flowTotalSize=99",
                                "POST\n/up\n\nContent-Range: bytes 0-99/1000\nContent-Disposition: attachment; filename=\"a\"",
                                "PUT\n/v2/x/blobs/uploads/1\ndigest=sha256:0",
                                "POST\n/files\n\nUpload-Concat: final;/files/a /files/b",
                                "MOVE\n/dav/uploads/7/.file\ndzuuid=1&dzchunkindex=0&dztotalchunkcount=3",
                                "POST\n/x\npatch=1\nX-HTTP-Method-Override: DELETE",
                                "POST\n/b/o?uploads\nuploadId=a&partNumber=1"),
                        RequestParsers::head),
                new Parser("error in JSON", List.of("plain", "\"\\\u0000\u007f", "\uD800x\uDC00"), text -> {
                    String json = StatusJson.ofError(text);
                    require(json.chars().noneMatch(c -> c < ' ' || c == 0x7f), () -> "a control character");
                    require(
                            new String(StatusJson.utf8(json), StandardCharsets.UTF_8).equals(json),
                            () -> "UTF-8 does not hold it");
                }));
    }

    /** Returns a text as the endpoints write it, for those who read it again. */
    public static String asError(String text) {
        return StatusJson.ofError(text);
    }

    private static void command(String query) {
        QueryParameters parameters =
                parsed(() -> QueryParameters.parse(query, List.of("timeout", "reason", "resumeAfter", "wait")));
        if (parameters == null) {
            return;
        }
        parsed(() -> parameters.duration("timeout"));
        parsed(() -> parameters.positiveDuration("resumeAfter", "use [DELETE /drain] to resume"));
        parsed(() -> parameters.duration("wait"));
        String reason = parsed(() -> parameters.line("reason"));
        require(reason == null || reason.length() <= 200, () -> "a long reason");
        require(reason == null || reason.chars().noneMatch(Character::isISOControl), () -> "a reason of several lines");
        require(query.chars().allMatch(c -> c > ' ' && c < 0x7f), () -> "took what no query string holds");
    }

    private static void prober(String query) {
        String strict = parsed(() -> ProberName.strictly(query));
        String given = ProberName.ifGiven(query);
        for (String name : Arrays.asList(strict, given)) {
            require(name == null || PROBER.matcher(name).matches(), () -> "the name " + name);
        }
        require(
                strict == null || !query.equals("prober=" + strict) || strict.equals(given),
                () -> "read strictly it is " + strict + ", else " + given);
    }

    private static void accept(String headers) {
        List<String> lines = List.of(headers.split("\n", -1));
        AcceptHeader best = AcceptHeader.best(Collections.enumeration(lines));
        boolean text = AcceptHeader.namesText(Collections.enumeration(lines));
        require(
                !text || headers.toLowerCase(Locale.ROOT).contains("text/plain"),
                () -> "names text, which is not named: " + best);
    }

    private static void bearer(String authorization) {
        require(
                !BearerToken.isIn(authorization, WITH_TOKEN)
                        || (authorization.toLowerCase(Locale.ROOT).startsWith("bearer ")
                                && authorization.strip().endsWith(TOKEN)),
                () -> "took another token");
    }

    private static void path(String reference) {
        String path = UploadPath.of(reference, "/app/files");
        if (path == null) {
            require(reference.length() > 8_000, () -> "none although it is short");
            return;
        }
        requireCanonical(path);
        String encoded = encoded(path);
        String again = UploadPath.of(encoded, "/");
        require(
                encoded.length() > 8_192 || isHalved(path) || path.equals(again),
                () -> path + " comes again as " + again);
    }

    private static void requireCanonical(String path) {
        require(path.startsWith("/"), () -> "not absolute: " + path);
        require(path.equals("/") || !path.endsWith("/"), () -> "ends with a slash: " + path);
        for (String segment : path.substring(1).split("/", -1)) {
            require(
                    path.equals("/") || !(segment.isEmpty() || segment.equals(".") || segment.equals("..")),
                    () -> "the segment [" + segment + "] in " + path);
        }
    }

    private static boolean isHalved(String text) {
        return !StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    /** Writes a canonical path as a client sends it. */
    private static String encoded(String path) {
        StringBuilder encoded = new StringBuilder();
        for (byte each : path.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (each & 0xff);
            encoded.append(
                    c == '/' || Character.isLetterOrDigit(c) && c < 0x80
                            ? String.valueOf(c)
                            : String.format("%%%02X", (int) c));
        }
        return encoded.toString();
    }

    private static void location(String text) {
        int end = text.indexOf('\n');
        String base = end < 0 ? "/" : UploadPath.of(text.substring(end + 1), "/");
        if (base == null) {
            return;
        }
        String location = end < 0 ? text : text.substring(0, end);
        var names = UploadPath.ofLocation(location, base);
        require(names.size() <= 2, () -> names.size() + " names");
        names.forEach(name -> {
            require(name.startsWith("/") && name.length() <= LONGEST_NAME, () -> "the name " + name);
            if (!name.startsWith(base + "?")) {
                requireCanonical(name);
            }
        });
    }

    /** Method, path and query, each in a line, and then headers. */
    private static void head(String text) {
        String[] lines = text.split("\n", -1);
        String path = UploadPath.of(lines.length > 1 ? lines[1] : "/", "/");
        if (path == null) {
            return;
        }
        Map<String, String> headers = new HashMap<>();
        for (int i = 3; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0) {
                headers.put(
                        lines[i].substring(0, colon),
                        lines[i].substring(colon + 1).strip());
            }
        }
        String query = lines.length > 2 ? lines[2] : null;
        Head head = RULES.head(new UploadRules.Request(
                lines[0], path, query, headers::get, UploadRules.number(headers.get("Content-Length")), "c"));
        require(
                !head.names().isEmpty() && head.names().size() <= 100,
                () -> head.names().size() + " names");
        require(head.names().stream().allMatch(name -> name.text().length() <= LONGEST_NAME), () -> "a long name");
        var progress = head.progress();
        require(
                progress.offset() >= -1
                        && progress.contentLength() >= -1
                        && progress.length() >= -1
                        && progress.chunk() >= -1
                        && progress.chunks() >= -1,
                () -> "" + progress);
        RULES.mayName(query == null ? "" : query);
        Answer answer = UploadRules.answer(head, path, 201, headers::get, null);
        require(answer.locations().size() <= 2, () -> "" + answer);
    }
}
