package io.tomcatdrain;

/** A source of elapsed time with the meaning of {@link System#nanoTime}. */
@FunctionalInterface
interface Ticker {
    long nanos();
}
