package io.tomcatdrain;

import java.time.Duration;

/**
 * Told of every state change of a drain, in order, on a thread of its own: a slow or failing listener delays neither the drain
 * nor other listeners, except that one with a {@link #lameDuck} keeps the lame duck.
 *
 * @since 1.0
 */
@FunctionalInterface
public interface DrainListener {

    /**
     * Called after a state change.
     *
     * @param before the state that ended
     * @param after the state that began
     */
    void stateChanged(DrainState before, DrainState after);

    /**
     * How long callers go on sending requests here after this listener has told them that the node leaves: a lame duck of {@code auto}
     * lasts until the listener has been told of it and so much time has passed, within {@code lameDuckTimeout}. Asked once, when the listener is
     * registered. Zero, as it is here, or negative: the lame duck does not wait for the listener.
     */
    default Duration lameDuck() {
        return Duration.ZERO;
    }

    /**
     * Makes a listener that leaves whatever tells callers where the node is, such as a service registry, at the beginning of each lame duck, so that nothing
     * is refused before they have learned of it. Each action runs on the listener's thread; what it throws is logged, and the drain goes on.
     *
     * @param callersGoOn how long callers may go on sending requests here after that, since they keep what they know: see {@link #lameDuck}
     * @param leave takes the node out
     * @param comeBack puts it in again, when the drain is undone
     */
    static DrainListener announcing(Duration callersGoOn, Runnable leave, Runnable comeBack) {
        return new DrainListener() {
            @Override
            public void stateChanged(DrainState before, DrainState after) {
                if (after == DrainState.LAME_DUCK) {
                    leave.run();
                } else if (after == DrainState.SERVING) {
                    comeBack.run();
                }
            }

            @Override
            public Duration lameDuck() {
                return callersGoOn;
            }
        };
    }

    /**
     * A listener's place, from {@link Drain#onStateChange} until it is closed. Thread-safe; closing it again does nothing. What was
     * to be told before may still be told afterwards.
     *
     * @since 1.0
     */
    interface Registration extends AutoCloseable {

        @Override
        void close();
    }
}
