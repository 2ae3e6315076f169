package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One drain, from its begin to its end: until when it waits, for what, and what it gives up. It changes no state; that is for the
 * sequence, whose lock guards it.
 */
final class DrainRun {
    /** How soon to look again for an upload that was admitted but not yet registered when all were given up. */
    private static final long STRAGGLER_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final DrainSettings settings;
    private final InFlightWork work;
    private final DrainNotifier notifier;
    private final InstantSource clock;
    private final String reason;
    private boolean closesListeners;
    private final DrainTimes times;
    private final DrainOutcome outcome = new DrainOutcome();
    private final List<ActiveUpload> abandoned = new ArrayList<>();
    private final long refusedBefore;
    private long endedBefore;
    private long nextLookNanos;
    private boolean requestsGivenUp;
    private boolean holdsGivenUp;

    DrainRun(
            DrainSettings settings,
            InFlightWork work,
            DrainNotifier notifier,
            InstantSource clock,
            String reason,
            long startedNanos,
            boolean closesListeners) {
        this.settings = settings;
        this.work = work;
        this.notifier = notifier;
        this.clock = clock;
        this.reason = reason;
        this.closesListeners = closesListeners;
        this.times = new DrainTimes(settings, startedNanos);
        this.refusedBefore = work.refused();
    }

    String reason() {
        return reason;
    }

    /** Returns true if the listening sockets are closed, or left to the next process, at the end of its lame duck. */
    boolean closesListeners() {
        return closesListeners;
    }

    /** Lets it refuse what is new, as where listeners are not closed at all: one that is open would go on taking work in. */
    void leavesListenersOpen() {
        closesListeners = false;
    }

    DrainTimes times() {
        return times;
    }

    /** Returns what the sequence completes when it ends; may be used without the lock. */
    DrainOutcome outcome() {
        return outcome;
    }

    /** Refuses what it would not wait for, and begins to wait. */
    void beginDraining(long now) {
        times.drainingBegins(now);
        endedBefore = work.ended();
        if (closesListeners) {
            work.turnOver();
        } else if (settings.refuse() == DrainSettings.Refuse.UPLOADS) {
            work.refuseUploads();
        } else {
            work.refuseAll();
        }
        work.watchStallsFrom(now);
        nextLookNanos = now;
    }

    /** Gives up what is due; returns how long to go on waiting before something is looked at again, not positive if it is over. */
    long nanosLeft(long now) {
        long uploadDeadline = times.uploadDeadline();
        long requestDeadline = times.requestDeadline();
        boolean uploadsPast = now - uploadDeadline >= 0;
        if (now - nextLookNanos >= 0 || uploadsPast) {
            nextLookNanos =
                    now + UploadRegistry.lookNanos(settings.stallTimeout().toNanos());
            work.closeGone();
            giveUpUploads(uploadsPast, now);
        }
        if (now - requestDeadline >= 0 && !requestsGivenUp && !work.requestsIdle()) {
            requestsGivenUp = true;
            warn("giving up " + work.requestsInFlight() + " requests after requestTimeout ["
                    + Durations.format(settings.requestTimeout()) + "]");
        }
        if (uploadsPast && !work.holdsIdle() && !holdsGivenUp) {
            holdsGivenUp = true;
            warn("giving up the holds " + work.namesOfHolds());
        }
        if (isIdle(now)) {
            return 0;
        }
        long left = nextLookNanos - now;
        if (requestDeadline - now > 0) {
            left = Math.min(left, requestDeadline - now);
        }
        if (!uploadsPast) {
            return Math.min(left, uploadDeadline - now);
        }
        return work.uploadsIdle() ? left : STRAGGLER_NANOS;
    }

    private void giveUpUploads(boolean all, long now) {
        List<ActiveUpload> given = work.giveUpUploads(settings.stallTimeout().toNanos(), all, now, clock.instant());
        if (given.isEmpty()) {
            return;
        }
        abandoned.addAll(given);
        warn("giving up " + given.size() + " uploads, "
                + (all
                        ? "the limit is reached"
                        : "they stalled for [" + Durations.format(settings.stallTimeout()) + "]")
                + ": " + LogText.named(given));
    }

    private boolean isIdle(long now) {
        if (!isEmpty()) {
            return false;
        }
        if (!closesListeners) {
            return true;
        }
        // Closed listeners admit what still arrives on open connections: none of that may be in flight either.
        work.turnOver();
        times.requestsComeFrom(now);
        return isEmpty();
    }

    private boolean isEmpty() {
        return work.uploadsIdle() && (requestsGivenUp || work.requestsIdle()) && (holdsGivenUp || work.holdsIdle());
    }

    /** Ends it, now that there is nothing to wait for any more; returns how. */
    DrainReport end(long now) {
        times.ends(now);
        boolean whole = abandoned.isEmpty() && !requestsGivenUp && !holdsGivenUp;
        return report(whole ? DrainReport.Outcome.DRAINED : DrainReport.Outcome.EXPIRED, DrainState.DRAINING, now);
    }

    /** Returns how it ends in that state. */
    DrainReport report(DrainReport.Outcome how, DrainState state, long now) {
        long lameDuckNanos = times.lameDuckNanos(state, now);
        return new DrainReport(
                how,
                reason,
                DrainTimes.millis(lameDuckNanos),
                DrainTimes.millis(times.elapsedNanos(state, now) - lameDuckNanos),
                state == DrainState.LAME_DUCK ? 0 : work.ended() - endedBefore,
                work.refused() - refusedBefore,
                abandoned);
    }

    private void warn(String what) {
        notifier.say(Level.WARNING, what);
    }
}
