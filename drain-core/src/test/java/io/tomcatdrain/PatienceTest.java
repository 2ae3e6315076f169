package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What others make of a call costs its caller two seconds at most. */
@Timeout(300)
class PatienceTest {
    @Test
    void aCallIsOverWhenItReturns() {
        List<String> said = new ArrayList<>();
        Patience.call(() -> said.add("one"));
        Patience.call(() -> said.add("two"));
        assertThat(said).containsExactly("one", "two");
    }

    @Test
    void whatItThrowsIsLost() {
        for (Throwable fault : new Throwable[] {new AssertionError("on purpose"), new OutOfMemoryError("on purpose")}) {
            Patience.call(() -> PatienceTest.<RuntimeException>throwAsItIs(fault));
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void throwAsItIs(Throwable fault) throws T {
        throw (T) fault;
    }

    /** Neither many that hang nor the caller's interrupt change that; afterwards all is as it was. */
    @Test
    void whoHangsIsLeftAlone() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        Runnable hanging = () -> {
            try {
                release.await();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        };
        Thread.currentThread().interrupt();
        try {
            for (int i = 0; i < 100; i++) {
                Patience.call(hanging);
            }
            assertThat(Thread.interrupted()).isTrue();
        } finally {
            Thread.interrupted();
            release.countDown();
        }
        await("the end of all that hung")
                .until(() -> Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().equals(Patience.THREAD)));
        List<String> said = new ArrayList<>();
        Patience.call(() -> said.add("well again"));
        assertThat(said).isNotEmpty();
    }
}
