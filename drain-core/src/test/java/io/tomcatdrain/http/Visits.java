package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Sends requests that stay, each on a thread of its own, as a container would. */
final class Visits {
    private final DrainEndpoints endpoints;
    private final List<Thread> threads = new ArrayList<>();

    Visits(DrainEndpoints endpoints) {
        this.endpoints = endpoints;
    }

    Thread send(Exchange exchange, String below) {
        Thread thread = new Thread(() -> {
            try {
                endpoints.handle(exchange.request(), exchange.response(), below, true);
            } catch (IOException fault) {
                throw new UncheckedIOException(fault);
            }
        });
        thread.setDaemon(true);
        thread.start();
        threads.add(thread);
        return thread;
    }

    /** Waits until every thread is where a request stays: in a wait with a limit. */
    void awaitAllInside() {
        await().pollInterval(Duration.ofMillis(2))
                .until(() -> threads.stream().allMatch(thread -> thread.getState() == Thread.State.TIMED_WAITING));
    }

    void awaitAllGone() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join(60_000);
            assertThat(thread.isAlive()).isFalse();
        }
    }
}
