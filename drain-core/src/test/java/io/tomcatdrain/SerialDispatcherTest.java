package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.CapturedLog;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SerialDispatcherTest {
    private static final String NAME = "dispatcher-under-test";

    private final SerialDispatcher dispatcher = new SerialDispatcher(NAME, ThreadStarter.DAEMONS);
    private final List<Integer> seen = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void quiet() {
        CapturedLog.keepOffTheConsole();
    }

    private void assertEverythingRuns() throws InterruptedException {
        assertThat(dispatcher.awaitIdle(30, TimeUnit.SECONDS)).isTrue();
    }

    private static boolean hasThread() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals(NAME));
    }

    @Test
    void runsTasksInOrderOnAThreadOfItsOwn() throws InterruptedException {
        List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 1000; i++) {
            int number = i;
            dispatcher.execute(() -> {
                seen.add(number);
                threads.add(Thread.currentThread());
            });
        }

        assertEverythingRuns();
        assertThat(seen).isEqualTo(IntStream.range(0, 1000).boxed().toList());
        assertThat(threads).doesNotContain(Thread.currentThread()).allMatch(Thread::isDaemon);
    }

    @Test
    void hasNoThreadWhileThereIsNothingToDo() throws InterruptedException {
        await("the thread of the test before has ended").until(() -> !hasThread());
        dispatcher.execute(() -> seen.add(1));
        assertEverythingRuns();

        await().atMost(30, TimeUnit.SECONDS).until(() -> !hasThread());
    }

    @Test
    void doesNotKeepTheCallersClassLoaderReachable() throws InterruptedException {
        List<ClassLoader> loaders = Collections.synchronizedList(new ArrayList<>());
        Thread.currentThread().setContextClassLoader(new ClassLoader() {});
        try {
            dispatcher.execute(() -> loaders.add(Thread.currentThread().getContextClassLoader()));
            assertEverythingRuns();
        } finally {
            Thread.currentThread().setContextClassLoader(SerialDispatcherTest.class.getClassLoader());
        }

        assertThat(loaders).containsExactly(SerialDispatcher.class.getClassLoader());
    }

    @Test
    void doesNotHandTheCallersInheritableThreadLocalsOn() throws InterruptedException {
        InheritableThreadLocal<Integer> ofTheCaller = new InheritableThreadLocal<>();
        ofTheCaller.set(42);
        try {
            dispatcher.execute(() -> seen.add(ofTheCaller.get() == null ? 0 : ofTheCaller.get()));
            assertEverythingRuns();
        } finally {
            ofTheCaller.remove();
        }

        assertThat(seen).containsExactly(0);
    }

    @Test
    void aTaskThatFailsChangesNothingForTheNext() throws InterruptedException {
        dispatcher.execute(() -> {
            throw new AssertionError("a listener's fault");
        });
        dispatcher.execute(() -> seen.add(2));

        assertEverythingRuns();
        assertThat(seen).containsExactly(2);
    }

    @Test
    void evenALogThatFailsChangesNothingForTheNext() throws InterruptedException {
        Logger logger = Logger.getLogger(SerialDispatcher.class.getName());
        Handler failing = new Handler() {
            @Override
            public void publish(LogRecord line) {
                throw new IllegalStateException("the disk is full");
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(failing);
        try {
            dispatcher.execute(() -> {
                throw new IllegalArgumentException("a listener's fault");
            });
            dispatcher.execute(() -> seen.add(2));
            assertEverythingRuns();
        } finally {
            logger.removeHandler(failing);
        }

        assertThat(seen).containsExactly(2);
    }

    @Test
    void tasksWaitWhileNoThreadCanBeMadeAndRunInOrderOnceOneCan() throws InterruptedException {
        ScarceThreads threads = ScarceThreads.none();
        SerialDispatcher poor = new SerialDispatcher(NAME, threads);
        List<Thread> ranOn = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 5; i++) {
            int number = i;
            poor.execute(() -> {
                seen.add(number);
                ranOn.add(Thread.currentThread());
            });
        }
        assertThat(poor.retry()).isFalse();
        assertThat(poor.awaitIdle(30, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(seen).isEmpty();

        threads.becomeAvailable();
        assertThat(poor.retry()).isTrue();
        assertThat(poor.awaitIdle(30, TimeUnit.SECONDS)).isTrue();
        assertThat(seen).containsExactly(0, 1, 2, 3, 4);
        assertThat(ranOn).doesNotContain(Thread.currentThread()).containsOnly(ranOn.get(0));
        // Whoever waits for them may have needed a second thread, if the first was quicker.
        assertThat(threads.started()).isNotEmpty().containsOnly(NAME);
    }

    @Test
    void theNextTaskMakesTheThreadThatWasMissing() throws InterruptedException {
        ScarceThreads threads = ScarceThreads.after(1);
        SerialDispatcher poor = new SerialDispatcher(NAME, threads);
        CountDownLatch both = new CountDownLatch(2);
        poor.execute(both::countDown);
        assertThat(both.getCount()).isEqualTo(2);
        poor.execute(both::countDown);

        assertThat(both.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void whoWaitsForTheTasksMakesTheThreadThatWasMissing() throws InterruptedException {
        SerialDispatcher poor = new SerialDispatcher(NAME, ScarceThreads.after(3));
        poor.execute(() -> seen.add(1));

        assertThat(poor.awaitIdle(30, TimeUnit.SECONDS)).isTrue();
        assertThat(seen).containsExactly(1);
    }

    @Test
    void waitingEndsInVainWhileATaskHangs() throws InterruptedException {
        CountDownLatch release = new CountDownLatch(1);
        dispatcher.execute(() -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });

        assertThat(dispatcher.awaitIdle(1, TimeUnit.MILLISECONDS)).isFalse();
        release.countDown();
        assertEverythingRuns();
    }

    /** A log that hangs for days must not fill the memory. */
    @Test
    void behindATaskThatHangsOnlySoManyWait() throws Exception {
        SerialDispatcher dispatcher = new SerialDispatcher("bounded", ThreadStarter.DAEMONS);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger ran = new AtomicInteger();
        dispatcher.execute(() -> {
            try {
                release.await();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        });
        for (int i = 0; i < 3 * SerialDispatcher.MOST_WAITING; i++) {
            dispatcher.execute(ran::incrementAndGet);
        }

        release.countDown();
        assertThat(dispatcher.awaitIdle(30, TimeUnit.SECONDS)).isTrue();
        assertThat(ran).hasValue(SerialDispatcher.MOST_WAITING - 1);
        dispatcher.execute(ran::incrementAndGet);
        assertThat(dispatcher.awaitIdle(30, TimeUnit.SECONDS)).isTrue();
        assertThat(ran).hasValue(SerialDispatcher.MOST_WAITING);
    }
}
