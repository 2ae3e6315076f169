package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainReport.Outcome;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.Http11Client;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Files that come in several requests, in an application that drains by its filter. */
class FilterOpenUploadsIT {
    private static Answer send(EmbeddedTomcat server, String method, String path, int body, String... headers)
            throws IOException {
        String head = Http11Client.head(method, path, headers);
        String length = "Content-Length: " + body + "\r\n\r\n";
        return Http11Client.exchange(server.port(), head.substring(0, head.length() - 2) + length, new byte[body]);
    }

    @Test
    void aFileIsFollowedToItsEnd() throws Exception {
        try (EmbeddedTomcat server = FilterServer.with(Map.of()).start()) {
            Drain drain = FilterServer.drain(server.context());
            Answer created = send(server, "POST", "/app/files", 0, "Upload-Length: 100", "X-Session: 1", "X-Async: 1");
            String file = created.header("Location");
            String cookie = "Cookie: " + created.header("Set-Cookie").split(";")[0];
            // An answer that the application completes has been looked at when its request is over.
            await().until(() -> drain.status().openUploads().size() == 1);
            var over = drain.start("test");
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(503);
            assertThat(Http11Client.get(server.port(), "/app/ok", cookie).status())
                    .isEqualTo(200);
            assertThat(send(server, "PATCH", "/app/files/elsewhere", 10, "Upload-Offset: 0")
                            .status())
                    .isEqualTo(503);
            assertThat(send(server, "PATCH", file, 50, "Upload-Offset: 0").status())
                    .isEqualTo(204);
            assertThat(send(server, "PATCH", file, 50, "Upload-Offset: 50", "X-Async: 1")
                            .status())
                    .isEqualTo(204);
            DrainReport report = over.get(1, TimeUnit.MINUTES);
            assertThat(report.outcome()).isEqualTo(Outcome.DRAINED);
            assertThat(report.openUploads().finished()).isEqualTo(1);
        }
    }

    @Test
    void whatNobodyContinuesIsGivenUpAfterTheGap() throws Exception {
        try (EmbeddedTomcat server =
                FilterServer.with(Map.of("drain.uploadGap", "1s")).start()) {
            Drain drain = FilterServer.drain(server.context());
            String file =
                    send(server, "POST", "/app/files", 0, "Upload-Length: 100").header("Location");
            try (var part = new Http11Client(server.port())) {
                // A drain does not wait at all for what has been idle for longer than the gap when it begins.
                part.send(Http11Client.head(
                        "PATCH",
                        file,
                        "Content-Type: application/offset+octet-stream",
                        "Content-Length: 50",
                        "Upload-Offset: 0"));
                await().until(() -> drain.status().inFlight().uploads() == 1);
                var over = drain.start("test");
                assertThat(part.send(new byte[50]).answer().status()).isEqualTo(204);
                DrainReport report = over.get(1, TimeUnit.MINUTES);
                assertThat(report.outcome()).isEqualTo(Outcome.EXPIRED);
                assertThat(report.openUploads().abandoned()).hasSize(1);
            }
        }
    }
}
