package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InFlightGateTest {
    private final AtomicInteger idleSignals = new AtomicInteger();

    private InFlightGate gate(int stripes) {
        return new InFlightGate(stripes, idleSignals::incrementAndGet);
    }

    /** Runs on a thread whose number, and so whose word, is another one than the caller's. */
    private static void onAnotherThread(Runnable task) throws InterruptedException {
        Thread thread = new Thread(task);
        thread.start();
        thread.join(TimeUnit.SECONDS.toMillis(30));
        assertThat(thread.isAlive()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void anOpenGateLetsInAndNeverSignals(int stripes) {
        InFlightGate gate = gate(stripes);

        assertThat(gate.enter()).isTrue();
        assertThat(gate.enter()).isTrue();
        assertThat(gate.inFlight()).isEqualTo(2);
        gate.exit();
        gate.exit();

        assertThat(gate.inFlight()).isZero();
        assertThat(gate.isIdle()).as("idle means sealed and empty").isFalse();
        assertThat(idleSignals).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void sealingAnEmptyGateSignalsOnce(int stripes) {
        InFlightGate gate = gate(stripes);

        gate.seal();

        assertThat(gate.isIdle()).isTrue();
        assertThat(idleSignals).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void aSealedGateSignalsWhenTheLastHolderLeavesAndNotBefore(int stripes) {
        InFlightGate gate = gate(stripes);
        gate.enter();
        gate.enter();

        gate.seal();
        assertThat(gate.inFlight()).isEqualTo(2);
        gate.exit();
        assertThat(gate.isIdle()).isFalse();
        assertThat(idleSignals).hasValue(0);
        gate.exit();

        assertThat(gate.isIdle()).isTrue();
        assertThat(gate.inFlight()).isZero();
        assertThat(idleSignals).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void aSealedGateRefuses(int stripes) {
        InFlightGate gate = gate(stripes);

        gate.seal();

        assertThat(gate.enter()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void sealingTwiceChangesNothing(int stripes) {
        InFlightGate gate = gate(stripes);
        gate.enter();
        gate.seal();
        gate.seal();
        assertThat(gate.enter()).isFalse();
        assertThat(gate.inFlight()).isOne();
        assertThat(idleSignals).hasValue(0);
        gate.exit();
        gate.seal();

        assertThat(gate.enter()).isFalse();
        assertThat(gate.isIdle()).isTrue();
        assertThat(gate.left()).isOne();
        assertThat(idleSignals).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void refusedTrafficNeitherChangesTheCountNorSignals(int stripes) throws InterruptedException {
        InFlightGate gate = gate(stripes);
        gate.enter();
        gate.seal();

        for (int i = 0; i < 10; i++) {
            onAnotherThread(() -> {
                for (int n = 0; n < 1000; n++) {
                    assertThat(gate.enter()).isFalse();
                }
            });
        }
        assertThat(gate.inFlight()).isOne();
        assertThat(idleSignals).hasValue(0);

        gate.exit();
        assertThat(gate.enter()).isFalse();
        assertThat(gate.inFlight()).isZero();
        assertThat(idleSignals).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void whoeverEntersMayLeaveOnAnyOtherThread(int stripes) throws InterruptedException {
        InFlightGate gate = gate(stripes);
        int holders = 20;
        for (int i = 0; i < holders; i++) {
            onAnotherThread(gate::enter);
        }
        assertThat(gate.inFlight()).isEqualTo(holders);

        for (int i = 0; i < holders / 2; i++) {
            onAnotherThread(gate::exit);
        }
        gate.seal();
        assertThat(gate.inFlight()).isEqualTo(holders / 2);
        for (int i = 0; i < holders / 2; i++) {
            assertThat(idleSignals).hasValue(0);
            onAnotherThread(gate::exit);
        }

        assertThat(gate.isIdle()).isTrue();
        assertThat(idleSignals).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void manyThreadsAgainstTheSealAreCountedExactly(int stripes) throws Exception {
        int threads = 4;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            for (int round = 1; round <= 200; round++) {
                idleSignals.set(0);
                InFlightGate gate = gate(stripes);
                CountDownLatch start = new CountDownLatch(1);
                List<Future<Integer>> admitted = new ArrayList<>();
                for (int t = 0; t < threads; t++) {
                    admitted.add(pool.submit(() -> {
                        start.await();
                        int inside = 0;
                        for (int n = 0; n < 100; n++) {
                            if (gate.enter()) {
                                inside++;
                            }
                        }
                        return inside;
                    }));
                }
                start.countDown();
                gate.seal();
                int inside = 0;
                for (Future<Integer> part : admitted) {
                    inside += part.get(30, TimeUnit.SECONDS);
                }

                assertThat(gate.inFlight()).isEqualTo(inside);
                for (int i = 0; i < inside; i++) {
                    assertThat(gate.isIdle()).isFalse();
                    gate.exit();
                }
                assertThat(gate.isIdle()).isTrue();
                assertThat(idleSignals).hasValue(1);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void knowsHowManyHaveLeftWhileItIsOpenAndOnceItIsSealed(int stripes) throws InterruptedException {
        InFlightGate gate = gate(stripes);
        for (int i = 0; i < 5; i++) {
            onAnotherThread(gate::enter);
        }
        onAnotherThread(gate::exit);
        onAnotherThread(gate::exit);
        assertThat(gate.left()).isEqualTo(2);
        assertThat(gate.inFlight()).isEqualTo(3);

        gate.seal();
        assertThat(gate.left()).isEqualTo(2);
        onAnotherThread(gate::exit);
        gate.enter(); // refused

        assertThat(gate.left()).isEqualTo(3);
        assertThat(gate.inFlight()).isEqualTo(2);
    }

    /** Of two words one is entered by only, and the other left by only. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void countsWhoEntersByOneWordAndLeavesByAnother(int stripes) {
        InFlightGate gate = gate(stripes);
        int requests = 20_000_000; // more than the bits for those inside can tell
        gate.enterAs(0);
        for (int i = 0; i < requests; i++) {
            gate.enterAs(0);
            gate.exitAs(1);
        }
        assertThat(gate.left()).isEqualTo(requests);
        assertThat(gate.inFlight()).isOne();

        gate.seal();
        assertThat(gate.left()).isEqualTo(requests);
        assertThat(gate.inFlight()).isOne();
        assertThat(idleSignals).hasValue(0);
        gate.exitAs(1);

        assertThat(gate.left()).isEqualTo(requests + 1);
        assertThat(idleSignals).hasValue(1);
    }

    @Test
    void countsEightMillionInsideAtOnce() {
        InFlightGate gate = gate(2);
        int most = (1 << 23) - 1;
        for (int i = 0; i < most; i++) {
            gate.enterAs(i % 2);
        }
        assertThat(gate.inFlight()).isEqualTo(most);
        assertThat(gate.left()).isZero();

        gate.seal();
        for (int i = 0; i < most; i++) {
            assertThat(idleSignals).hasValue(0);
            gate.exitAs(0);
        }
        assertThat(gate.left()).isEqualTo(most);
        assertThat(idleSignals).hasValue(1);
    }

    /** Two threads pass through one word, in which nobody is now and then, when the seal comes. */
    @Test
    void nobodyIsLostWhileABusyWordIsSealed() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(2);
        try {
            for (int round = 1; round <= 20; round++) {
                idleSignals.set(0);
                InFlightGate gate = gate(1);
                List<Future<Integer>> passed = new ArrayList<>();
                for (int t = 0; t < 2; t++) {
                    passed.add(pool.submit(() -> {
                        int admitted = 0;
                        while (gate.enterAs(0)) {
                            gate.exitAs(0);
                            admitted++;
                        }
                        return admitted;
                    }));
                }
                while (gate.left() < 10_000) {
                    Thread.onSpinWait();
                }
                gate.seal();
                long admitted = 0;
                for (Future<Integer> part : passed) {
                    admitted += part.get(30, TimeUnit.SECONDS);
                }

                assertThat(admitted).isGreaterThanOrEqualTo(10_000);
                assertThat(gate.left()).isEqualTo(admitted);
                assertThat(gate.isIdle()).isTrue();
                assertThat(idleSignals).hasValue(1);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @ParameterizedTest
    @CsvSource({"1,64", "2,64", "32,64", "33,128", "64,128", "65,256", "512,1024"})
    void hasAPowerOfTwoOfWordsForAMachine(int processors, int stripes) {
        assertThat(InFlightGate.stripesFor(processors)).isEqualTo(stripes);
    }

    @Test
    void onlyAPowerOfTwoCanSelectAWord() {
        assertThatThrownBy(() -> gate(3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[3]");
        assertThatThrownBy(() -> gate(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[0]");
    }
}
