package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The end of a drain that many callers share: none of them ends it or delays it for another. */
@Timeout(300)
class DrainOutcomeTest {
    private static final DrainReport REPORT = report("upgrade");
    private static final DrainReport FORGED = report("forged");

    private final DrainOutcome outcome = new DrainOutcome();
    private final ExecutorService dependents = Executors.newSingleThreadExecutor();
    private final ExecutorService callers = Executors.newCachedThreadPool();
    private final CountDownLatch release = new CountDownLatch(1);

    private static DrainReport report(String reason) {
        return new DrainReport(DrainReport.Outcome.DRAINED, reason, 0, 0, 0, 0, 0, List.of(), List.of());
    }

    @AfterEach
    void end() {
        release.countDown();
        dependents.shutdownNow();
        callers.shutdownNow();
    }

    private void hang() {
        try {
            release.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---------------------------------------------------------------- nobody else ends it

    static Stream<Named<Consumer<DrainOutcome>>> attempts() {
        return Stream.of(
                Named.of(
                        "complete",
                        outcome -> assertThat(outcome.complete(FORGED)).isFalse()),
                Named.of(
                        "completeExceptionally",
                        outcome -> assertThat(outcome.completeExceptionally(new IllegalStateException("forged")))
                                .isFalse()),
                Named.of("cancel", outcome -> assertThat(outcome.cancel(true)).isFalse()),
                Named.of("completeAsync", outcome -> outcome.completeAsync(() -> FORGED)),
                Named.of(
                        "completeAsync with an executor",
                        outcome -> outcome.completeAsync(() -> FORGED, Runnable::run)),
                Named.of(
                        "obtrudeValue",
                        outcome -> assertThatThrownBy(() -> outcome.obtrudeValue(FORGED))
                                .isInstanceOf(UnsupportedOperationException.class)),
                Named.of(
                        "obtrudeException",
                        outcome -> assertThatThrownBy(
                                        () -> outcome.obtrudeException(new IllegalStateException("forged")))
                                .isInstanceOf(UnsupportedOperationException.class)),
                Named.of("a copy", outcome -> outcome.copy().complete(FORGED)),
                Named.of(
                        "a dependent stage",
                        outcome -> outcome.thenApply(report -> report).complete(FORGED)),
                Named.of(
                        "itself as a future",
                        outcome -> assertThat(outcome.toCompletableFuture().complete(FORGED))
                                .isFalse()));
    }

    @ParameterizedTest
    @MethodSource("attempts")
    void nobodyButTheDrainEndsIt(Consumer<DrainOutcome> attempt) throws Exception {
        CompletableFuture<DrainReport> dependent = outcome.thenApply(report -> report);

        attempt.accept(outcome);
        assertThat(outcome.isDone()).isFalse();
        assertThat(outcome.isCancelled()).isFalse();
        assertThat(outcome.isCompletedExceptionally()).isFalse();
        assertThat(outcome.getNow(null)).isNull();
        assertThat(dependent).isNotDone();

        outcome.end(REPORT, dependents);
        attempt.accept(outcome);
        assertThat(outcome.get()).isSameAs(REPORT);
        assertThat(dependent.get(30, TimeUnit.SECONDS)).isSameAs(REPORT);
    }

    // ---------------------------------------------------------------- nobody else delays it

    @Test
    void whoWaitsIsReleasedAlthoughAStageHangs() throws Exception {
        List<Callable<DrainReport>> ways = List.of(outcome::get, () -> outcome.get(1, TimeUnit.HOURS), outcome::join);
        AtomicReference<Thread> inside = new AtomicReference<>();
        List<Future<DrainReport>> waiting = ways.stream()
                .map(way -> callers.submit(() -> {
                    inside.set(Thread.currentThread());
                    return way.call();
                }))
                .toList();
        await().until(() -> inside.get() != null);
        CountDownLatch hangs = new CountDownLatch(1);
        CompletableFuture<Void> hung = outcome.thenRun(() -> {
            hangs.countDown();
            hang();
        });

        outcome.end(REPORT, dependents);
        assertThat(hangs.await(30, TimeUnit.SECONDS)).isTrue();

        for (Future<DrainReport> each : waiting) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isSameAs(REPORT);
        }
        assertThat(outcome.isDone()).isTrue();
        assertThat(outcome.getNow(null)).isSameAs(REPORT);
        assertThat(outcome.join()).isSameAs(REPORT);
        assertThat(outcome.get(0, TimeUnit.SECONDS)).isSameAs(REPORT);
        assertThat(hung).isNotDone();
    }

    @Test
    void whoWaitsIsReleasedAlthoughTheStagesHaveNotBegun() throws Exception {
        outcome.end(REPORT, task -> {});

        assertThat(outcome.isDone()).isTrue();
        assertThat(outcome.get()).isSameAs(REPORT);
        assertThat(outcome.get(0, TimeUnit.SECONDS)).isSameAs(REPORT);
        assertThat(outcome.join()).isSameAs(REPORT);
        assertThat(outcome.getNow(null)).isSameAs(REPORT);
    }

    @Test
    void aTimeLimitIsTheCallersOwn() throws Exception {
        CompletableFuture<DrainReport> impatient = outcome.orTimeout(1, TimeUnit.MILLISECONDS);
        CompletableFuture<DrainReport> content = outcome.completeOnTimeout(FORGED, 1, TimeUnit.MILLISECONDS);
        CompletableFuture<DrainReport> patient = outcome.orTimeout(1, TimeUnit.HOURS);

        assertThatThrownBy(() -> impatient.get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(TimeoutException.class);
        assertThat(content.get(30, TimeUnit.SECONDS)).isSameAs(FORGED);
        assertThat(outcome.isDone()).isFalse();
        assertThat(outcome.isCompletedExceptionally()).isFalse();
        assertThat(patient).isNotDone();

        outcome.end(REPORT, dependents);
        assertThat(patient.get(30, TimeUnit.SECONDS)).isSameAs(REPORT);
    }

    @Test
    void waitingForSoLongEndsInVain() {
        assertThatThrownBy(() -> outcome.get(1, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        assertThat(outcome.isDone()).isFalse();
    }

    @Test
    void anInterruptEndsGetAndIsKeptByJoin() throws Exception {
        Thread.currentThread().interrupt();
        assertThatThrownBy(outcome::get).isInstanceOf(InterruptedException.class);

        AtomicReference<Thread> joining = new AtomicReference<>();
        Future<Boolean> interrupted = callers.submit(() -> {
            joining.set(Thread.currentThread());
            Thread.currentThread().interrupt();
            outcome.join();
            return Thread.interrupted();
        });
        await().until(() -> joining.get() != null && joining.get().getState() == Thread.State.WAITING);
        outcome.end(REPORT, dependents);

        assertThat(interrupted.get(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aMillionCommandsShareOne() {
        NodeDrain drain = new FakeTicker().drain("lameDuck", "off");
        drain.enterUpload(TestUpload.unseen());
        CompletableFuture<DrainReport> first = drain.start("upgrade");
        int others = 0;
        for (int i = 0; i < 1_000_000; i++) {
            others += drain.start("upgrade") == first ? 0 : 1;
        }

        assertThat(others).isZero();
        assertThat(first.getNumberOfDependents()).isZero();
    }
}
