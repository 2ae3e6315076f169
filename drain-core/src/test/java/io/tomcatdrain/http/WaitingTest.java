package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Hold;
import io.tomcatdrain.NodeDrain;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code POST ?wait=}: answered when the drain is over. */
@Timeout(300)
class WaitingTest {
    private final NodeDrain drain = Drains.make();
    private final DrainEndpoints endpoints = new DrainEndpoints(drain);
    private final Visits visits = new Visits(endpoints);

    @AfterEach
    void end() {
        endpoints.close();
        drain.close();
    }

    @Test
    void answersAtOnceWhereNobodyIsInFlight() throws IOException {
        Exchange exchange = waiting("wait=1h&reason=x");

        endpoints.handle(exchange.request(), exchange.response(), "", true);

        assertAnswer(exchange, 200, "DRAINED");
        assertThat(exchange.flushed).hasSize(1);
    }

    @Test
    void answersWhenTheLastHolderHasLeft() throws Exception {
        Hold hold = drain.hold("test");
        Exchange exchange = waiting("wait=1h");
        visits.send(exchange, "");
        visits.awaitAllInside();
        assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
        assertThat(exchange.body()).isEmpty();

        hold.close();

        visits.awaitAllGone();
        assertAnswer(exchange, 200, "DRAINED");
    }

    @Test
    void answers504WhenTheDrainExpires() throws Exception {
        Hold hold = drain.hold("test");
        Exchange exchange = waiting("wait=1h&timeout=1h");
        visits.send(exchange, "");
        visits.awaitAllInside();

        Exchange now = Exchange.of("POST", "timeout=0s").withToken();
        endpoints.handle(now.request(), now.response(), "", true);

        visits.awaitAllGone();
        assertAnswer(exchange, 504, "EXPIRED");
        hold.close();
    }

    @Test
    void answers504WhenSomebodyResumes() throws Exception {
        Hold hold = drain.hold("test");
        Exchange exchange = waiting("wait=1h");
        visits.send(exchange, "");
        visits.awaitAllInside();

        drain.resume();

        visits.awaitAllGone();
        assertAnswer(exchange, 504, "SERVING");
        hold.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"wait=0s", "wait=20ms"})
    void answers504WhenTheWaitHasPassed(String query) throws IOException {
        try (Hold hold = drain.hold("test")) {
            Exchange exchange = waiting(query);

            endpoints.handle(exchange.request(), exchange.response(), "", true);

            assertAnswer(exchange, 504, "DRAINING");
            assertThat(hold.isEffective()).isTrue();
        }
    }

    @Test
    void aWaitOfZeroTellsWhatIsOverAlready() throws IOException {
        var unused = drain.start("test");
        Exchange exchange = waiting("wait=0s");

        endpoints.handle(exchange.request(), exchange.response(), "", true);

        assertAnswer(exchange, 200, "DRAINED");
    }

    @Test
    void sixteenWaitAndTheNextIsCarriedOutWithoutAPlace() throws Exception {
        Hold hold = drain.hold("test");
        List<Exchange> sixteen = sixteenThatWait();
        Instant deadline = drain.status().deadline();

        Exchange next = waiting("wait=1h&timeout=4h");
        endpoints.handle(next.request(), next.response(), "", true);

        assertRefusedAPlace(next);
        assertThat(drain.state()).isEqualTo(DrainState.DRAINING);
        assertThat(drain.status().deadline()).isAfter(deadline.plusSeconds(3600));
        Exchange short202 = Exchange.of("POST").withToken();
        endpoints.handle(short202.request(), short202.response(), "", true);
        assertThat(short202.status).isEqualTo(202);

        hold.close();
        visits.awaitAllGone();
        for (Exchange exchange : sixteen) {
            assertAnswer(exchange, 200, "DRAINED");
        }
        Exchange later = waiting("wait=1h");
        endpoints.handle(later.request(), later.response(), "", true);
        assertAnswer(later, 200, "DRAINED");
    }

    /** The operator's command ends the drain, so it has nothing to wait for and needs no place among the sixteen. */
    @Test
    void sixteenWhoseClientsHaveGoneDoNotKeepAnOperatorFromEndingTheDrain() throws Exception {
        Hold hold = drain.hold("test");
        List<Exchange> sixteen = sixteenThatWait();

        Exchange operator = waiting("wait=1h&timeout=0s");
        endpoints.handle(operator.request(), operator.response(), "", true);

        assertAnswer(operator, 504, "EXPIRED");
        visits.awaitAllGone();
        for (Exchange exchange : sixteen) {
            assertAnswer(exchange, 504, "EXPIRED");
        }
        hold.close();
    }

    private List<Exchange> sixteenThatWait() throws Exception {
        List<Exchange> sixteen = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            Exchange exchange = waiting("wait=1h&timeout=2h");
            sixteen.add(exchange);
            visits.send(exchange, "");
        }
        visits.awaitAllInside();
        return sixteen;
    }

    private static void assertRefusedAPlace(Exchange exchange) throws IOException {
        assertThat(exchange.status).isEqualTo(429);
        assertThat(exchange.header("Retry-After")).isEqualTo("5");
        assertThat(new ObjectMapper().readTree(exchange.body()).get("error").asText())
                .contains("the command is carried out", "16 requests wait", "GET /drain");
    }

    @Test
    void aPlaceIsFreeAgainWhenTheAnswerCannotBeWritten() throws Exception {
        var unused = drain.start("test");
        for (int i = 0; i < 20; i++) {
            Exchange exchange = waiting("wait=1h");
            exchange.broken = true;
            try {
                endpoints.handle(exchange.request(), exchange.response(), "", true);
            } catch (IOException expected) {
                assertThat(exchange.status).isEqualTo(200);
            }
        }
        assertThat(endpoints.awaitAnswered(Duration.ofSeconds(0))).isTrue();
    }

    @Test
    void aStopWaitsForTheAnswers() throws Exception {
        Hold hold = drain.hold("test");
        CountDownLatch writing = new CountDownLatch(1);
        CountDownLatch mayWrite = new CountDownLatch(1);
        Exchange exchange = waiting("wait=1h").beforeEachWrite(() -> {
            writing.countDown();
            mayWrite.await();
        });
        visits.send(exchange, "");
        visits.awaitAllInside();
        assertThat(endpoints.awaitAnswered(Duration.ofSeconds(0))).isFalse();

        hold.close();
        assertThat(writing.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(endpoints.awaitAnswered(Duration.ofMillis(1))).isFalse();
        mayWrite.countDown();

        assertThat(endpoints.awaitAnswered(Duration.ofSeconds(60))).isTrue();
        assertAnswer(exchange, 200, "DRAINED");
        assertThat(exchange.flushed).hasSize(1);
    }

    @Test
    void closeEndsWhoWaits() throws Exception {
        Hold hold = drain.hold("test");
        Exchange early = waiting("wait=1h");
        visits.send(early, "");
        visits.awaitAllInside();

        endpoints.close();

        visits.awaitAllGone();
        assertAnswer(early, 504, "DRAINING");
        Exchange late = waiting("wait=1h");
        endpoints.handle(late.request(), late.response(), "", true);
        assertAnswer(late, 504, "DRAINING");
        hold.close();
    }

    @Test
    void anInterruptEndsTheWaitAsNotDrained() throws Exception {
        Hold hold = drain.hold("test");
        Exchange exchange = waiting("wait=1h");
        boolean[] interruptedWhileWriting = new boolean[1];
        exchange.beforeEachWrite(
                () -> interruptedWhileWriting[0] = Thread.currentThread().isInterrupted());
        Thread thread = visits.send(exchange, "");
        visits.awaitAllInside();

        thread.interrupt();

        visits.awaitAllGone();
        assertAnswer(exchange, 504, "DRAINING");
        assertThat(interruptedWhileWriting[0]).isFalse();
        hold.close();
    }

    private static Exchange waiting(String query) {
        return Exchange.of("POST", query).withToken();
    }

    private static void assertAnswer(Exchange exchange, int code, String state) throws IOException {
        assertThat(exchange.status).isEqualTo(code);
        assertThat(new ObjectMapper().readTree(exchange.body()).get("state").asText())
                .isEqualTo(state);
    }
}
