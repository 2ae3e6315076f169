package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One drain, from its beginning to its end: until when it waits, for what, and what it gives up. It changes no state; that is for the
 * sequence, whose lock guards it.
 */
final class DrainRun {
    /** How soon to look again for files on their way: nothing announces their end. */
    private static final long FILE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

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

    /** By their numbers, in the order in which they were given up. */
    private final Map<Long, ActiveUpload> abandoned = new LinkedHashMap<>();

    private final List<DrainReport.AbandonedRequest> abandonedRequests = new ArrayList<>();
    private final long refusedBefore;
    private final long failedBefore;
    private long endedBefore;
    private long nextLookNanos;
    private boolean answersMove;
    private boolean requestsGivenUp;
    private boolean holdsGivenUp;

    /** True where requests of what was begun before are not admitted any more. */
    private boolean followsNothing;

    /** True while requests of what was begun before are admitted. */
    private boolean admitsLate;

    /** True while the next request of each open upload is waited for, too. */
    private boolean followsOpen;

    private final List<ActiveUpload> openAbandoned = new ArrayList<>();
    private final List<ActiveUpload> openCut = new ArrayList<>();

    /** When requests that are no uploads, and were admitted for one, have had their time; null until they are the last. */
    private @Nullable Long lateDeadline;

    private boolean lateGivenUp;

    /** What waits for the work that came after it was over; null unless a stop does. */
    private @Nullable DrainRun afterwards;

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
        this.failedBefore = work.uploadsFailed();
    }

    /**
     * Does as {@link #nanosLeft}, once it is over and a stop goes on, for the work that was admitted afterwards; begins to wait for that at
     * the first call. What was given up before is not waited for.
     */
    long afterwardsNanosLeft(long now) {
        DrainRun after = afterwards;
        if (after == null) {
            after = new DrainRun(settings, work, notifier, clock, reason, now, closesListeners);
            after.requestsGivenUp = requestsGivenUp;
            after.holdsGivenUp = true; // a hold that came later knows that it holds nothing
            after.followsNothing = true;
            after.times.goesOn(times);
            after.beginDraining(now);
            afterwards = after;
        }
        return after.nanosLeft(now);
    }

    /** A command ends all waiting at that time. */
    void endBy(long deadline) {
        times.endBy(deadline);
        DrainRun after = afterwards;
        if (after != null) {
            after.endBy(deadline);
        }
    }

    String reason() {
        return reason;
    }

    /** Returns true if the listening sockets are closed, or left to the next process, at the end of its lame duck. */
    boolean closesListeners() {
        return closesListeners;
    }

    /** Lets the drain refuse new work, as one without closeListener does: a listener that is still open would go on taking work in. */
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
        if (!followsNothing) {
            beginToFollow(now); // first, so that no request of what was begun here is refused in between
        }
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

    /** Admits requests that continue an open upload or come beside one under way; not where all are admitted, or none can come. */
    private void beginToFollow(long now) {
        boolean follows = settings.openUploads() != DrainSettings.OpenUploads.OFF;
        int idle = follows ? work.openUploads().drainBegins(now) : 0;
        if (closesListeners) {
            if (follows) {
                cutOpen("no request can come through closed listeners", now);
            }
            return;
        }
        followsOpen = follows;
        admitsLate = true;
        work.admitParts();
        if (idle > 0) {
            notifier.say(
                    Level.INFO,
                    "not waiting for " + LogText.count(idle, "upload")
                            + " of several requests: no request of them came for uploadGap ["
                            + Durations.format(settings.uploadGap()) + "]");
        }
    }

    /** Gives up what is due; returns how long to go on waiting before something is looked at again, not positive if it is over. */
    long nanosLeft(long now) {
        long uploadDeadline = times.uploadDeadline();
        long requestDeadline = times.requestDeadline();
        boolean uploadsPast = now - uploadDeadline >= 0;
        if (now - nextLookNanos >= 0 || uploadsPast) {
            nextLookNanos =
                    now + UploadRegistry.lookNanos(settings.stallTimeout().toNanos());
            work.lookAround();
            answersMove = work.answersMove();
            takeBack(now, uploadsPast);
            giveUpUploads(uploadsPast, now);
        }
        boolean requestsPast = now - requestDeadline >= 0 && (uploadsPast || !answersMove);
        if (requestsPast && !requestsGivenUp && !areRequestsOver()) {
            requestsGivenUp = true;
            abandonedRequests.addAll(work.nameRequests());
            // A file that is still sent may be named although its request is over.
            long count = Math.max(work.requestsInFlight(), abandonedRequests.size());
            warn("giving up " + LogText.count(count, "request") + " after requestTimeout ["
                    + Durations.format(settings.requestTimeout()) + "]"
                    + (abandonedRequests.isEmpty() ? "" : ": " + LogText.namedRequests(abandonedRequests)));
        }
        if (uploadsPast && !work.holdsIdle() && !holdsGivenUp) {
            holdsGivenUp = true;
            warn("giving up the holds " + work.namesOfHolds());
        }
        long openNanos = uploadsPast ? cutOpen("the limit is reached", now) : lookAtOpen(now);
        if (openNanos == 0 && isIdle(now)) {
            return 0;
        }
        long left = nextLookNanos - now;
        if (openNanos > 0) {
            left = Math.min(left, Math.max(STRAGGLER_NANOS, openNanos));
        }
        if (lateDeadline != null && lateDeadline - now > 0) {
            left = Math.min(left, lateDeadline - now);
        }
        if (openNanos == 0 && !requestsGivenUp && work.uploadsIdle() && work.holdsIdle() && work.requestsIdle()) {
            left = Math.min(left, FILE_NANOS); // files are all that is left
        }
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
        given.forEach(upload -> abandoned.put(upload.id(), upload));
        warn("giving up " + LogText.count(given.size(), "upload") + ", "
                + (all
                        ? "the limit is reached"
                        : "they stalled for [" + Durations.format(settings.stallTimeout()) + "]")
                + ": " + LogText.named(given));
    }

    /** Gives up the open uploads that no request has continued in time; returns how long to wait for the others, 0 if there are none. */
    private long lookAtOpen(long now) {
        if (!followsOpen) {
            return 0;
        }
        OpenUploads.Look look = work.openUploads().look(now, clock.instant());
        if (!look.givenUp().isEmpty()) {
            openAbandoned.addAll(look.givenUp());
            warn("giving up " + LogText.count(look.givenUp().size(), "upload")
                    + " of several requests, no request came for uploadGap [" + Durations.format(settings.uploadGap())
                    + "]: " + LogText.named(look.givenUp()));
        }
        return look.nanos();
    }

    private long cutOpen(String why, long now) {
        List<ActiveUpload> given = work.openUploads().cut(now, clock.instant());
        if (!given.isEmpty()) {
            openCut.addAll(given);
            warn("giving up " + LogText.count(given.size(), "upload") + " of several requests, " + why + ": "
                    + LogText.named(given));
        }
        return 0;
    }

    /** What had stalled and moves again is waited for, unless all are given up; what has ended well meanwhile was not lost. */
    private void takeBack(long now, boolean tooLate) {
        work.takeRecovered().forEach(abandoned::remove);
        if (abandoned.isEmpty() || tooLate) {
            return;
        }
        List<ActiveUpload> again = work.holdUploadsAgain(now, clock.instant());
        if (!again.isEmpty()) {
            again.forEach(upload -> abandoned.remove(upload.id()));
            notifier.say(
                    Level.INFO,
                    LogText.count(again.size(), "upload")
                            + (again.size() == 1 ? " moves again and is" : " move again and are") + " waited for: "
                            + LogText.named(again));
        }
    }

    private boolean isIdle(long now) {
        if (!isEmpty() || !isLateOver(now)) {
            return false;
        }
        if (!closesListeners) {
            if (!admitsLate || work.refusePartsIfIdle(lateGivenUp)) {
                return true;
            }
            // One has come since the look above: its time begins now, and may be none.
            return isLateOver(now) && work.refusePartsIfIdle(lateGivenUp);
        }
        // Closed listeners admit what still arrives on open connections: none of that may be in flight either.
        work.turnOver();
        times.requestsComeFrom(now);
        return isEmpty();
    }

    /** Gives requests that were admitted late their time, from the moment on at which only they are left, but no longer than the last limit. */
    private boolean isLateOver(long now) {
        if (lateGivenUp || work.lateRequestsIdle()) {
            lateDeadline = null;
            return true;
        }
        if (lateDeadline == null) {
            lateDeadline = now + settings.requestTimeout().toNanos();
        }
        boolean pastLimits = now - times.uploadDeadline() >= 0 && now - times.requestDeadline() >= 0;
        if (pastLimits || now - lateDeadline >= 0) {
            lateGivenUp = true;
            warn("giving up requests of clients that had an upload, after "
                    + (pastLimits
                            ? "the last limit"
                            : "requestTimeout [" + Durations.format(settings.requestTimeout()) + "]"));
        }
        return lateGivenUp;
    }

    private boolean isEmpty() {
        return work.uploadsIdle() && (holdsGivenUp || work.holdsIdle()) && (requestsGivenUp || areRequestsOver());
    }

    private boolean areRequestsOver() {
        return work.requestsIdle() && !work.filesLeave();
    }

    /** Ends it, now that there is nothing to wait for any more; returns how. */
    DrainReport end(long now) {
        times.ends(now);
        takeBack(now, true);
        work.refuseParts();
        boolean whole = abandoned.isEmpty()
                && openAbandoned.isEmpty()
                && openCut.isEmpty()
                && !requestsGivenUp
                && !holdsGivenUp
                && !lateGivenUp;
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
                work.uploadsFailed() - failedBefore,
                work.refused() - refusedBefore,
                List.copyOf(abandoned.values()),
                abandonedRequests,
                new DrainReport.OpenUploads(
                        state == DrainState.LAME_DUCK ? 0 : work.openUploads().finished(), openAbandoned, openCut));
    }

    private void warn(String what) {
        notifier.say(Level.WARNING, what);
    }
}
