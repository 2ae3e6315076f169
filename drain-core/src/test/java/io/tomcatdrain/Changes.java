package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** Every state change that a drain tells, in the order in which it tells them. */
final class Changes implements DrainListener, AutoCloseable {
    private final Drain drain;
    private final Registration registration;
    private final List<String> seen = new CopyOnWriteArrayList<>();

    private Changes(Drain drain) {
        this.drain = drain;
        this.registration = drain.onStateChange(this);
    }

    static Changes of(Drain drain) {
        return new Changes(drain);
    }

    @Override
    public void stateChanged(DrainState before, DrainState after) {
        seen.add(before + " -> " + after);
    }

    List<String> all() throws InterruptedException {
        assertThat(drain.awaitListeners(30, TimeUnit.SECONDS)).isTrue();
        return List.copyOf(seen);
    }

    @Override
    public void close() {
        registration.close();
    }
}
