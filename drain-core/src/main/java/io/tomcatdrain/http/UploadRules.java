package io.tomcatdrain.http;

import io.tomcatdrain.Ticket.Part.Answer;
import io.tomcatdrain.Ticket.Part.Head;
import io.tomcatdrain.Ticket.Part.Kind;
import io.tomcatdrain.Ticket.Part.Name;
import io.tomcatdrain.Ticket.Part.Progress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tells from the heads of requests and answers which upload they belong to, by the protocols that clients speak: tus, the IETF's resumable
 * uploads and container registries by {@code Location}; FilePond, Resumable.js, flow.js and multipart uploads of S3 by a query parameter;
 * jQuery File Upload and PrimeFaces by {@code Content-Range}; WebDAV by a path that the settings name. Looks at path, raw query and headers
 * only. Never throws, whatever a client sends. Immutable and thread-safe.
 */
final class UploadRules {
    private static final Set<String> READS = Set.of("GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH");
    private static final Set<String> OVERRIDES = Set.of("PATCH", "PUT", "DELETE", "HEAD");

    /** One that is announced, of which nothing is known yet but who sends it. */
    private static final Name ANNOUNCED = new Name("announced", true);

    private static final String REGISTRY = "/blobs/uploads";
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18})");
    private static final int LONGEST_QUERY = 8192;

    /** Query parameters of one protocol: which names the upload, and which tell its place in the file; null for what it does not have. */
    private record Query(
            String id,
            @Nullable String chunk,
            int firstChunk,
            @Nullable String chunks,
            @Nullable String chunkSize,
            @Nullable String length) {

        static Query named(String id) {
            return new Query(id, null, 0, null, null, null);
        }
    }

    private static final List<Query> KNOWN = List.of(
            Query.named("patch"),
            new Query(
                    "resumableIdentifier",
                    "resumableChunkNumber",
                    1,
                    "resumableTotalChunks",
                    "resumableCurrentChunkSize",
                    "resumableTotalSize"),
            new Query(
                    "flowIdentifier", "flowChunkNumber", 1, "flowTotalChunks", "flowCurrentChunkSize", "flowTotalSize"),
            Query.named("uploadId"));

    /** Those that are known, but carry their parameters in the body unless a site makes them use the query. */
    private static final List<Query> ON_DEMAND = List.of(
            new Query("dzuuid", "dzchunkindex", 0, "dztotalchunkcount", null, "dztotalfilesize"),
            new Query("qquuid", "qqpartindex", 0, "qqtotalparts", "qqchunksize", "qqtotalfilesize"));

    private final Map<String, Query> queries = new LinkedHashMap<>();
    private final List<List<String>> paths = new ArrayList<>();

    /** Makes the rules that are built in, and those of the setting {@code uploadKeys}. */
    UploadRules(List<String> keys) {
        KNOWN.forEach(query -> queries.put(query.id(), query));
        for (String key : keys) {
            String value = key.substring(key.indexOf(':') + 1);
            if (key.startsWith("query:")) {
                queries.putIfAbsent(
                        value,
                        ON_DEMAND.stream()
                                .filter(query -> query.id().equals(value))
                                .findFirst()
                                .orElseGet(() -> Query.named(value)));
            } else {
                paths.add(UploadPath.segments(value));
            }
        }
    }

    /**
     * What is known of a request.
     *
     * @param method its method
     * @param path its canonical path
     * @param query its raw query string
     * @param header answers for its headers
     * @param contentLength the announced length of its body; −1 if it is not announced
     * @param client who sends it
     */
    record Request(
            String method,
            String path,
            @Nullable String query,
            Function<String, @Nullable String> header,
            long contentLength,
            @Nullable String client) {

        @Nullable String get(String name) {
            return header.apply(name);
        }
    }

    /** Returns true if the settings name paths, so that every request's path must be looked at. */
    boolean hasPaths() {
        return !paths.isEmpty();
    }

    /** Returns true if the raw query string may name an upload. */
    boolean mayName(String query) {
        for (String id : queries.keySet()) {
            if (query.contains(id)) {
                return true;
            }
        }
        return false;
    }

    /** Returns true if that is where container registries open uploads. */
    static boolean isRegistry(String path) {
        return path.endsWith(REGISTRY) || path.endsWith(REGISTRY + "/");
    }

    /** Returns the method that a request means: some clients may send none but POST. */
    static String method(String method, @Nullable String override) {
        return override != null && method.equals("POST") && OVERRIDES.contains(override) ? override : method;
    }

    /** Returns what the request says of an upload. */
    Head head(Request request) {
        String method = method(request.method(), request.get("X-HTTP-Method-Override"));
        Kind kind = READS.contains(method) ? Kind.READS : method.equals("DELETE") ? Kind.DELETES : Kind.WRITES;
        Builder made = new Builder(request, method, kind);
        made.paths();
        made.concatenation();
        made.queryKeys();
        made.range();
        made.prefixes();
        made.location();
        return made.build();
    }

    /** What one request says, as far as it has been read. */
    private final class Builder {
        private final Request request;
        private final String method;
        private final Kind kind;
        private final List<Name> names = new ArrayList<>(4);
        private final Map<String, String> parameters;
        private @Nullable Name opens;
        private boolean locates;
        private boolean last;
        private boolean endShows;
        private String shown;
        private long offset;
        private long bytes;
        private long length;
        private int chunk = -1;
        private int chunks = -1;

        Builder(Request request, String method, Kind kind) {
            this.request = request;
            this.method = method;
            this.kind = kind;
            this.shown = request.path();
            this.parameters = parameters(request.query());
            this.offset = number(request.get("Upload-Offset"));
            this.length = number(request.get("Upload-Length"));
            this.bytes = request.contentLength();
        }

        void paths() {
            names.add(name(request.path()));
            String query = request.query();
            if (query != null && !query.isEmpty()) {
                names.add(name(request.path() + '?' + query));
            }
        }

        private boolean writes() {
            return kind == Kind.WRITES;
        }

        void concatenation() {
            String concat = request.get("Upload-Concat");
            if (concat == null || !concat.startsWith("final;")) {
                return;
            }
            for (String part : concat.substring("final;".length()).strip().split(" +", -1)) {
                String path = part.isEmpty() || names.size() > 64 ? null : UploadPath.of(part, request.path());
                if (path != null) {
                    names.add(name(path));
                    last = true;
                }
            }
        }

        void queryKeys() {
            for (Query query : queries.values()) {
                String id = parameters.get(query.id());
                if (id == null || id.isEmpty()) {
                    continue;
                }
                Name name = new Name(query.id() + '=' + id, true);
                names.add(name);
                if (!writes()) {
                    continue;
                }
                opens = name;
                chunk(query);
                boolean isS3 = query.id().equals("uploadId");
                last |= isS3 && method.equals("POST") && !parameters.containsKey("partNumber");
                if (query.id().equals("patch")) {
                    names.add(ANNOUNCED);
                }
                endShows |= isS3 || length >= 0 || chunks > 0;
            }
        }

        private void chunk(Query query) {
            int number = (int) Math.min(Integer.MAX_VALUE, parameter(query.chunk()));
            chunk = number < 0 ? -1 : Math.max(0, number - query.firstChunk());
            chunks = (int) Math.min(Integer.MAX_VALUE, parameter(query.chunks()));
            bytes = Math.max(bytes, -1);
            if (parameter(query.chunkSize()) >= 0) {
                bytes = parameter(query.chunkSize());
            }
            if (parameter(query.length()) >= 0) {
                length = parameter(query.length());
            }
        }

        private long parameter(@Nullable String name) {
            return name == null ? -1 : number(parameters.get(name));
        }

        void range() {
            String text = writes() ? request.get("Content-Range") : null;
            Matcher range = text == null ? null : CONTENT_RANGE.matcher(text.strip());
            if (range == null || !range.matches()) {
                return;
            }
            long from = Long.parseLong(range.group(1));
            long to = Long.parseLong(range.group(2));
            long total = Long.parseLong(range.group(3));
            if (from > to || to >= total) {
                return;
            }
            String file = request.get("Content-Disposition");
            Name name = new Name("range " + request.path() + ' ' + total + ' ' + (file == null ? "" : file), true);
            names.add(name);
            opens = opens == null ? name : opens;
            offset = from;
            bytes = to - from + 1;
            length = total;
            last |= to + 1 == total;
            endShows = true;
        }

        void prefixes() {
            for (List<String> pattern : paths) {
                String prefix = UploadPath.prefix(request.path(), pattern);
                if (prefix == null) {
                    continue;
                }
                Name name = new Name("path " + prefix, false);
                if (kind != Kind.DELETES || prefix.equals(request.path())) {
                    names.add(name); // who deletes something below leaves the upload
                }
                shown = "/" + String.join("/", pattern);
                if (writes()) {
                    opens = opens == null ? name : opens;
                    last |= method.equals("MOVE");
                    endShows |= method.equals("MKCOL");
                }
            }
        }

        void location() {
            if (!writes()) {
                return;
            }
            String complete = request.get("Upload-Complete");
            last |= "?1".equals(complete);
            boolean ofRegistry = request.path().contains(REGISTRY + "/");
            last |= ofRegistry && method.equals("PUT") && parameters.containsKey("digest");
            if (opens == null && !last && !method.equals("PATCH")) {
                locates = length >= 0
                        || request.get("Upload-Defer-Length") != null
                        || "?0".equals(complete)
                        || request.get("Upload-Concat") != null
                        || (method.equals("POST") && isRegistry(request.path()));
                opens = length >= 0 ? ANNOUNCED : null;
            }
            endShows |= locates || complete != null;
        }

        Head build() {
            return new Head(
                    kind,
                    method,
                    shown,
                    request.client(),
                    names,
                    opens,
                    locates,
                    last,
                    endShows,
                    new Progress(offset, bytes, length, chunk, chunks));
        }
    }

    /**
     * Returns what an answer says.
     *
     * @param head what the request said
     * @param path the request's canonical path
     * @param status the answer's status
     * @param header answers for its headers
     * @param client who has it
     */
    static Answer answer(
            Head head, String path, int status, Function<String, @Nullable String> header, @Nullable String client) {
        List<Name> locations = new ArrayList<>(2);
        String location = head.kind() == Kind.WRITES && status >= 200 && status < 300 ? header.apply("Location") : null;
        // A registry that says Created has the whole blob already.
        if (location != null && !(isRegistry(path) && status == 201)) {
            for (String each : UploadPath.ofLocation(location, path)) {
                locations.add(name(each));
            }
        }
        return new Answer(
                status,
                locations,
                number(header.apply("Upload-Offset")),
                "?0".equals(header.apply("Upload-Complete")),
                client);
    }

    private static Name name(String path) {
        return new Name("at " + path, false);
    }

    private Map<String, String> parameters(@Nullable String query) {
        Map<String, String> found = new LinkedHashMap<>();
        if (query == null || query.length() > LONGEST_QUERY) {
            return found;
        }
        for (int from = 0; from < query.length(); ) {
            int to = query.indexOf('&', from);
            to = to < 0 ? query.length() : to;
            int equals = query.indexOf('=', from);
            if (equals > from && equals < to) {
                found.putIfAbsent(query.substring(from, equals), query.substring(equals + 1, to));
            } else if (to > from) {
                found.putIfAbsent(query.substring(from, to), "");
            }
            from = to + 1;
        }
        return found;
    }

    /** Returns a number that a header or parameter may hold; −1 for anything else. */
    static long number(@Nullable String text) {
        if (text == null || text.isEmpty() || text.length() > 18) {
            return -1;
        }
        long number = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            number = 10 * number + (c - '0');
        }
        return number;
    }
}
