package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Walks one node through the phases of its drains. Thread-safe. */
final class DrainSequence {
    /*
     * Concurrency: every field below `lock` is guarded by it; requests never take it. Lock order: this lock, then ProberWatch's or a
     * ticket's, then nothing. While a drain runs one daemon thread, the walker, calls step() and parks until the next moment that
     * step() names, or until somebody wakes it: a command, a readiness poll, the last holder of a gate, a hold. Listeners, log and
     * waiting callers are told outside the lock, by SerialDispatcher or by the completion of a future.
     */

    /** Nothing to wait for any more. */
    private static final long END = -1;

    /** How soon to try again after a fault of our own. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How often somebody who waits looks for requests that the container has dropped; ends are told. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String name;
    private final DrainSettings settings;
    private final Ticker ticker;
    private final InstantSource clock;
    private final boolean ownThread;
    private final ProberWatch probers;
    private final Announcer announcer;

    private final ReentrantLock lock = new ReentrantLock();

    /** Written under the lock, read by requests. */
    private volatile DrainState state = DrainState.SERVING;

    /** Written under the lock, read by whoever wakes it. */
    private volatile @Nullable Thread walker;

    /** Whoever waits for the last request of a stopping server. */
    private final List<Thread> quietWaiters = new CopyOnWriteArrayList<>();

    /** True once a front end has shown itself that sends a refused request to another node. */
    private volatile boolean frontEndReplays;

    private final AcceptedWork work;
    private final ListenerClosing closing;
    private Instant since;

    /** The drain that runs, or was the last; before the first one that has not begun. */
    private DrainRun run;

    private @Nullable DrainReport report;
    private @Nullable Long resumeNanos;
    private boolean stopping;

    DrainSequence(String name, DrainSettings settings, Ticker ticker, InstantSource clock, boolean ownThread) {
        this.name = name;
        this.settings = settings;
        this.ticker = ticker;
        this.clock = clock;
        this.ownThread = ownThread;
        this.work = new AcceptedWork(ticker, lock, this::wake);
        this.probers = new ProberWatch(settings.probeFailures(), settings.lameDuckTimeout());
        this.announcer = new Announcer(name);
        this.closing = new ListenerClosing(name, lock, announcer, this::wake);
        this.run = newRun("", ticker.nanos(), false);
        this.since = clock.instant();
    }

    DrainState state() {
        return state;
    }

    Doorway doorway() {
        return work.doorway();
    }

    UploadRegistry registry() {
        return work.registry();
    }

    // ---------------------------------------------------------------- commands

    /** Begins a drain or joins the one that runs or is over. */
    void start(String why, DrainLimits limits) {
        long now = ticker.nanos();
        lock.lock();
        try {
            if (state == DrainState.SERVING) {
                begin(why, now, settings.closeListener());
            }
            Duration timeout = limits.timeout();
            if (timeout != null) {
                run.times().endBy(now + timeout.toNanos());
            }
            Duration resumeAfter = limits.resumeAfter();
            if (resumeAfter != null && !stopping) {
                resumeNanos = now + resumeAfter.toNanos();
            }
        } finally {
            lock.unlock();
        }
        goOn();
    }

    /** Begins or joins a drain that nothing can undo, within what is left before the process is killed. */
    void startForStop(String why, boolean wholeService) {
        long now = ticker.nanos();
        lock.lock();
        try {
            stopping = true;
            resumeNanos = null;
            if (state == DrainState.SERVING) {
                begin(why, now, settings.closeListener() && wholeService);
            }
            Duration budget = settings.stopBudget();
            if (budget != null && !state.isOver()) {
                run.times().stopWithin(budget, now);
            }
        } finally {
            lock.unlock();
        }
        goOn();
    }

    /** Ends the lame duck now, if there is one. */
    void endLameDuck() {
        long now = ticker.nanos();
        lock.lock();
        try {
            run.times().endLameDuckBy(now);
        } finally {
            lock.unlock();
        }
        goOn();
    }

    /** Gives up whatever a drain still waits for, and every later resume. */
    void close() {
        long now = ticker.nanos();
        lock.lock();
        try {
            stopping = true;
            resumeNanos = null;
            run.times().endBy(now);
        } finally {
            lock.unlock();
        }
        goOn();
    }

    /** Does what is due at once, so that the caller sees it, and leaves the rest to the walker. */
    private void goOn() {
        stepSafely();
        lock.lock();
        try {
            ensureWalker();
        } finally {
            lock.unlock();
        }
        wake();
    }

    private void begin(String why, long now, boolean closeListenersNow) {
        run = newRun(why, now, closeListenersNow);
        probers.forgetDrain();
        List<String> tooSlow = probers.tooSlow(now);
        if (!tooSlow.isEmpty()) {
            say(
                    Level.WARNING,
                    "not waiting for readiness probes that are too slow for lameDuckTimeout ["
                            + Durations.format(settings.lameDuckTimeout()) + "] and probeFailures ["
                            + settings.probeFailures() + "]: "
                            + tooSlow);
        }
        if (settings.lameDuck().mode() == LameDuck.Mode.AUTO
                && !closeListenersNow
                && !frontEndReplays
                && !probers.anybodyWaitedFor(now)) {
            say(
                    Level.WARNING,
                    "nobody has asked for readiness regularly, so that no front end learns of the drain before new"
                            + " requests are refused; let it probe [" + settings.path()
                            + "/ready], set closeListener if it cannot, or set lameDuck to a duration");
        }
        moveTo(DrainState.LAME_DUCK, "reason=" + why + ", in flight: " + work);
    }

    private DrainRun newRun(String why, long now, boolean closeListeners) {
        return new DrainRun(settings, work, announcer, clock, why, now, closeListeners);
    }

    /**
     * Serves again.
     *
     * @throws IllegalStateException if the listeners were closed or a stop has begun
     */
    void resume(String why) {
        Runnable tell = () -> {};
        lock.lock();
        try {
            if (state == DrainState.SERVING) {
                return;
            }
            String obstacle = obstacleToResuming();
            if (obstacle != null) {
                throw new IllegalStateException("drain[" + name + "] cannot resume: " + obstacle);
            }
            tell = serveAgain(why, ticker.nanos());
        } finally {
            lock.unlock();
            wake();
        }
        tell.run();
    }

    /** Returns what tells those who wait, to be run outside the lock. */
    private Runnable serveAgain(String why, long now) {
        Runnable tell = () -> {};
        if (!state.isOver()) {
            tell = ending(run.report(DrainReport.Outcome.RESUMED, state, now));
        }
        if (state != DrainState.LAME_DUCK) {
            work.doorway().reopen();
        }
        resumeNanos = null;
        probers.forgetDrain();
        moveTo(DrainState.SERVING, why);
        return tell;
    }

    private Runnable ending(DrainReport made) {
        report = made;
        CompletableFuture<DrainReport> ended = run.outcome();
        return () -> ended.complete(made);
    }

    private @Nullable String obstacleToResuming() {
        if (closing.hasBegun()) {
            return "closeListener has closed the listening sockets; restart the server";
        }
        return stopping ? "the server is stopping" : null;
    }

    /** Notes one readiness poll and returns what to answer. */
    boolean polled(String remote, @Nullable String agent) {
        boolean ready = state.isReady();
        probers.polled(remote, agent, ready, ticker.nanos());
        if (!ready) {
            wake();
        }
        return ready;
    }

    void frontEndReplays() {
        frontEndReplays = true;
    }

    void onListenersToClose(BooleanSupplier closer) {
        lock.lock();
        try {
            closing.setCloser(closer);
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- holds and listeners

    Hold hold(String what) {
        lock.lock();
        try {
            Hold hold = work.holds().add(what, !state.isOver());
            if (!hold.isEffective()) {
                say(
                        Level.WARNING,
                        "[" + what + "] asked to hold a drain that is over; the server may stop at any moment");
            }
            return hold;
        } finally {
            lock.unlock();
        }
    }

    Announcer announcer() {
        return announcer;
    }

    /** Waits until log and listeners have been told everything so far, at most so long; returns false if they were not. */
    boolean awaitTold(long timeout, TimeUnit unit) throws InterruptedException {
        long until = System.nanoTime() + unit.toNanos(timeout);
        boolean closed = closing.awaitIdle(timeout, unit);
        return announcer.awaitTold(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS) && closed;
    }

    // ---------------------------------------------------------------- the walk

    private void ensureWalker() {
        if (walker != null || !ownThread || !hasWork()) {
            return;
        }
        // Neither thread locals nor the loader of whoever commands: they would keep a web application reachable.
        Thread thread = new Thread(null, this::walk, "drain-" + name, 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(DrainSequence.class.getClassLoader());
        thread.start();
        walker = thread; // only now: one that could not start must not stand in the way of the next
    }

    private boolean hasWork() {
        return (state != DrainState.SERVING && !state.isOver()) || resumeNanos != null;
    }

    private void walk() {
        for (long waitNanos = stepSafely(); waitNanos != END; waitNanos = stepSafely()) {
            LockSupport.parkNanos(this, waitNanos);
            // An interrupt is nobody's command here, and would turn the parking into spinning.
            Thread.interrupted();
        }
    }

    /** A fault in our own code may delay a stop, never prevent it: it is logged and the step is tried again. */
    private long stepSafely() {
        try {
            return step();
        } catch (RuntimeException | Error fault) {
            announcer.fault("fault while draining; trying again", fault);
            return RETRY_NANOS;
        }
    }

    private void wake() {
        LockSupport.unpark(walker);
        quietWaiters.forEach(LockSupport::unpark);
    }

    /** Does everything that is due; returns the nanoseconds until something may be due again, or END. */
    long step() {
        long waitNanos = END;
        Runnable tell = () -> {};
        lock.lock();
        try {
            long now = ticker.nanos();
            Long resumeAt = resumeNanos;
            if (resumeAt != null && now - resumeAt >= 0) {
                tell = resumeDue(now);
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
                    tell = finish(now);
                    waitNanos = END;
                }
            }
            waitNanos = untilResume(waitNanos, now);
            if (waitNanos == END && Thread.currentThread() == walker) {
                walker = null;
            }
        } finally {
            lock.unlock();
        }
        tell.run();
        return waitNanos;
    }

    private long untilResume(long waitNanos, long now) {
        Long resumeAt = resumeNanos;
        if (resumeAt == null) {
            return waitNanos;
        }
        long left = Math.max(1, resumeAt - now);
        return waitNanos == END ? left : Math.min(waitNanos, left);
    }

    private Runnable resumeDue(long now) {
        resumeNanos = null;
        String obstacle = obstacleToResuming();
        if (obstacle != null) {
            say(Level.WARNING, "resumeAfter has passed, but cannot resume: " + obstacle);
            return () -> {};
        }
        return state == DrainState.SERVING ? () -> {} : serveAgain("resumeAfter has passed", now);
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
        return settings.lameDuck().mode() == LameDuck.Mode.AUTO ? Math.min(left, probers.nanosUntilSeen(now)) : left;
    }

    private void enterDraining(long now) {
        run.beginDraining(now);
        moveTo(DrainState.DRAINING, "after " + elapsedText(now) + " of lame duck, in flight: " + work);
    }

    /** Returns what tells those who wait, to be run outside the lock. */
    private Runnable finish(long now) {
        DrainReport made = run.end(now);
        Runnable tell = ending(made);
        String numbers = "after " + elapsedText(now) + ": finished=" + made.finished() + ", refused=" + made.refused();
        if (made.outcome() == DrainReport.Outcome.DRAINED) {
            moveTo(DrainState.DRAINED, numbers);
        } else {
            moveTo(
                    DrainState.EXPIRED,
                    numbers + ", still in flight: " + work + "; uploads given up: " + LogText.named(made.abandoned()));
        }
        return tell;
    }

    private String elapsedText(long now) {
        return LogText.seconds(run.times().elapsedNanos(state, now));
    }

    private void moveTo(DrainState next, String why) {
        DrainState before = state;
        state = next;
        since = clock.instant();
        say(next == DrainState.EXPIRED ? Level.WARNING : Level.INFO, before + " -> " + next + ", " + why);
        announcer.stateChanged(before, next);
    }

    private void say(Level level, String what) {
        announcer.say(level, what);
    }

    // ---------------------------------------------------------------- looking

    /** Returns the future of the drain that runs or is over; one that is never completed while serving. For waiting on only. */
    CompletableFuture<DrainReport> outcome() {
        lock.lock();
        try {
            return run.outcome();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the same for whoever may hang code on it: that code runs on a thread of its own and delays nobody who waits. */
    CompletableFuture<DrainReport> publicOutcome() {
        return outcome().thenApplyAsync(made -> made, announcer.callbacks());
    }

    /** Waits for certain uploads within the limits of a drain; returns those that are under way still. */
    List<ActiveUpload> awaitUploads(Predicate<UploadSource> which) throws InterruptedException {
        registry()
                .await(
                        which,
                        settings.uploadTimeout().toNanos(),
                        settings.stallTimeout().toNanos());
        return registry().snapshot(which, ticker.nanos(), clock.instant());
    }

    /** Lets nobody in and waits until nobody is inside, at most so long; returns false if somebody is. */
    boolean awaitQuiet(Duration timeout) throws InterruptedException {
        long until = System.nanoTime() + timeout.toNanos();
        quietWaiters.add(Thread.currentThread());
        try {
            lock.lock();
            try {
                work.doorway().refuseAll();
            } finally {
                lock.unlock();
            }
            while (!isQuiet()) {
                long left = until - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                LockSupport.parkNanos(this, Math.min(left, LOOK_NANOS)); // to look for what the container has dropped
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
            return true;
        } finally {
            quietWaiters.remove(Thread.currentThread());
        }
    }

    private boolean isQuiet() {
        registry().closeGone();
        lock.lock();
        try {
            return work.doorway().uploadsIdle() && work.doorway().requestsIdle();
        } finally {
            lock.unlock();
        }
    }

    long requestsInFlight() {
        lock.lock();
        try {
            return work.doorway().requestsInFlight();
        } finally {
            lock.unlock();
        }
    }

    DrainStatus status(boolean withUploads) {
        registry().closeGone();
        // All under the lock, so that no upload is shown inside a node that is shown as drained.
        lock.lock();
        try {
            long now = ticker.nanos();
            Instant instant = clock.instant();
            AcceptedWork.Seen seen = work.look(withUploads, now, instant);
            DrainTimes times = run.times();
            long remainingNanos = times.remainingNanos(state, now);
            return new DrainStatus(
                    name,
                    state,
                    state.isReady(),
                    since,
                    state == DrainState.SERVING ? null : run.reason(),
                    remainingNanos < 0 ? null : instant.plusNanos(remainingNanos),
                    DrainTimes.millis(remainingNanos),
                    DrainTimes.millis(times.lameDuckRemainingNanos(state, now)),
                    DrainTimes.millis(times.elapsedNanos(state, now)),
                    DrainTimes.millis(times.lameDuckNanos(state, now)),
                    seen.inFlight(),
                    seen.totals(),
                    probers.snapshot(now),
                    seen.uploads(),
                    report);
        } finally {
            lock.unlock();
        }
    }
}
