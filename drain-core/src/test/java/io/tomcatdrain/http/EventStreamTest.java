package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Hold;
import io.tomcatdrain.NodeDrain;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class EventStreamTest {
    private static final Duration NEVER = Duration.ofHours(1);
    private static final Duration SOON = Duration.ofMillis(5);

    private final NodeDrain drain = Drains.make();

    /** Writes when something changes and at no other time. */
    private final DrainEndpoints endpoints = withRhythm(NEVER, NEVER, NEVER);

    private final Visits visits = new Visits(endpoints);

    @AfterEach
    void end() {
        endpoints.close();
        drain.close();
    }

    @Test
    void beginsWithTheStatus() throws Exception {
        Exchange exchange = listening();
        visits.send(exchange, "/events");

        assertState(exchange.nextFlushed(), "SERVING");
        assertThat(exchange.status).isEqualTo(200);
        assertThat(exchange.headers)
                .containsOnlyKeys("Content-Type", "Cache-Control", "X-Accel-Buffering")
                .containsEntry("Content-Type", "text/event-stream")
                .containsEntry("Cache-Control", "no-store")
                .containsEntry("X-Accel-Buffering", "no");
    }

    @Test
    void tellsEveryChangeAtOnce() throws Exception {
        Exchange exchange = listening();
        visits.send(exchange, "/events");
        assertState(exchange.nextFlushed(), "SERVING");
        Hold hold = drain.hold("test");

        var unused = drain.start("test");
        awaitState(exchange, "DRAINING");
        hold.close();
        awaitState(exchange, "DRAINED");
        drain.resume();
        awaitState(exchange, "SERVING");
    }

    @Test
    void tellsProgressWhileDraining() throws Exception {
        Hold hold = drain.hold("test");
        var unused = drain.start("test");
        Exchange exchange = listening();
        new Visits(withRhythm(SOON, NEVER, NEVER)).send(exchange, "/events");

        for (int i = 0; i < 5; i++) {
            assertState(exchange.nextFlushed(), "DRAINING");
        }
        hold.close();
        awaitState(exchange, "DRAINED");
    }

    @Test
    void keepsTheConnectionAliveOtherwise() throws Exception {
        Exchange exchange = listening();
        new Visits(withRhythm(NEVER, SOON, NEVER)).send(exchange, "/events");

        assertState(exchange.nextFlushed(), "SERVING");
        assertThat(exchange.nextFlushed()).startsWith(":").endsWith("\n\n");
        assertThat(exchange.nextFlushed()).startsWith(":");
    }

    @Test
    void endsAfterItsTime() throws Exception {
        Exchange exchange = listening();
        Visits bounded = new Visits(withRhythm(NEVER, NEVER, SOON));

        bounded.send(exchange, "/events");

        bounded.awaitAllGone();
        // One event, or two if the time had not passed before the first.
        assertThat(exchange.flushed).hasSizeBetween(1, 2);
        for (String event : exchange.flushed) {
            assertState(event, "SERVING");
        }
    }

    @Test
    void endsWhenTheListenerHasLeft() throws Exception {
        Exchange exchange = listening();
        visits.send(exchange, "/events");
        exchange.nextFlushed();

        exchange.broken = true;
        var unused = drain.start("test");

        visits.awaitAllGone();
    }

    @Test
    void sixteenListenAndTheNextIsTold() throws Exception {
        for (int i = 0; i < 16; i++) {
            Exchange exchange = listening();
            visits.send(exchange, "/events");
            exchange.nextFlushed();
        }

        Exchange next = listening();
        endpoints.handle(next.request(), next.response(), "/events", true);

        assertThat(next.status).isEqualTo(429);
        assertThat(next.header("Retry-After")).isEqualTo("5");
        assertThat(next.header("Content-Type")).isEqualTo("application/json");
        assertThat(next.body()).contains("16 event streams");
    }

    @Test
    void neitherHoldsADrainNorKeepsWaitersFromTheirPlaces() throws Exception {
        for (int i = 0; i < 16; i++) {
            Exchange exchange = listening();
            visits.send(exchange, "/events");
            exchange.nextFlushed();
        }
        Exchange waiting = Exchange.of("POST", "wait=60s").withToken();

        endpoints.handle(waiting.request(), waiting.response(), "", true);

        assertThat(waiting.status).isEqualTo(200);
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
    }

    @Test
    void aSlowReaderGetsTheNewestStateAndHoldsNobody() throws Exception {
        CountDownLatch writing = new CountDownLatch(1);
        CountDownLatch mayWrite = new CountDownLatch(1);
        Exchange slow = listening().beforeEachWrite(() -> {
            writing.countDown();
            mayWrite.await();
        });
        Exchange fast = listening();
        visits.send(slow, "/events");
        visits.send(fast, "/events");
        assertState(fast.nextFlushed(), "SERVING");
        assertThat(writing.await(60, TimeUnit.SECONDS)).isTrue();

        for (int round = 0; round < 50; round++) {
            var unused = drain.start("test");
            awaitState(fast, "DRAINED");
            drain.resume();
            awaitState(fast, "SERVING");
        }
        var unused = drain.start("last");
        awaitState(fast, "DRAINED");
        assertThat(drain.awaitListeners(Duration.ofSeconds(60))).isTrue();
        long before = System.nanoTime();
        assertThat(endpoints.awaitAnswered(Duration.ofMinutes(10))).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofMinutes(1));

        mayWrite.countDown();
        visits.awaitAllGone();
        assertState(slow.nextFlushed(), "SERVING"); // what it was being told when it got stuck
        assertState(slow.nextFlushed(), "DRAINED");
        assertThat(slow.flushed).isEmpty();
    }

    @Test
    void aStopEndsStreamsWithTheLastState() throws Exception {
        Exchange exchange = listening();
        visits.send(exchange, "/events");
        assertState(exchange.nextFlushed(), "SERVING");
        drain.startForStop("stop", true);

        assertThat(endpoints.awaitAnswered(Duration.ofSeconds(60))).isTrue();

        visits.awaitAllGone();
        awaitState(exchange, "DRAINED");
        Exchange late = listening();
        endpoints.handle(late.request(), late.response(), "/events", true);
        assertState(late.nextFlushed(), "DRAINED");
        assertThat(late.flushed).isEmpty();
    }

    @Test
    void closeEndsStreams() throws Exception {
        Exchange exchange = listening();
        visits.send(exchange, "/events");
        exchange.nextFlushed();

        endpoints.close();

        visits.awaitAllGone();
    }

    @Test
    void anInterruptEndsAStream() throws Exception {
        Exchange exchange = listening();
        Thread thread = visits.send(exchange, "/events");
        exchange.nextFlushed();
        visits.awaitAllInside();

        thread.interrupt();

        visits.awaitAllGone();
    }

    private DrainEndpoints withRhythm(Duration progress, Duration keepAlive, Duration longest) {
        return new DrainEndpoints(drain, new EventStream.Rhythm(progress, keepAlive, longest));
    }

    private static Exchange listening() {
        return Exchange.of("GET").withToken();
    }

    /** Takes events until one shows that state, for changes that can be told twice. */
    private static void awaitState(Exchange exchange, String state) throws Exception {
        while (!state(exchange.nextFlushed()).equals(state)) {
            // the state before, told again
        }
    }

    private static void assertState(String event, String state) throws IOException {
        assertThat(state(event)).isEqualTo(state);
    }

    private static String state(String event) throws IOException {
        assertThat(event).startsWith("event: status\ndata: {").endsWith("}\n\n");
        JsonNode status = new ObjectMapper().readTree(event.substring("event: status\ndata: ".length()));
        return status.get("state").asText();
    }
}
