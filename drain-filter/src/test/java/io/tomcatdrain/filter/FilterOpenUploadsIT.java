package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;

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
            var over = drain.start("test");
            assertThat(drain.status().openUploads()).hasSize(1);
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
            DrainReport report = over.get(20, TimeUnit.SECONDS);
            assertThat(report.outcome()).isEqualTo(Outcome.DRAINED);
            assertThat(report.openUploads().finished()).isEqualTo(1);
        }
    }

    @Test
    void whatNobodyContinuesIsGivenUpAfterTheGap() throws Exception {
        try (EmbeddedTomcat server =
                FilterServer.with(Map.of("drain.uploadGap", "1s")).start()) {
            send(server, "POST", "/app/files", 0, "Upload-Length: 100");
            DrainReport report =
                    FilterServer.drain(server.context()).start("test").get(20, TimeUnit.SECONDS);
            assertThat(report.outcome()).isEqualTo(Outcome.EXPIRED);
            assertThat(report.openUploads().abandoned()).hasSize(1);
        }
    }
}
