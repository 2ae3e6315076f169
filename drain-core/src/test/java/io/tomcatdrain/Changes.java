package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Every state change that a drain tells, in the order in which it tells them. */
final class Changes implements DrainListener, AutoCloseable {
    private final NodeDrain drain;
    private final Registration registration;
    private final List<String> seen = new CopyOnWriteArrayList<>();

    private Changes(NodeDrain drain) {
        this.drain = drain;
        this.registration = drain.onStateChange(this);
    }

    static Changes of(NodeDrain drain) {
        return new Changes(drain);
    }

    @Override
    public void stateChanged(DrainState before, DrainState after) {
        seen.add(before + " -> " + after);
    }

    List<String> all() throws InterruptedException {
        assertThat(drain.awaitListeners(Duration.ofSeconds(30))).isTrue();
        return List.copyOf(seen);
    }

    @Override
    public void close() {
        registration.close();
    }
}
