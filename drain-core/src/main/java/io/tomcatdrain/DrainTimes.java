package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * When the phases of one drain began, and when they must end. Guarded by the lock of the sequence. All times are readings of its
 * ticker, which mean something by their differences only.
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
    private @Nullable Long stopNanos;

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

    /** From the first stop on no command makes the waiting longer than uploadTimeout allows. */
    void stopBegins(long now) {
        if (stopNanos == null) {
            stopNanos = now;
        }
    }

    /** A stop ends all waiting after its budget. The first stop started the clock by which the process is killed. */
    void stopWithin(Duration budget, long now) {
        Long before = stopDeadlineNanos;
        long deadline = now + budget.toNanos();
        stopDeadlineNanos = before == null ? deadline : earlier(before, deadline);
    }

    /** Goes on in the stop that began in the time of another drain, which is over. */
    void goesOn(DrainTimes before) {
        stopNanos = before.stopNanos;
        stopDeadlineNanos = before.stopDeadlineNanos;
        Duration budget = settings.stopBudget();
        if (stopDeadlineNanos == null && stopNanos != null && budget != null) {
            stopDeadlineNanos = stopNanos + budget.toNanos();
        }
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
        long bySettings = drainingFrom + settings.uploadTimeout().toNanos();
        Long command = commandDeadlineNanos;
        return beforeStopDeadline(
                command == null ? bySettings : inAStop(command, drainingFrom, settings.uploadTimeout()));
    }

    /** A command's deadline; in a stop no later than the limit after the stop or the draining began, whichever is later. */
    private long inAStop(long command, long drainingFrom, Duration limit) {
        Long stop = stopNanos;
        return stop == null ? command : earlier(command, later(stop, drainingFrom) + limit.toNanos());
    }

    /** Later requests prolong nothing beyond what the first ones could. */
    private long requestDeadline(long drainingFrom, long requestsFrom) {
        long deadline = requestsFrom + settings.requestTimeout().toNanos();
        Long command = commandDeadlineNanos;
        long last = command != null
                ? inAStop(command, drainingFrom, settings.longestWait())
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

    private static long later(long a, long b) {
        return a - b < 0 ? b : a;
    }

    /**
     * The time until the last limit; −1 while nothing is waited for.
     *
     * @param uploadsAlone true if other requests are neither in flight nor to come, whose limit then counts for nothing
     */
    long remainingNanos(DrainState state, long now, boolean uploadsAlone) {
        if (state == DrainState.DRAINING && uploadsAlone) {
            return Math.max(0, uploadDeadline() - now);
        }
        return isRunning(state) ? Math.max(0, untilLastLimit(state, now)) : -1;
    }

    /** The time until the last limit of a drain that runs; negative for as long as that has passed. */
    long untilLastLimit(DrainState state, long now) {
        long from = state == DrainState.LAME_DUCK ? lameDuckDeadline() : drainingNanos;
        long requestsFrom = state == DrainState.LAME_DUCK ? from : requestsFromNanos;
        return Math.max(uploadDeadline(from) - now, requestDeadline(from, requestsFrom) - now);
    }

    private static boolean isRunning(DrainState state) {
        return state == DrainState.LAME_DUCK || state == DrainState.DRAINING;
    }

    /** The time until the lame duck ends at the latest; −1 in any other state. */
    long lameDuckRemainingNanos(DrainState state, long now) {
        return state == DrainState.LAME_DUCK ? Math.max(0, lameDuckDeadline() - now) : -1;
    }

    /** How long the drain has been running, or took; 0 while serving. */
    long elapsedNanos(DrainState state, long now) {
        return switch (state) {
            case SERVING -> 0;
            case LAME_DUCK, DRAINING -> now - startedNanos;
            case DRAINED, EXPIRED -> endedNanos - startedNanos;
        };
    }

    /** The part of that time that was lame duck, in which every request was still served. */
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
