package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checks the hand-written JSON against what Jackson reads from it and would write. */
class StatusJsonTest {
    private static final ObjectMapper JACKSON = new ObjectMapper();
    private static final Instant NOON = Instant.parse("2026-11-22T12:00:00.123456789Z");

    private static final ActiveUpload UPLOAD =
            new ActiveUpload(7, "POST", "/a \"b\"\\c", "2001:db8::1", NOON, 1500, 10, 100, 6, 15_000, 0);
    private static final ActiveUpload UNKNOWN =
            new ActiveUpload(Long.MAX_VALUE, "PUT", null, null, Instant.EPOCH, 0, -1, -1, -1, -1, Long.MAX_VALUE);

    @Test
    void holdsTheNamesOfTheContractInItsOrder() {
        assertThat(StatusJson.of(new DrainStatus(
                        "Catalina",
                        DrainState.SERVING,
                        true,
                        NOON,
                        null,
                        null,
                        -1,
                        -1,
                        0,
                        0,
                        -1,
                        true,
                        new DrainStatus.InFlight(1, 2, 3, 4),
                        new DrainStatus.Totals(4, 5, 6, 7, 8),
                        List.of(),
                        List.of(),
                        List.of(),
                        null)))
                .isEqualTo("{\"name\":\"Catalina\",\"state\":\"SERVING\",\"ready\":true,"
                        + "\"since\":\"2026-11-22T12:00:00.123Z\",\"reason\":null,\"deadline\":null,"
                        + "\"remainingMillis\":-1,\"lameDuckRemainingMillis\":-1,\"drainingMillis\":0,\"lameDuckMillis\":0,"
                        + "\"resumeMillis\":-1,\"resumable\":true,\"etaMillis\":0,"
                        + "\"inFlight\":{\"uploads\":1,\"requests\":2,\"holds\":3,\"streams\":4},"
                        + "\"totals\":{\"uploadsCompleted\":4,\"uploadsFailed\":5,\"requestsCompleted\":6,"
                        + "\"refused\":7,\"uploadBytes\":8},\"probers\":[],\"uploads\":[],\"openUploads\":[]}");
    }

    @ParameterizedTest
    @EnumSource(DrainState.class)
    void isWhatJacksonWouldWrite(DrainState state) throws IOException {
        DrainStatus status = new DrainStatus(
                "übung \uD83D\uDEBF",
                state,
                state.isReady(),
                NOON,
                "line\nend\ttab",
                NOON.plusSeconds(1),
                1000,
                300,
                5,
                4,
                6,
                false,
                new DrainStatus.InFlight(2, 0, Long.MAX_VALUE, 9),
                new DrainStatus.Totals(1, 0, 3, 4, Long.MAX_VALUE),
                List.of(
                        new DrainStatus.Prober("192.0.2.1", "web", "probe \"1\"", 3),
                        new DrainStatus.Prober(null, null, null, 0)),
                List.of(UPLOAD, UNKNOWN),
                List.of(UPLOAD, UNKNOWN),
                new DrainReport(
                        DrainReport.Outcome.EXPIRED,
                        "why",
                        1,
                        2,
                        3,
                        5,
                        4,
                        List.of(UNKNOWN, UPLOAD),
                        List.of(
                                new DrainReport.AbandonedRequest("GET", "/export", 41_200),
                                new DrainReport.AbandonedRequest(null, null, -1)),
                        new DrainReport.OpenUploads(7, List.of(UPLOAD), List.of(UNKNOWN))));

        // A tree's text keeps the order of its fields.
        assertThat(JACKSON.readTree(StatusJson.utf8(StatusJson.of(status))).toString())
                .isEqualTo(expected(status).toString());
    }

    @Test
    void isOneLine() {
        assertThat(StatusJson.ofError("a\r\nb\u0085\u2028")).doesNotContain("\n", "\r");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\"\\/",
                "\b\f\n\r\t\u0000\u001f\u007f\u0080\u009f",
                "\uD83D",
                "\uDEBF",
                "\uDEBF\uD83D",
                "\uD83D\uD83D\uDEBF\uDEBF",
                "\uD83D\uDEBF",
                "\uFFFE\uFFFF\uFEFF",
                "</script>"
            })
    void escapesWhatAnswersCannotHold(String text) throws IOException {
        assertReadBack(text);
    }

    @Test
    void survivesAnyText() throws IOException {
        Random random = new Random(4711);
        String nasty = "\"\\\u0000\u001f\u007f\u2028 aü€\uD83D\uDEBF\uD800\uDFFF";
        for (int round = 0; round < 2_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(12); i > 0; i--) {
                text.append(
                        random.nextBoolean()
                                ? nasty.charAt(random.nextInt(nasty.length()))
                                : (char) random.nextInt(0x10000));
            }
            assertReadBack(text.toString());
        }
    }

    private static void assertReadBack(String text) throws IOException {
        JsonNode read = JACKSON.readTree(StatusJson.utf8(StatusJson.ofError(text)));

        assertThat(read.size()).isEqualTo(1);
        assertThat(read.get("error").textValue()).isEqualTo(text);
    }

    private static ObjectNode expected(DrainStatus status) {
        ObjectNode node = JACKSON.createObjectNode()
                .put("name", status.name())
                .put("state", status.state().name())
                .put("ready", status.ready())
                .put("since", "2026-11-22T12:00:00.123Z")
                .put("reason", status.reason())
                .put("deadline", "2026-11-22T12:00:01.123Z")
                .put("remainingMillis", 1000)
                .put("lameDuckRemainingMillis", 300)
                .put("drainingMillis", 5)
                .put("lameDuckMillis", 4)
                .put("resumeMillis", 6)
                .put("resumable", false)
                .put("etaMillis", -1);
        node.putObject("inFlight")
                .put("uploads", status.inFlight().uploads())
                .put("requests", status.inFlight().requests())
                .put("holds", status.inFlight().holds())
                .put("streams", status.inFlight().streams());
        node.putObject("totals")
                .put("uploadsCompleted", status.totals().uploadsCompleted())
                .put("uploadsFailed", status.totals().uploadsFailed())
                .put("requestsCompleted", status.totals().requestsCompleted())
                .put("refused", status.totals().refused())
                .put("uploadBytes", status.totals().uploadBytes());
        ArrayNode probers = node.putArray("probers");
        status.probers()
                .forEach(prober -> probers.addObject()
                        .put("remote", prober.remote())
                        .put("name", prober.name())
                        .put("agent", prober.agent())
                        .put("seenDown", prober.seenDown()));
        ArrayNode uploads = node.putArray("uploads");
        status.uploads().forEach(upload -> put(upload, uploads.addObject()));
        ArrayNode open = node.putArray("openUploads");
        status.openUploads().forEach(upload -> putOpen(upload, open.addObject()));
        ObjectNode report = node.putObject("report")
                .put("outcome", status.report().outcome().name())
                .put("reason", status.report().reason())
                .put("lameDuckMillis", status.report().lameDuckMillis())
                .put("drainMillis", status.report().drainMillis())
                .put("finished", status.report().finished())
                .put("failed", status.report().failed())
                .put("refused", status.report().refused());
        ArrayNode abandoned = report.putArray("abandoned");
        status.report().abandoned().forEach(upload -> put(upload, abandoned.addObject()));
        ArrayNode requests = report.putArray("abandonedRequests");
        status.report()
                .abandonedRequests()
                .forEach(request -> requests.addObject()
                        .put("method", request.method())
                        .put("path", request.path())
                        .put("elapsedMillis", request.elapsedMillis()));
        DrainReport.OpenUploads ofSeveral = status.report().openUploads();
        ObjectNode became = report.putObject("openUploads").put("finished", ofSeveral.finished());
        ArrayNode left = became.putArray("abandoned");
        ofSeveral.abandoned().forEach(upload -> putOpen(upload, left.addObject()));
        ArrayNode cut = became.putArray("cut");
        ofSeveral.cut().forEach(upload -> putOpen(upload, cut.addObject()));
        return node;
    }

    private static void putOpen(ActiveUpload upload, ObjectNode node) {
        node.put("id", upload.id())
                .put("path", upload.path())
                .put("bytesReceived", upload.bytesReceived())
                .put("length", upload.contentLength())
                .put("bytesPerSecond", upload.bytesPerSecond())
                .put("etaMillis", upload.etaMillis())
                .put("waitingMillis", upload.stalledMillis());
    }

    private static void put(ActiveUpload upload, ObjectNode node) {
        node.put("id", upload.id())
                .put("method", upload.method())
                .put("path", upload.path())
                .put("remote", upload.remote())
                .put(
                        "started",
                        upload.started().equals(Instant.EPOCH) ? "1970-01-01T00:00:00Z" : "2026-11-22T12:00:00.123Z")
                .put("elapsedMillis", upload.elapsedMillis())
                .put("bytesReceived", upload.bytesReceived())
                .put("contentLength", upload.contentLength())
                .put("bytesPerSecond", upload.bytesPerSecond())
                .put("etaMillis", upload.etaMillis())
                .put("stalledMillis", upload.stalledMillis());
    }
}
