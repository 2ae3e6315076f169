package io.tomcatdrain;

/**
 * Told of every state change of a drain, in order, on a thread of its own: a slow or failing listener delays neither the drain
 * nor other listeners.
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
