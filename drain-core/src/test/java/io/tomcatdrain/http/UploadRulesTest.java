package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.Ticket.Part.Answer;
import io.tomcatdrain.Ticket.Part.Head;
import io.tomcatdrain.Ticket.Part.Kind;
import io.tomcatdrain.Ticket.Part.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests as the clients of each protocol send them (docs/operations/multi-request-uploads.md). */
class UploadRulesTest {
    private final UploadRules rules = new UploadRules(List.of());
    private final UploadRules more = new UploadRules(List.of("query:dzuuid", "query:mine", "path:/dav/uploads/*/*"));

    private static Map<String, String> headers(String... namesAndValues) {
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            headers.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return headers;
    }

    private static Head head(UploadRules rules, String method, String target, long length, String... headers) {
        int query = target.indexOf('?');
        return rules.head(new UploadRules.Request(
                method,
                query < 0 ? target : target.substring(0, query),
                query < 0 ? null : target.substring(query + 1),
                headers(headers)::get,
                length,
                "session s"));
    }

    private Head head(String method, String target, long length, String... headers) {
        return head(rules, method, target, length, headers);
    }

    private static Answer answer(Head head, String path, int status, String... headers) {
        return UploadRules.answer(head, path, status, headers(headers)::get, null);
    }

    private static List<Name> sameNames(Head one, Head other) {
        List<Name> same = new ArrayList<>(one.names());
        same.retainAll(other.names());
        return same;
    }

    // ---------------------------------------------------------------- by Location

    @Test
    void tus() {
        Head creation = head("POST", "/files", 0, "Tus-Resumable", "1.0.0", "Upload-Length", "100");
        assertThat(creation.locates()).isTrue();
        assertThat(creation.kind()).isEqualTo(Kind.WRITES);
        assertThat(creation.progress().length()).isEqualTo(100);
        Answer created = answer(creation, "/files", 201, "Location", "https://example.org/files/24e5?x=1");

        Head patch = head("PATCH", "/files/24e5", 40, "Tus-Resumable", "1.0.0", "Upload-Offset", "60");
        assertThat(patch.names()).containsAll(created.locations());
        assertThat(patch.locates()).isFalse();
        assertThat(patch.opens()).isNull();
        assertThat(patch.progress().offset()).isEqualTo(60);
        assertThat(answer(patch, "/files/24e5", 204, "Upload-Offset", "100").offset())
                .isEqualTo(100);

        assertThat(head("HEAD", "/files/24e5", -1).kind()).isEqualTo(Kind.READS);
        assertThat(head("OPTIONS", "/files/24e5", -1).names()).containsAll(created.locations());
        assertThat(head("DELETE", "/files/24e5", -1).kind()).isEqualTo(Kind.DELETES);
        assertThat(head("POST", "/files/24e5", 40, "X-HTTP-Method-Override", "PATCH", "Upload-Offset", "60")
                        .method())
                .isEqualTo("PATCH");
        assertThat(head("GET", "/files/24e5", 40, "X-HTTP-Method-Override", "DELETE")
                        .kind())
                .as("nobody changes what a GET does")
                .isEqualTo(Kind.READS);
        assertThat(head("PATCH", "/files/24e5", 0, "Upload-Offset", "0", "Upload-Length", "100")
                        .locates())
                .as("a length that was deferred")
                .isFalse();
        assertThat(head("POST", "/files", 0, "Upload-Defer-Length", "1").locates())
                .isTrue();
    }

    @Test
    void tusConcatenation() {
        assertThat(head("POST", "/files", 0, "Upload-Concat", "partial", "Upload-Length", "50")
                        .locates())
                .isTrue();
        Head end = head("POST", "/files", 0, "Upload-Concat", "final;/files/a https://example.org/files/b");
        assertThat(end.locates()).isFalse();
        assertThat(end.last()).isTrue();
        assertThat(end.names())
                .containsAll(head("HEAD", "/files/a", -1).names())
                .containsAll(head("HEAD", "/files/b", -1).names());
    }

    @Test
    void ietf() {
        Head creation = head("POST", "/upload", 40, "Upload-Complete", "?0", "Upload-Length", "100");
        assertThat(creation.locates()).isTrue();
        Answer created = answer(creation, "/upload", 201, "Location", "/upload/b530", "Upload-Complete", "?0");
        assertThat(created.incomplete()).isTrue();
        Head rest = head("PATCH", "/upload/b530", 60, "Upload-Complete", "?1", "Upload-Offset", "40");
        assertThat(rest.names()).containsAll(created.locations());
        assertThat(rest.last()).isTrue();
        Head whole = head("POST", "/upload", 100, "Upload-Complete", "?1");
        assertThat(whole.locates()).as("one request for the whole").isFalse();
    }

    @Test
    void containerRegistry() {
        Head creation = head("POST", "/v2/app/blobs/uploads/", 0);
        assertThat(creation.locates()).isTrue();
        Answer created =
                answer(creation, "/v2/app/blobs/uploads", 202, "Location", "/v2/app/blobs/uploads/u1?_state=x");
        Head patch = head("PATCH", "/v2/app/blobs/uploads/u1?_state=x", 40);
        assertThat(patch.names()).containsAll(created.locations());
        assertThat(patch.last()).isFalse();
        assertThat(head("PUT", "/v2/app/blobs/uploads/u1?_state=y&digest=sha256:1", 0)
                        .last())
                .isTrue();
        assertThat(answer(creation, "/v2/app/blobs/uploads", 201, "Location", "/v2/app/blobs/sha256:1")
                        .locations())
                .as("a blob that was there")
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "/files/a, /files, /files/a",
        "/files/a/, /files, /files/a",
        "http://example.org/files/a, /files, /files/a",
        "//example.org:8080/files/a?b=c#d, /files, /files/a",
        "https://example.org, /files, /",
        "a, /files, /a",
        "files/a, /files, /files/a",
        "./a, /files/new, /files/a",
        "../a;jsessionid=1.n1, /files/new, /a",
        "/files/a;jsessionid=1.n1, /files, /files/a",
        "/files;x=1//%61%2e, /files, /files/a.",
        "/a/b/../../files/./a, /files, /files/a",
        "/../../a, /files, /a",
        "/files/%zz%4, /files, /files/%zz%4",
        "/files/%C3%BC, /files, /files/ü",
        "/files/%F0%9F%98%80%20, /files, '/files/😀 '",
        "/files/😀%20, /files, '/files/😀 '",
        "/files/%٤١, /files, /files/%٤١",
        "/files/a:b//c, /files, /files/a:b/c",
        "urn:a, /files/x, /files/urn:a"
    })
    void canonicalPath(String reference, String base, String expected) {
        assertThat(UploadPath.of(reference, base)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        // Outside there is a prefix that the front end takes away.
        "/public/files/a, /files, /files/a",
        // Outside there is none, and the front end puts one before it.
        "/files/a, /app/files, /app/files/a",
        "https://example.org/files/a, /app/files, /files/a",
        "/files?id=1, /files, /files?id=1"
    })
    void locationIsFoundAsItIsSeenOutsideOrInside(String location, String path, String name) {
        assertThat(UploadPath.ofLocation(location, path)).contains(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/files", "/files/", "https://example.org/files", "", "#a"})
    void locationThatIsTheSameForAllNamesNothing(String location) {
        assertThat(UploadPath.ofLocation(location, "/files").stream().filter("/files"::equals))
                .isEmpty();
    }

    // ---------------------------------------------------------------- by query

    @Test
    void filePond() {
        Head announcement = head("POST", "/process", 200, "Upload-Length", "100");
        assertThat(announcement.locates()).isTrue();
        assertThat(answer(announcement, "/process", 200).locations()).isEmpty();
        Head patch = head("PATCH", "/process?patch=123", 50, "Upload-Offset", "50", "Upload-Length", "100");
        assertThat(patch.opens()).isEqualTo(new Name("patch=123", true));
        assertThat(patch.names()).contains(announcement.opens());
        assertThat(patch.progress().length()).isEqualTo(100);
        assertThat(patch.endShows()).isTrue();
        assertThat(head("HEAD", "/process?patch=123", -1).names()).contains(patch.opens());
    }

    @Test
    void resumableJs() {
        String query = "resumableChunkNumber=2&resumableChunkSize=10&resumableCurrentChunkSize=10&resumableTotalSize=35"
                + "&resumableIdentifier=35-a&resumableFilename=a&resumableTotalChunks=3";
        Head chunk = head("POST", "/chunks?" + query, 300);
        assertThat(chunk.opens()).isEqualTo(new Name("resumableIdentifier=35-a", true));
        assertThat(chunk.names()).contains(chunk.opens());
        assertThat(chunk.progress().chunk()).isEqualTo(1);
        assertThat(chunk.progress().chunks()).isEqualTo(3);
        assertThat(chunk.progress().contentLength()).isEqualTo(10);
        assertThat(chunk.progress().length()).isEqualTo(35);
        Head test = head("GET", "/chunks?" + query, -1);
        assertThat(test.kind()).isEqualTo(Kind.READS);
        assertThat(test.opens()).isNull();
        assertThat(test.names()).contains(chunk.opens());
    }

    @Test
    void flowJs() {
        Head chunk = head("POST", "/chunks?flowChunkNumber=3&flowTotalChunks=3&flowIdentifier=x&flowTotalSize=9", 3);
        assertThat(chunk.opens()).isEqualTo(new Name("flowIdentifier=x", true));
        assertThat(chunk.progress().chunk()).isEqualTo(2);
    }

    @Test
    void s3() {
        assertThat(head("PUT", "/key?partNumber=1&uploadId=u", 10).last()).isFalse();
        assertThat(head("PUT", "/key?partNumber=1&uploadId=u", 10).opens()).isEqualTo(new Name("uploadId=u", true));
        assertThat(head("POST", "/key?uploadId=u", 10).last()).isTrue();
        assertThat(head("DELETE", "/key?uploadId=u", 10).kind()).isEqualTo(Kind.DELETES);
    }

    @Test
    void furtherQueries() {
        Head dropzone = head(more, "POST", "/up?dzuuid=1&dzchunkindex=0&dztotalchunkcount=4", 10);
        assertThat(dropzone.opens()).isEqualTo(new Name("dzuuid=1", true));
        assertThat(dropzone.progress().chunk()).isZero();
        assertThat(dropzone.progress().chunks()).isEqualTo(4);
        assertThat(head("POST", "/up?dzuuid=1", 10).opens()).isNull();
        assertThat(head(more, "POST", "/up?mine=1", 10).opens()).isEqualTo(new Name("mine=1", true));
        assertThat(more.mayName("a=b&mine=1")).isTrue();
        assertThat(rules.mayName("a=b&mine=1")).isFalse();
    }

    // ---------------------------------------------------------------- by range, by path

    @Test
    void contentRange() {
        String[] file = {"Content-Disposition", "attachment; filename=\"a.bin\"", "Content-Range", ""};
        file[3] = "bytes 0-9/30";
        Head first = head("POST", "/up", 300, file);
        file[3] = "bytes 20-29/30";
        Head last = head("POST", "/up", 300, file);
        assertThat(first.opens()).isEqualTo(last.opens()).isNotNull();
        assertThat(first.last()).isFalse();
        assertThat(last.last()).isTrue();
        assertThat(last.progress().offset()).isEqualTo(20);
        assertThat(last.progress().contentLength()).isEqualTo(10);
        assertThat(last.progress().length()).isEqualTo(30);
        file[1] = "attachment; filename=\"b.bin\"";
        assertThat(head("POST", "/up", 300, file).opens()).isNotEqualTo(last.opens());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bytes 0-9/*",
                "bytes */30",
                "bytes 9-0/30",
                "bytes 0-30/30",
                "items 0-9/30",
                "bytes 0-9/9999999999999999999999",
                "bytes -1-9/30",
                ""
            })
    void anotherContentRangeIsNone(String range) {
        assertThat(head("POST", "/up", 10, "Content-Range", range).opens()).isNull();
    }

    @Test
    void pathsOfTheSettings() {
        Head made = head(more, "MKCOL", "/dav/uploads/ann/1", -1);
        Head chunk = head(more, "PUT", "/dav/uploads/ann/1/00001", 10);
        assertThat(made.opens()).isEqualTo(chunk.opens()).isEqualTo(new Name("path /dav/uploads/ann/1", false));
        assertThat(made.path()).isEqualTo("/dav/uploads/*/*");
        assertThat(made.endShows()).isTrue();
        assertThat(head(more, "MOVE", "/dav/uploads/ann/1/.file", -1).last()).isTrue();
        assertThat(head(more, "PUT", "/dav/uploads/ann", 10).opens()).isNull();
        assertThat(head(more, "PUT", "/dav/uploads", 10).opens()).isNull();
        assertThat(head(more, "PUT", "/other/dav/uploads/ann/1", 10).opens()).isNull();
        assertThat(head(more, "DELETE", "/dav/uploads/ann/1", -1).names()).contains(made.opens());
        assertThat(head(more, "DELETE", "/dav/uploads/ann/1/00001", -1).names())
                .as("a chunk, not the upload")
                .doesNotContain(made.opens());
    }

    @Test
    void whatIsNoPartHasNothingInCommon() {
        Head form = head("POST", "/form", 1000, "Content-Type", "multipart/form-data");
        assertThat(form.opens()).isNull();
        assertThat(form.locates()).isFalse();
        assertThat(sameNames(form, head("PATCH", "/files/1", 10))).isEmpty();
    }

    // ---------------------------------------------------------------- whatever comes

    private static final List<String> SCRAPS = List.of(
            "",
            "/",
            "//",
            "..",
            ".",
            ";",
            ";a=b",
            "%",
            "%2",
            "%2f",
            "%2E%2E",
            "?",
            "&",
            "=",
            "#",
            ":",
            "http://",
            "files",
            "a",
            "\u0000",
            "\u00ff",
            "ü",
            "\uD83D",
            "\uD83D\uDEBF",
            "patch=",
            "uploadId",
            "resumableIdentifier=x",
            "resumableChunkNumber=",
            "999999999999999999",
            "9999999999999999999999",
            "-1",
            "bytes 0-1/2",
            "final;",
            " ",
            "/blobs/uploads/",
            "digest=",
            "?0",
            "?1",
            "partial",
            "0",
            "5",
            "dav/uploads/");

    private static String any(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(9); i > 0; i--) {
            text.append(SCRAPS.get(random.nextInt(SCRAPS.size())));
        }
        return random.nextInt(50) == 0 ? text.toString().repeat(3000) : text.toString();
    }

    /** No client and no application makes the parser fail, and equal requests have equal names. */
    @Test
    void survivesAnything() {
        Random random = new Random(4711);
        List<String> methods = List.of("POST", "PATCH", "PUT", "DELETE", "GET", "HEAD", "MOVE", "MKCOL", "x");
        List<String> names = List.of(
                "Upload-Offset",
                "Upload-Length",
                "Upload-Complete",
                "Upload-Concat",
                "Content-Range",
                "Content-Disposition",
                "X-HTTP-Method-Override",
                "Upload-Defer-Length",
                "Location");
        for (int i = 0; i < 10_000; i++) {
            Map<String, String> headers = headers();
            for (String name : names) {
                if (random.nextInt(3) == 0) {
                    headers.put(name, any(random));
                }
            }
            String path = UploadPath.of(any(random), "/base");
            if (path == null) {
                continue;
            }
            UploadRules.Request request = new UploadRules.Request(
                    methods.get(random.nextInt(methods.size())),
                    path,
                    random.nextBoolean() ? any(random) : null,
                    headers::get,
                    random.nextInt(100) - 1,
                    null);
            Head head = more.head(request);
            assertThat(head).isEqualTo(more.head(request));
            assertThat(head.names()).hasSizeLessThan(100);
            assertThat(head.progress().offset()).isGreaterThanOrEqualTo(-1);
            assertThat(head.progress().length()).isGreaterThanOrEqualTo(-1);
            assertThat(head.progress().chunk()).isGreaterThanOrEqualTo(-1);
            Answer answer = UploadRules.answer(head, path, 201, headers::get, null);
            assertThat(answer.locations()).hasSizeLessThanOrEqualTo(2).doesNotContain(new Name("at " + path, false));
            if (head.kind() == Kind.READS) {
                assertThat(head.opens()).isNull();
                assertThat(head.locates()).isFalse();
            }
        }
    }

    @Test
    void canonicalPathsAreCanonical() {
        Random random = new Random(815);
        for (int i = 0; i < 10_000; i++) {
            String path = UploadPath.of(any(random), "/base/x");
            if (path != null) {
                assertThat(path).startsWith("/").doesNotContain("//");
                Set<String> names = UploadPath.ofLocation(any(random), path);
                assertThat(names).hasSizeLessThanOrEqualTo(2);
            }
        }
    }
}
