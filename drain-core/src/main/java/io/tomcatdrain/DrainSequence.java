package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The state machine of one node's drains: what a command or a moment changes, and when to look again. It has no thread and waits for
 * nothing; all but {@link #state} is guarded by the lock that it is given.
 */
final class DrainSequence {
    /*
     * Each step can be taken again after a fault in the middle of it: what it has recorded already is not done a second time. Log,
     * listeners and the outcome of a drain are told from here, under the lock: none of them runs foreign code on the calling thread.
     */

    private final String name;
    private final DrainSettings settings;
    private final String path;
    private final InstantSource clock;
    private final ReentrantLock lock;
    private final DrainNotifier notifier;
    private final InFlightWork work;
    private final ListenerClosing closing;
    private final ProberWatch probers;

    /** Written under the lock, read by requests. */
    private volatile DrainState state = DrainState.SERVING;

    /** True once there is a front end that sends a refused request to another node. */
    private volatile boolean frontEndReplays;

    private Instant since;

    /** The drain that runs, or was the last; before the first one a drain that has not begun. */
    private DrainRun run;

    private @Nullable DrainReport report;
    private final Standstill standstill;

    /** When the adapter was last told to look around since a second had passed. */
    private long adapterLookedNanos;

    private @Nullable Long resumeNanos;

    /** Written under the lock, read by requests. */
    private volatile boolean stopping;

    DrainSequence(
            String name,
            DrainSettings settings,
            String path,
            InstantSource clock,
            ReentrantLock lock,
            DrainNotifier notifier,
            InFlightWork work,
            ListenerClosing closing,
            ProberWatch probers,
            long nowNanos) {
        this.name = name;
        this.settings = settings;
        this.path = path;
        this.clock = clock;
        this.lock = lock;
        this.notifier = notifier;
        this.work = work;
        this.closing = closing;
        this.probers = probers;
        this.standstill = new Standstill(probers, work, notifier);
        this.run = newRun("", nowNanos, false);
        this.since = clock.instant();
    }

    /** Returns the state; needs no lock. */
    DrainState state() {
        return state;
    }

    /** Returns true once a stop has begun, or the drain was closed; needs no lock. */
    boolean isStopping() {
        return stopping;
    }

    // ---------------------------------------------------------------- commands

    /** Begins a drain or joins the one that runs or is over; returns its outcome. */
    DrainOutcome start(String why, DrainLimits limits, long now) {
        assert lock.isHeldByCurrentThread();
        if (state == DrainState.SERVING) {
            begin(why, now, true, true);
        }
        Duration timeout = limits.timeout();
        if (timeout != null) {
            run.endBy(now + timeout.toNanos());
        }
        Duration resumeAfter = limits.resumeAfter();
        if (resumeAfter != null && !stopping) {
            resumeNanos = now + resumeAfter.toNanos();
        }
        return run.outcome();
    }

    /** Begins or joins a drain that nothing can undo, within what is left before the process is killed. */
    void startForStop(String why, boolean wholeService, long now) {
        assert lock.isHeldByCurrentThread();
        stop(why, wholeService, true, now);
    }

    /** As {@link #startForStop}, without a lame duck: nobody can ask for readiness any more. */
    void startForLateStop(String why, long now) {
        assert lock.isHeldByCurrentThread();
        stop(why, false, false, now);
        run.times().endLameDuckBy(now);
    }

    private void stop(String why, boolean wholeService, boolean reachable, long now) {
        stopping = true;
        resumeNanos = null;
        if (state == DrainState.SERVING) {
            begin(why, now, wholeService, reachable);
        }
        run.times().stopBegins(now);
        Duration budget = settings.stopBudget();
        if (budget != null && !state.isOver()) {
            run.times().stopWithin(budget, now);
        }
    }

    /** Gives up what a drain still waits for, and every later resume. */
    void close(long now) {
        assert lock.isHeldByCurrentThread();
        stopping = true;
        resumeNanos = null;
        run.endBy(now);
    }

    /**
     * Serves again, if the node does not.
     *
     * @throws IllegalStateException if the listeners were closed or a stop has begun
     */
    void resume(String why, long now) {
        assert lock.isHeldByCurrentThread();
        if (state == DrainState.SERVING) {
            return;
        }
        String obstacle = obstacleToResuming();
        if (obstacle != null) {
            throw new IllegalStateException("drain[" + name + "] cannot resume: " + obstacle);
        }
        serveAgain(why, now);
    }

    /** Adds a hold, which holds nothing where the drain is over. */
    Hold hold(String what) {
        assert lock.isHeldByCurrentThread();
        Hold hold = work.hold(what, !state.isOver());
        if (!hold.isEffective()) {
            say(Level.WARNING, "[" + what + "] asked to hold a drain that is over; the server may stop at any moment");
        }
        return hold;
    }

    /** Notes that a front end sends refused requests to another node; needs no lock. */
    void frontEndReplays() {
        frontEndReplays = true;
    }

    /**
     * Begins a drain; only one of the whole service touches the listening sockets, which all containers share, and only one of a node
     * that can still be reached has to do with those who ask for its readiness.
     */
    private void begin(String why, long now, boolean wholeService, boolean reachable) {
        boolean closeListenersNow = wholeService && closing.drainBegins(settings.closeListener());
        report = null;
        run = newRun(why, now, closeListenersNow);
        probers.drainBegins(now);
        standstill.begins(now);
        adapterLookedNanos = now;
        if (closeListenersNow && closing.areAllShared() && settings.lameDuck().mode() == LameDuck.Mode.AUTO) {
            run.times().endLameDuckBy(now); // newcomers need no front end to find the next process
        }
        if (reachable) {
            sayWhoIsNotTold(closeListenersNow && closing.refusesNobody(), now);
        }
        moveTo(DrainState.LAME_DUCK, "reason=" + why + ", in flight: " + work + waitedFor(now));
    }

    private String waitedFor(long now) {
        String names = settings.lameDuck().mode() == LameDuck.Mode.AUTO ? probers.waitedFor(now) : "";
        return names.isEmpty() ? "" : ", until it is seen by " + names;
    }

    private void sayWhoIsNotTold(boolean refusesNobody, long now) {
        if (settings.lameDuck().mode() != LameDuck.Mode.AUTO) {
            return;
        }
        warnOfProbers(now);
        probers.hints(now).forEach(hint -> say(Level.INFO, hint));
        if (!refusesNobody && !frontEndReplays && !probers.anybodyWaitedFor(now)) {
            say(
                    Level.WARNING,
                    "nobody has asked for readiness regularly, so that no front end learns of the drain before new"
                            + " requests are refused; let it probe [" + path
                            + (closing.isPossible() ? "/ready], set closeListener if it cannot, or" : "/ready], or")
                            + " set lameDuck to a duration");
        }
    }

    /** Names the probers that cannot see the drain in time, each once. */
    private void warnOfProbers(long now) {
        if (settings.lameDuck().mode() == LameDuck.Mode.AUTO) {
            probers.warnings(now).forEach(warning -> say(Level.WARNING, warning));
        }
    }

    private DrainRun newRun(String why, long now, boolean closeListeners) {
        return new DrainRun(settings, work, notifier, clock, why, now, closeListeners);
    }

    private void serveAgain(String why, long now) {
        DrainReport cutShort = state.isOver() ? null : run.report(DrainReport.Outcome.RESUMED, state, now);
        if (state != DrainState.LAME_DUCK) {
            work.admitAll();
        }
        resumeNanos = null;
        closing.undo();
        work.takeLateHolds();
        probers.drainIsUndone();
        if (cutShort == null) {
            moveTo(DrainState.SERVING, why);
        } else {
            end(cutShort, DrainState.SERVING, why);
        }
    }

    private @Nullable String obstacleToResuming() {
        if (closing.isFinal()) {
            return "closeListener has closed the listening sockets; restart the server";
        }
        return stopping ? "the server is stopping" : null;
    }

    // ---------------------------------------------------------------- steps

    /** Returns true while there are steps to take. */
    boolean hasSteps() {
        assert lock.isHeldByCurrentThread();
        return runs() || resumeNanos != null;
    }

    /** Does everything that is due; returns the nanoseconds until something may be due again, or {@link DrainWorker#END}. */
    long step(long now) {
        assert lock.isHeldByCurrentThread();
        long waitNanos = DrainWorker.END;
        standstill.look(runs(), now);
        Long resumeAt = resumeNanos;
        if (resumeAt != null && now - resumeAt >= 0) {
            resumeDue(now);
        }
        if (state == DrainState.LAME_DUCK) {
            waitNanos = lameDuckNanosLeft(now);
            if (waitNanos <= 0 && run.closesListeners()) {
                waitNanos = closingNanosLeft(now);
            }
            if (waitNanos <= 0) {
                enterDraining(now);
            }
        }
        if (state == DrainState.DRAINING) {
            waitNanos = run.nanosLeft(now);
            if (waitNanos <= 0) {
                finish(now);
                waitNanos = DrainWorker.END;
            }
        }
        if (runs() && now - adapterLookedNanos >= Standstill.LOOK_NANOS) {
            adapterLookedNanos = now;
            notifier.look();
        }
        return untilResume(Standstill.atMost(runs(), waitNanos), now);
    }

    /** As {@link DrainRun#afterwardsNanosLeft}, for the drain that is over; 0 if none is. */
    long afterwardsNanosLeft(long now) {
        assert lock.isHeldByCurrentThread();
        return state.isOver() ? run.afterwardsNanosLeft(now) : 0;
    }

    private long untilResume(long waitNanos, long now) {
        Long resumeAt = resumeNanos;
        if (resumeAt == null) {
            return waitNanos;
        }
        long left = Math.max(1, resumeAt - now);
        return waitNanos == DrainWorker.END ? left : Math.min(waitNanos, left);
    }

    private void resumeDue(long now) {
        resumeNanos = null;
        String obstacle = obstacleToResuming();
        if (obstacle != null) {
            say(Level.WARNING, "resumeAfter has passed, but cannot resume: " + obstacle);
        } else if (state != DrainState.SERVING) {
            serveAgain("resumeAfter has passed", now);
        }
    }

    /** How long to wait for the listeners to be closed; not positive if they are, or will not be in time. */
    private long closingNanosLeft(long now) {
        long left = closing.nanosLeft(now);
        if (left <= 0 && !closing.areAllClosed()) {
            run.leavesListenersOpen();
            say(
                    Level.WARNING,
                    "the listeners are not all closed"
                            + (closing.isRunning() ? " after " + LogText.seconds(ListenerClosing.PATIENCE_NANOS) : "")
                            + "; refusing new requests instead");
        }
        return left;
    }

    /** How long the lame duck may last from now on before it is looked at again; not positive if it is over. */
    private long lameDuckNanosLeft(long now) {
        long left = run.times().lameDuckDeadline() - now;
        if (left <= 0) {
            return 0;
        }
        warnOfProbers(now); // one may have shown its rhythm only now
        return settings.lameDuck().mode() == LameDuck.Mode.AUTO ? Math.min(left, probers.nanosUntilSeen(now)) : left;
    }

    private void enterDraining(long now) {
        run.beginDraining(now);
        moveTo(DrainState.DRAINING, "after " + elapsedText(now) + " of lame duck, in flight: " + work);
    }

    private void finish(long now) {
        DrainReport made = run.end(now);
        boolean whole = made.outcome() == DrainReport.Outcome.DRAINED;
        end(
                made,
                whole ? DrainState.DRAINED : DrainState.EXPIRED,
                "after " + elapsedText(now) + ": " + LogText.numbers(made)
                        + (whole ? "" : ", still in flight: " + work + "; " + LogText.givenUp(made)));
    }

    /** Ends the drain; once the state has changed the outcome is told, whatever fails. */
    private void end(DrainReport made, DrainState next, String why) {
        report = made;
        try {
            moveTo(next, why);
        } finally {
            run.outcome().end(made, notifier.newDependents());
        }
    }

    private String elapsedText(long now) {
        return LogText.seconds(run.times().elapsedNanos(state, now));
    }

    private void moveTo(DrainState next, String why) {
        DrainState before = state;
        since = clock.instant();
        state = next;
        say(next == DrainState.EXPIRED ? Level.WARNING : Level.INFO, before + " -> " + next + ", " + why);
        notifier.stateChanged(before, next);
    }

    private void say(Level level, String what) {
        notifier.say(level, what);
    }

    // ---------------------------------------------------------------- looking

    /** Returns true while a drain runs that is not over. */
    boolean runs() {
        assert lock.isHeldByCurrentThread();
        return state != DrainState.SERVING && !state.isOver();
    }

    /** Returns the outcome of the drain that runs or is over; of one that has not begun while serving. */
    DrainOutcome outcome() {
        assert lock.isHeldByCurrentThread();
        return run.outcome();
    }

    /** Returns the time until the last limit of the drain that runs, negative once that has passed; 0 if none runs. */
    long untilLastLimit(long now) {
        assert lock.isHeldByCurrentThread();
        return runs() ? run.times().untilLastLimit(state, now) : 0;
    }

    DrainStatus status(boolean withUploads, boolean ready, long now) {
        assert lock.isHeldByCurrentThread();
        Instant instant = clock.instant();
        InFlightWork.Seen seen = work.look(withUploads, now, instant);
        DrainTimes times = run.times();
        Long resumeAt = resumeNanos;
        boolean refusesAll = settings.refuse() == DrainSettings.Refuse.ALL && !closing.refusesNobody();
        long remainingNanos = times.remainingNanos(state, now, refusesAll && work.areUploadsAlone(seen));
        return new DrainStatus(
                name,
                state,
                ready && state.isReady(),
                since,
                state == DrainState.SERVING ? null : run.reason(),
                remainingNanos < 0 ? null : instant.plusNanos(remainingNanos),
                DrainTimes.millis(remainingNanos),
                DrainTimes.millis(times.lameDuckRemainingNanos(state, now)),
                DrainTimes.millis(times.elapsedNanos(state, now)),
                DrainTimes.millis(times.lameDuckNanos(state, now)),
                resumeAt == null ? -1 : DrainTimes.millis(Math.max(0, resumeAt - now)),
                obstacleToResuming() == null,
                seen.inFlight(),
                seen.totals(),
                probers.snapshot(now),
                seen.uploads(),
                seen.openUploads(),
                report);
    }
}
