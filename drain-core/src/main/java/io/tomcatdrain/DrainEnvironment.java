package io.tomcatdrain;

import java.time.InstantSource;

/**
 * The clocks and threads that a drain uses, which tests replace.
 *
 * @param ownThread false if no thread takes the drain's steps, so that a test does
 */
record DrainEnvironment(Ticker ticker, InstantSource clock, boolean ownThread, ThreadStarter threads) {
    static final DrainEnvironment REAL =
            new DrainEnvironment(System::nanoTime, InstantSource.system(), true, ThreadStarter.DAEMONS);

    DrainEnvironment(Ticker ticker, InstantSource clock, boolean ownThread) {
        this(ticker, clock, ownThread, ThreadStarter.DAEMONS);
    }
}
