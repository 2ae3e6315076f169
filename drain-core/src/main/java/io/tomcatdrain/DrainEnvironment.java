package io.tomcatdrain;

import java.time.InstantSource;

/**
 * What a drain has from outside, which tests drive.
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
