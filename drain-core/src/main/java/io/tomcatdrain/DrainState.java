package io.tomcatdrain;

/**
 * Where a node stands between serving and being ready to stop.
 *
 * @since 1.0
 */
public enum DrainState {
    /** Serves everything; readiness is up. */
    SERVING,
    /** Readiness is down and everything is still served, so that the front end can notice before anything is refused. */
    LAME_DUCK,
    /** New work is refused; what was accepted is waited for. */
    DRAINING,
    /** Everything that was accepted has been answered. */
    DRAINED,
    /** The wait is over although something was given up: it outlived its limit, or stalled. */
    EXPIRED;

    /** Returns true only while the front end should send work here. */
    public boolean isReady() {
        return this == SERVING;
    }

    /** Returns true in the two states in which a drain has ended by itself. */
    public boolean isOver() {
        return this == DRAINED || this == EXPIRED;
    }
}
