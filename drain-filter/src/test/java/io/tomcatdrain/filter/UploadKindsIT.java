package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.testkit.Body;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.Scenario;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is an upload for the filter: the same as for the valve. */
class UploadKindsIT {
    @ParameterizedTest
    @ValueSource(strings = {"64KB", "off"})
    void uploadsAreToldByTypeAndSize(String size) throws Exception {
        try (EmbeddedTomcat server =
                FilterServer.with(Map.of("drain.uploadSize", size)).start()) {
            Drain drain = FilterServer.drain(server.context());
            List<String> wrong = new ArrayList<>();
            for (Body body : Body.values()) {
                boolean upload = body.isUpload() && (!body.isUploadBySize() || !size.equals("off"));
                String key = Scenario.key();
                try (AutoCloseable client = body.begin(server, "/app/slow", key)) {
                    server.app().awaitEntered(key);
                    InFlight seen = drain.summary().inFlight();
                    if (!seen.equals(upload ? new InFlight(1, 0, 0) : new InFlight(0, 1, 0))) {
                        wrong.add(body + ": " + seen);
                    }
                    server.app().release(key);
                    assertThat(client).isNotNull();
                }
                await().until(() -> drain.summary().inFlight().equals(new InFlight(0, 0, 0)));
            }
            assertThat(wrong).isEmpty();
        }
    }
}
