package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What tests add to a command, and how they learn its outcome. */
final class Commands {
    private Commands() {}

    /** Returns the limits of a command that says how long to wait, and nothing else. */
    static DrainLimits timeout(Duration timeout) {
        return new DrainLimits(timeout, null);
    }

    /** Waits for the report of a drain that is over, or about to be. */
    static DrainReport result(CompletableFuture<DrainReport> outcome) throws Exception {
        return outcome.get(30, TimeUnit.SECONDS);
    }
}
