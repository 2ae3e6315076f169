package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The few places in which a refusal lingers are shared fairly. */
class LingeringTest {
    private static final int MOST = 4;
    private static final Duration AT_ONCE = Duration.ofMillis(1);

    private final Lingering lingering = new Lingering(TimeUnit.HOURS.toNanos(1), MOST);
    private final List<Thread> all = new ArrayList<>();

    /** Returns once a client of that address lingers. */
    private Thread client(@Nullable String address) {
        Thread client = new Thread(() -> lingering.linger(address), "client");
        client.setDaemon(true);
        all.add(client);
        client.start();
        await().pollInterval(AT_ONCE).until(() -> client.getState() == Thread.State.TIMED_WAITING);
        return client;
    }

    private static void awaitEnd(Thread client) {
        await().pollInterval(AT_ONCE).until(() -> !client.isAlive());
    }

    @AfterEach
    void end() {
        all.forEach(Thread::interrupt);
        all.forEach(LingeringTest::awaitEnd);
        assertThat(lingering.size()).isZero();
    }

    @Test
    void aCrowdTakesItsOwnPlacesOnly() {
        Thread first = client("crowd");
        Thread second = client("crowd");
        Thread third = client("crowd");
        Thread other = client("other");
        Thread another = client("another");
        awaitEnd(first);
        Thread fifth = client("crowd");
        awaitEnd(second);
        Thread sixth = client("crowd");
        awaitEnd(third);
        assertThat(List.of(other, another, fifth, sixth)).allMatch(Thread::isAlive);
        assertThat(lingering.size()).isEqualTo(MOST);
    }

    /** As behind a front end, where all have one address. */
    @Test
    void ofOneAddressTheLongestMakesRoom() {
        Thread first = client("front end");
        List<Thread> later = new ArrayList<>();
        for (int i = 0; i < MOST; i++) {
            later.add(client("front end"));
        }
        awaitEnd(first);
        assertThat(later).allMatch(Thread::isAlive);
    }

    @Test
    void anUnknownAddressIsOneLikeAnother() {
        Thread unknown = client(null);
        assertThat(lingering.size()).isOne();
        unknown.interrupt();
        awaitEnd(unknown);
    }

    @Test
    void aMomentPasses() {
        Lingering quick = new Lingering(1, MOST);
        quick.linger("any");
        assertThat(quick.size()).isZero();
    }
}
