package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.Drain;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SharedStatusTest {
    private final Drain drain = Drains.make();
    private final SharedStatus shared = new SharedStatus(drain);

    @AfterEach
    void end() {
        drain.close();
    }

    @Test
    void isMadeOnceForATick() {
        byte[] made = shared.at(3);

        assertThat(shared.at(3)).isSameAs(made);
        assertThat(shared.at(4)).isNotSameAs(made);
    }

    @Test
    void isMadeOnceHoweverManyAskAtTheSameTime() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(16);
        try {
            for (int tick = 0; tick < 200; tick++) {
                long now = tick;
                CountDownLatch together = new CountDownLatch(16);
                List<Future<byte[]>> asked = new ArrayList<>();
                for (int i = 0; i < 16; i++) {
                    asked.add(threads.submit(() -> {
                        together.countDown();
                        together.await();
                        return shared.at(now);
                    }));
                }
                byte[] first = asked.get(0).get();
                for (Future<byte[]> one : asked) {
                    assertThat(one.get()).isSameAs(first);
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void whoAsksLateGetsWhatIsNewer() {
        shared.at(3);
        byte[] newer = shared.at(4);

        assertThat(shared.at(3)).isSameAs(newer);
    }

    @Test
    void isMadeAgainWhenSomethingHasChanged() {
        byte[] made = shared.at(3);

        shared.outdate();

        assertThat(shared.at(3)).isNotSameAs(made);
    }

    @Test
    void neverShowsAStateThatIsOver() {
        assertThat(text(shared.at(3))).contains("\"state\":\"SERVING\"");

        var unused = drain.start("test"); // nobody has told of this change yet

        assertThat(text(shared.at(3))).contains("\"state\":\"DRAINED\"");
    }

    @Test
    void keepsNothingForNobody() {
        byte[] made = shared.at(3);

        shared.forget();

        assertThat(shared.at(3)).isNotSameAs(made);
    }

    private static String text(byte[] event) {
        return new String(event, StandardCharsets.UTF_8);
    }
}
