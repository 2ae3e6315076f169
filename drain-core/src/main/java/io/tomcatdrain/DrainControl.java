package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** Lets any number of threads command one drain, wait for it and look at it. Thread-safe. */
final class DrainControl {
    /*
     * Concurrency: commands, steps and looks take `lock`; requests never do. Lock order: this lock, then ProberWatch's, OpenUploads' or a ticket's,
     * then nothing. While a drain runs the worker's thread takes its steps and parks until the next moment that a step names, or until
     * it is woken: by a command, a readiness poll, the last holder of a gate, a hold. Where no thread can be made, the threads that
     * wait for the drain or look at it take the steps; a stop takes them in any case.
     */

    /** How often a waiting thread looks by itself: nothing announces a dropped request, and a step that failed has to be tried again. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long after its last limit a drain is still believed to end. */
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final DrainSettings settings;
    private final Ticker ticker;
    private final InstantSource clock;
    private final boolean ownThread;
    private final ReentrantLock lock = new ReentrantLock();
    private final ProberWatch probers;
    private final DrainNotifier notifier;
    private final AdapterHooks hooks;
    private final InFlightWork work;
    private final ListenerClosing closing;
    private final DrainWorker worker;
    private final Waiters waiters = new Waiters();

    @GuardedBy("lock") private final DrainSequence sequence;

    /**
     * Makes the control of a serving node.
     *
     * @param path where the endpoints live
     */
    DrainControl(String name, DrainSettings settings, String path, DrainEnvironment environment) {
        ThreadStarter threads = environment.threads();
        this.settings = settings;
        this.ticker = environment.ticker();
        this.clock = environment.clock();
        this.ownThread = environment.ownThread();
        this.notifier = new DrainNotifier(name, threads);
        this.hooks = new AdapterHooks(notifier);
        this.work = new InFlightWork(settings, ticker, lock, this::wake, what -> notifier.say(Level.WARNING, what));
        this.probers = new ProberWatch(settings.probeFailures(), settings.lameDuckTimeout());
        this.closing = new ListenerClosing(name, threads, lock, notifier, this::wake);
        this.worker = new DrainWorker("drain-" + name, threads, lock, this::stepSafely);
        this.sequence =
                new DrainSequence(name, settings, path, clock, lock, notifier, work, closing, probers, ticker.nanos());
    }

    /** Returns the state, without the lock. */
    @SuppressWarnings("GuardedBy") // one volatile field
    DrainState state() {
        return sequence.state();
    }

    /** Returns true once a stop has begun, without the lock. */
    @SuppressWarnings("GuardedBy") // one volatile field
    boolean isStopping() {
        return sequence.isStopping();
    }

    InFlightWork work() {
        return work;
    }

    AdapterHooks hooks() {
        return hooks;
    }

    ProberWatch probers() {
        return probers;
    }

    ListenerClosing closing() {
        return closing;
    }

    // ---------------------------------------------------------------- listeners

    DrainListener.Registration listen(DrainListener listener) {
        Duration callersGoOn = listener.lameDuck();
        if (callersGoOn.isNegative() || callersGoOn.isZero()) {
            return notifier.listen(listener);
        }
        lock.lock(); // a drain that begins at this moment either tells the listener and waits for it, or does neither
        try {
            return probers.announcements().listen(listener, callersGoOn, notifier, ticker, this::wake);
        } finally {
            lock.unlock();
        }
    }

    void onLook(Runnable look) {
        notifier.onLook(look);
    }

    // ---------------------------------------------------------------- commands

    DrainOutcome start(String why, DrainLimits limits) {
        DrainOutcome outcome;
        lock.lock();
        try {
            outcome = sequence.start(why, limits, ticker.nanos());
            outcome.onWait(hooks::callerWaits);
        } finally {
            lock.unlock();
        }
        goOn();
        return outcome;
    }

    void startForStop(String why, boolean wholeService) {
        lock.lock();
        try {
            sequence.startForStop(why, wholeService, ticker.nanos());
        } finally {
            lock.unlock();
        }
        goOn();
    }

    void startForLateStop(String why) {
        lock.lock();
        try {
            sequence.startForLateStop(why, ticker.nanos());
        } finally {
            lock.unlock();
        }
        goOn();
    }

    void close() {
        lock.lock();
        try {
            sequence.close(ticker.nanos());
        } finally {
            lock.unlock();
        }
        goOn();
    }

    void resume(String why) {
        lock.lock();
        try {
            sequence.resume(why, ticker.nanos());
        } finally {
            lock.unlock();
            wake();
        }
    }

    Hold hold(String what) {
        lock.lock();
        try {
            return sequence.hold(what);
        } finally {
            lock.unlock();
        }
    }

    @SuppressWarnings("GuardedBy") // one volatile field
    void frontEndReplays() {
        sequence.frontEndReplays();
    }

    /** Returns true while the front end should send work here: needs no lock. */
    boolean isReady() {
        return state().isReady() && hooks.isApplicationReady();
    }

    /** Notes one readiness poll and returns what to answer. */
    boolean polled(ReadinessPoll poll) {
        boolean ready = isReady();
        probers.polled(poll, ready, ticker.nanos());
        if (!ready) {
            helpIfAlone();
            wake();
        }
        return ready;
    }

    // ---------------------------------------------------------------- steps

    /** Does what is due at once, so that the caller sees it, and leaves the rest to the worker. */
    private void goOn() {
        stepSafely();
        Throwable noThread = null;
        lock.lock();
        try {
            if (ownThread && sequence.hasSteps()) {
                boolean toldAlready = worker.isMissing();
                Throwable obstacle = worker.ensure();
                noThread = toldAlready ? null : obstacle;
            }
        } finally {
            lock.unlock();
        }
        if (noThread != null) {
            notifier.fault("no thread can be made for the drain; it goes on when a caller looks at it", noThread);
        }
        wake();
        notifier.retry();
    }

    /** A fault in our own code may delay a stop, never prevent it: it is logged and the step is tried again. */
    private long stepSafely() {
        try {
            return step();
        } catch (RuntimeException | Error fault) {
            notifier.fault("fault while draining; trying again", fault);
            return LOOK_NANOS;
        }
    }

    /** Takes all steps that are due; returns the nanoseconds until the next one may be, or {@link DrainWorker#END}. */
    long step() {
        lock.lock();
        try {
            long waitNanos = sequence.step(ticker.nanos());
            if (!sequence.runs()) {
                waiters.wake(); // what they wait for has ended, if it has not before
            }
            if (waitNanos == DrainWorker.END) {
                worker.noMoreSteps();
            }
            return waitNanos;
        } finally {
            lock.unlock();
        }
    }

    /** Where threads could not be made, the calling thread does what is due, and tries to make those that do the rest. */
    private void helpIfAlone() {
        if (worker.isMissing()) {
            goOn();
        } else {
            notifier.retry(); // also behind the end of a drain, which the worker's thread does not outlive
        }
    }

    private void wake() {
        worker.wake();
        waiters.wake();
    }

    // ---------------------------------------------------------------- waiting

    /** Waits until the drain that runs has ended, at most so long; returns false if it has not, or none runs. */
    boolean awaitOver(Duration timeout) throws InterruptedException {
        DrainOutcome outcome;
        boolean toTheEnd;
        lock.lock();
        try {
            if (sequence.state() == DrainState.SERVING) {
                return false;
            }
            outcome = sequence.outcome();
            toTheEnd = Durations.nanos(timeout) >= stopNanosLeft();
        } finally {
            lock.unlock();
        }
        if (toTheEnd) { // a caller with less patience may have more to do
            hooks.callerWaits();
        }
        long until = System.nanoTime() + Durations.nanos(timeout);
        waiters.await(() -> {
            helpIfAlone();
            long left = until - System.nanoTime();
            return outcome.isDone() ? 0 : worker.isMissing() ? Math.min(left, LOOK_NANOS) : left;
        });
        return outcome.isDone();
    }

    /** Waits until the drain that runs is over, within limits that may change; returns false if they have passed in vain. */
    boolean awaitStop() throws InterruptedException {
        Runnable look = hooks.callerLooks(LOOK_NANOS);
        waiters.await(() -> {
            look.run();
            long next = stepSafely(); // a stop relies on no other thread
            helpIfAlone();
            return Math.min(stopNanosLeft(), next > 0 ? Math.min(next, LOOK_NANOS) : LOOK_NANOS);
        });
        if (stopNanosLeft() != 0) {
            return false;
        }
        // With listeners that are closed, or where uploads alone are refused, work was still taken in afterwards.
        waiters.await(() -> Math.min(LOOK_NANOS, afterwardsNanosLeft()));
        return true;
    }

    private long afterwardsNanosLeft() {
        lock.lock();
        try {
            return sequence.afterwardsNanosLeft(ticker.nanos());
        } finally {
            lock.unlock();
        }
    }

    /** How long a stop waits for the drain that runs; 0 if none does; negative once it is past its limits. */
    private long stopNanosLeft() {
        lock.lock();
        try {
            if (!sequence.runs()) {
                return 0;
            }
            long left = sequence.untilLastLimit(ticker.nanos()) + GRACE_NANOS;
            return left == 0 ? -1 : left;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for certain uploads within the limits of a drain; returns those that are under way still. */
    List<ActiveUpload> awaitUploads(Predicate<UploadSource> which) throws InterruptedException {
        hooks.callerWaits();
        UploadRegistry uploads = work.registry();
        long stallNanos = settings.stallTimeout().toNanos();
        uploads.await(which, settings.uploadTimeout().toNanos(), stallNanos);
        return uploads.snapshot(which, ticker.nanos(), clock.instant());
    }

    /** Refuses everything and waits until nothing is in flight, at most so long; returns false if something is. */
    boolean awaitQuiet(Duration timeout) throws InterruptedException {
        lock.lock();
        try {
            work.refuseAll();
        } finally {
            lock.unlock();
        }
        hooks.callerWaits();
        long until = System.nanoTime() + Durations.nanos(timeout);
        waiters.await(() -> isQuiet() ? 0 : Math.min(until - System.nanoTime(), LOOK_NANOS));
        return isQuiet();
    }

    private boolean isQuiet() {
        work.lookAround();
        lock.lock();
        try {
            return work.uploadsIdle() && work.requestsIdle();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until log and listeners have been told everything so far, at most so long; returns false if they were not. */
    boolean awaitTold(Duration timeout) throws InterruptedException {
        long until = System.nanoTime() + Durations.nanos(timeout);
        boolean closed = closing.awaitIdle(timeout);
        return notifier.awaitTold(Duration.ofNanos(Math.max(0, until - System.nanoTime()))) && closed;
    }

    // ---------------------------------------------------------------- looking

    DrainStatus status(boolean withUploads) {
        helpIfAlone();
        boolean ready = isReady(); // asks foreign code: not under the lock
        // All under the lock, so that no upload is shown inside a node that is shown as drained.
        lock.lock();
        try {
            long now = ticker.nanos();
            if (withUploads || work.isToBeLookedAt(now)) {
                work.lookAround();
            }
            return sequence.status(withUploads, ready, now);
        } finally {
            lock.unlock();
        }
    }
}
