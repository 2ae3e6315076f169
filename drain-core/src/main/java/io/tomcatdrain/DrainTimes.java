package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * When the phases of one drain began, and when they must end. Guarded by the lock of {@link DrainSequence}. All times are readings of
 * its ticker, which mean something by their differences only.
 */
final class DrainTimes {
    private final DrainSettings settings;
    private final long startedNanos;
    private long drainingNanos;
    private long requestsFromNanos;
    private long endedNanos;
    private @Nullable Long lameDuckDeadlineNanos;
    private @Nullable Long commandDeadlineNanos;
    private @Nullable Long stopDeadlineNanos;

    DrainTimes(DrainSettings settings, long startedNanos) {
        this.settings = settings;
        this.startedNanos = startedNanos;
    }

    void drainingBegins(long now) {
        drainingNanos = now;
        requestsFromNanos = now;
    }

    /** With closed listeners requests come later too; they have their time from then on. */
    void requestsComeFrom(long now) {
        requestsFromNanos = now;
    }

    void ends(long now) {
        endedNanos = now;
    }

    /** The lame duck ends by then, whatever the settings say. */
    void endLameDuckBy(long deadline) {
        lameDuckDeadlineNanos = deadline;
    }

    /** A command ends all waiting at that time. */
    void endBy(long deadline) {
        commandDeadlineNanos = deadline;
    }

    /** A stop ends all waiting after its budget. The first one started the clock of whoever kills the process. */
    void stopWithin(Duration budget, long now) {
        Long before = stopDeadlineNanos;
        long deadline = now + budget.toNanos();
        stopDeadlineNanos = before == null ? deadline : earlier(before, deadline);
    }

    long lameDuckDeadline() {
        long deadline = startedNanos + settings.longestLameDuck().toNanos();
        Long own = lameDuckDeadlineNanos;
        if (own != null) {
            deadline = earlier(deadline, own);
        }
        Long command = commandDeadlineNanos;
        if (command != null) {
            deadline = earlier(deadline, command);
        }
        Long stop = stopDeadlineNanos;
        Duration budget = settings.stopBudget();
        if (stop != null && budget != null) {
            long lameDuck = settings.lameDuckWithin(budget).toNanos();
            deadline = earlier(deadline, stop - budget.toNanos() + lameDuck);
        }
        return deadline;
    }

    long uploadDeadline() {
        return uploadDeadline(drainingNanos);
    }

    long requestDeadline() {
        return requestDeadline(drainingNanos, requestsFromNanos);
    }

    private long uploadDeadline(long drainingFrom) {
        Long command = commandDeadlineNanos;
        return beforeStopDeadline(
                command != null
                        ? command
                        : drainingFrom + settings.uploadTimeout().toNanos());
    }

    /** Later requests prolong nothing beyond what the first ones could. */
    private long requestDeadline(long drainingFrom, long requestsFrom) {
        long deadline = requestsFrom + settings.requestTimeout().toNanos();
        Long command = commandDeadlineNanos;
        long last = command != null
                ? command
                : drainingFrom + settings.longestWait().toNanos();
        return beforeStopDeadline(earlier(deadline, last));
    }

    private long beforeStopDeadline(long deadline) {
        Long stop = stopDeadlineNanos;
        return stop == null ? deadline : earlier(deadline, stop);
    }

    private static long earlier(long a, long b) {
        return a - b < 0 ? a : b;
    }

    /** The time until the last limit; −1 while nobody waits. */
    long remainingNanos(DrainState state, long now) {
        return switch (state) {
            case SERVING, DRAINED, EXPIRED -> -1;
            case LAME_DUCK -> {
                long from = lameDuckDeadline();
                yield until(uploadDeadline(from), requestDeadline(from, from), now);
            }
            case DRAINING -> until(uploadDeadline(), requestDeadline(), now);
        };
    }

    /** The time until the lame duck ends at the latest; −1 in any other state. */
    long lameDuckRemainingNanos(DrainState state, long now) {
        return state == DrainState.LAME_DUCK ? Math.max(0, lameDuckDeadline() - now) : -1;
    }

    private static long until(long uploads, long requests, long now) {
        return Math.max(0, Math.max(uploads - now, requests - now));
    }

    /** How long the drain has been running, or took; 0 while serving. */
    long elapsedNanos(DrainState state, long now) {
        return switch (state) {
            case SERVING -> 0;
            case LAME_DUCK, DRAINING -> now - startedNanos;
            case DRAINED, EXPIRED -> endedNanos - startedNanos;
        };
    }

    /** How much of that everything was still served. */
    long lameDuckNanos(DrainState state, long now) {
        return switch (state) {
            case SERVING -> 0;
            case LAME_DUCK -> now - startedNanos;
            case DRAINING, DRAINED, EXPIRED -> drainingNanos - startedNanos;
        };
    }

    /** Milliseconds; −1 stays −1. */
    static long millis(long nanos) {
        return nanos < 0 ? -1 : TimeUnit.NANOSECONDS.toMillis(nanos);
    }
}
