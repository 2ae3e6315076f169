package io.tomcatdrain;

import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.EXPIRED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What was admitted after a drain was over, on closed listeners' connections or where uploads alone are refused: a stop waits for it. */
class WorkAfterADrainTest {
    private static NodeDrain drained(String... namesAndValues) throws Exception {
        Map<String, String> texts = new HashMap<>(Map.of("lameDuck", "off", "requestTimeout", "0s"));
        for (int i = 0; i < namesAndValues.length; i += 2) {
            texts.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        NodeDrain drain = new NodeDrain("afterwards", DrainSettings.of(texts));
        drain.onListenersToClose(() -> true);
        drain.start("upgrade");
        assertThat(drain.awaitOver(Duration.ofSeconds(30))).isTrue();
        return drain;
    }

    private static Background<Boolean> stop(NodeDrain drain) {
        drain.startForStop("SIGTERM", true);
        Background<Boolean> stop = Background.call(drain::awaitStop);
        await().until(() -> stop.isOver() || stop.thread().getState() == Thread.State.TIMED_WAITING);
        return stop;
    }

    @Test
    void uploadsAreWaitedForAsInADrain() throws Exception {
        NodeDrain drain = drained("closeListener", "true");
        assertThat(drain.state()).isEqualTo(DRAINED);
        Ticket upload = drain.enterUpload(TestUpload.unseen());
        Background<Boolean> stop = stop(drain);
        assertThat(stop.isOver()).isFalse();
        Ticket evenLater = drain.enterUpload(TestUpload.unseen());
        upload.close();
        await().during(Duration.ofMillis(50)).until(() -> !stop.isOver());
        evenLater.close();

        assertThat(stop.result()).isTrue();
        assertThat(drain.state()).isEqualTo(DRAINED);
    }

    @Test
    void pagesThatWereServedMeanwhileAreWaitedForWithinTheirLimit() throws Exception {
        NodeDrain drain = drained("refuse", "uploads", "requestTimeout", "10m");
        Ticket page = drain.enterRequest();
        Background<Boolean> stop = stop(drain);
        assertThat(stop.isOver()).isFalse();
        page.close();

        assertThat(stop.result()).isTrue();
    }

    @Test
    void withinKillAfter() throws Exception {
        try (CapturedLog log = new CapturedLog(Drain.class.getName(), line -> line.startsWith("drain[afterwards]"))) {
            NodeDrain drain = drained("closeListener", "true", "killAfter", "400ms");
            drain.enterUpload(TestUpload.unseen().from("/late", "192.0.2.1"));
            drain.enterRequest();
            assertThat(stop(drain).result()).isTrue();

            assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();
            assertThat(log.warnings()).anyMatch(line -> line.contains("giving up 1 upload") && line.contains("/late"));
            drain.close();
        }
    }

    @Test
    void aCommandEndsTheWaiting() throws Exception {
        NodeDrain drain = drained("closeListener", "true");
        drain.enterUpload(TestUpload.unseen());
        Background<Boolean> stop = stop(drain);
        assertThat(stop.isOver()).isFalse();
        var unused = drain.start("now", Commands.timeout(Duration.ZERO));

        assertThat(stop.result()).isTrue();
    }

    @Test
    void whatADrainHasGivenUpIsNotWaitedForAgain() throws Exception {
        NodeDrain drain = drained("refuse", "uploads");
        drain.resume();
        drain.enterRequest();
        drain.enterUpload(TestUpload.unseen());
        drain.hold("import");
        var outcome = drain.start("now", Commands.timeout(Duration.ZERO));
        assertThat(outcome.get(30, TimeUnit.SECONDS).outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
        assertThat(drain.state()).isEqualTo(EXPIRED);

        assertThat(stop(drain).result()).isTrue();
    }

    @Test
    void aNodeThatRefusesEverythingHasNothingToWaitFor() throws Exception {
        NodeDrain drain = drained();
        assertThat(drain.enterUpload(TestUpload.unseen())).isNull();

        assertThat(stop(drain).result()).isTrue();
    }
}
