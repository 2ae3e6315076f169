package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
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

    /** How often the progress of uploads is looked at while draining. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How soon to look again for an upload that was admitted but not yet registered when all were given up. */
    private static final long STRAGGLER_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final String name;
    private final DrainSettings settings;
    private final Ticker ticker;
    private final InstantSource clock;
    private final boolean ownThread;
    private final Totals totals;
    private final UploadRegistry registry;
    private final ProberWatch probers;
    private final Doorway doorway;
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

    private final Holds holds = new Holds(lock, this::wake);
    private final ListenerClosing closing;
    private Instant since;
    private @Nullable String reason;
    private @Nullable DrainReport report;
    private CompletableFuture<DrainReport> outcome = new CompletableFuture<>();

    /** The most that was ever shown: the bytes of an upload that ends while they are added up are in neither sum. */
    private long uploadBytesShown;

    private @Nullable Long resumeNanos;
    private boolean stopping;

    // The drain that runs, or was the last.
    private DrainTimes times;
    private long nextLookNanos;
    private boolean closeListeners;
    private boolean requestsGivenUp;
    private boolean holdsGivenUp;
    private long endedAtDraining;
    private long refusedAtStart;
    private final List<ActiveUpload> abandoned = new ArrayList<>();

    DrainSequence(String name, DrainSettings settings, Ticker ticker, InstantSource clock, boolean ownThread) {
        this.name = name;
        this.settings = settings;
        this.ticker = ticker;
        this.clock = clock;
        this.ownThread = ownThread;
        this.totals = new Totals();
        this.registry = new UploadRegistry(ticker, totals);
        this.probers = new ProberWatch(settings.probeFailures(), settings.lameDuckTimeout());
        this.doorway = new Doorway(totals, registry, this::wake);
        this.announcer = new Announcer(name);
        this.closing = new ListenerClosing(name, lock, announcer, this::wake);
        this.times = new DrainTimes(settings, ticker.nanos());
        this.since = clock.instant();
    }

    DrainState state() {
        return state;
    }

    Doorway doorway() {
        return doorway;
    }

    UploadRegistry registry() {
        return registry;
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
                times.endBy(now + timeout.toNanos());
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
                times.stopWithin(budget, now);
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
            times.endLameDuckBy(now);
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
            times.endBy(now);
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
        reason = why;
        times = new DrainTimes(settings, now);
        closeListeners = closeListenersNow;
        requestsGivenUp = false;
        holdsGivenUp = false;
        abandoned.clear();
        refusedAtStart = totals.refused.sum();
        outcome = new CompletableFuture<>();
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
        moveTo(DrainState.LAME_DUCK, "reason=" + why + ", in flight: " + inFlightText());
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
            tell = ending(makeReport(DrainReport.Outcome.RESUMED, now));
        }
        if (state != DrainState.LAME_DUCK) {
            doorway.reopen();
        }
        reason = null;
        resumeNanos = null;
        probers.forgetDrain();
        moveTo(DrainState.SERVING, why);
        return tell;
    }

    private Runnable ending(DrainReport made) {
        report = made;
        CompletableFuture<DrainReport> ended = outcome;
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

    void onListenersToClose(Runnable closer) {
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
            Hold hold = holds.add(what, !state.isOver());
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
            return LOOK_NANOS;
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
                if (waitNanos <= 0 && closeListeners) {
                    waitNanos = closingNanosLeft(now);
                }
                if (waitNanos <= 0) {
                    enterDraining(now);
                }
            }
            if (state == DrainState.DRAINING) {
                waitNanos = drainingNanosLeft(now);
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
        if (left <= 0 && closing.isRunning()) {
            say(
                    Level.WARNING,
                    "the listeners are not closed after " + seconds(ListenerClosing.PATIENCE_NANOS) + "; going on");
        }
        return left;
    }

    /** How long the lame duck may last from now on before it is looked at again; not positive if it is over. */
    private long lameDuckNanosLeft(long now) {
        long left = times.lameDuckDeadline() - now;
        if (left <= 0) {
            return 0;
        }
        return settings.lameDuck().mode() == LameDuck.Mode.AUTO ? Math.min(left, probers.nanosUntilSeen(now)) : left;
    }

    private void enterDraining(long now) {
        times.drainingBegins(now);
        endedAtDraining = ended();
        if (closeListeners) {
            doorway.turnOver();
        } else if (settings.refuse() == DrainSettings.Refuse.UPLOADS) {
            doorway.refuseUploads();
        } else {
            doorway.refuseAll();
        }
        registry.watchFrom(now);
        nextLookNanos = now;
        moveTo(
                DrainState.DRAINING,
                "after " + seconds(times.elapsedNanos(state, now)) + " of lame duck, in flight: " + inFlightText());
    }

    /** How long to go on waiting before something is looked at again; not positive if the drain is over. */
    private long drainingNanosLeft(long now) {
        long uploadDeadline = times.uploadDeadline();
        long requestDeadline = times.requestDeadline();
        boolean uploadsPast = now - uploadDeadline >= 0;
        if (now - nextLookNanos >= 0 || uploadsPast) {
            nextLookNanos = now + Math.min(LOOK_NANOS, settings.stallTimeout().toNanos());
            registry.closeGone();
            giveUp(registry.abandon(settings.stallTimeout().toNanos(), uploadsPast, now, clock.instant()), uploadsPast);
        }
        if (now - requestDeadline >= 0 && !requestsGivenUp && !doorway.requestsIdle()) {
            requestsGivenUp = true;
            say(
                    Level.WARNING,
                    "giving up " + doorway.requestsInFlight() + " requests after requestTimeout ["
                            + Durations.format(settings.requestTimeout()) + "]");
        }
        if (uploadsPast && holds.count() > 0 && !holdsGivenUp) {
            holdsGivenUp = true;
            say(Level.WARNING, "giving up the holds " + holds);
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
        return doorway.uploadsIdle() ? left : STRAGGLER_NANOS;
    }

    private boolean isIdle(long now) {
        if (!nobodyInside()) {
            return false;
        }
        if (!closeListeners) {
            return true;
        }
        // Closed listeners let what still arrives on open connections in: nobody may be among them either.
        doorway.turnOver();
        times.requestsComeFrom(now);
        return nobodyInside();
    }

    private boolean nobodyInside() {
        return doorway.uploadsIdle()
                && (requestsGivenUp || doorway.requestsIdle())
                && (holdsGivenUp || holds.count() == 0);
    }

    private void giveUp(List<ActiveUpload> given, boolean limitReached) {
        if (given.isEmpty()) {
            return;
        }
        abandoned.addAll(given);
        say(
                Level.WARNING,
                "giving up " + given.size() + " uploads, "
                        + (limitReached
                                ? "the limit is reached"
                                : "they stalled for [" + Durations.format(settings.stallTimeout()) + "]")
                        + ": " + LogText.named(given));
    }

    /** Returns what tells those who wait, to be run outside the lock. */
    private Runnable finish(long now) {
        times.ends(now);
        boolean whole = abandoned.isEmpty() && !requestsGivenUp && !holdsGivenUp;
        DrainReport made = makeReport(whole ? DrainReport.Outcome.DRAINED : DrainReport.Outcome.EXPIRED, now);
        Runnable tell = ending(made);
        String numbers = "after " + seconds(times.elapsedNanos(state, now)) + ": finished=" + made.finished()
                + ", refused=" + made.refused();
        if (whole) {
            moveTo(DrainState.DRAINED, numbers);
        } else {
            moveTo(
                    DrainState.EXPIRED,
                    numbers + ", still in flight: " + inFlightText() + "; uploads given up: "
                            + LogText.named(abandoned));
        }
        return tell;
    }

    /** Returns how many uploads and requests have ended. */
    private long ended() {
        return totals.uploadsEnded() + doorway.requestsCompleted();
    }

    private DrainReport makeReport(DrainReport.Outcome how, long now) {
        boolean drainingReached = state != DrainState.LAME_DUCK;
        long lameDuckNanos = times.lameDuckNanos(state, now);
        return new DrainReport(
                how,
                String.valueOf(reason),
                DrainTimes.millis(lameDuckNanos),
                DrainTimes.millis(times.elapsedNanos(state, now) - lameDuckNanos),
                drainingReached ? ended() - endedAtDraining : 0,
                totals.refused.sum() - refusedAtStart,
                abandoned);
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

    private String inFlightText() {
        return "uploads=" + registry.uploads() + ", requests=" + doorway.requestsInFlight() + ", holds="
                + holds.count();
    }

    private static String seconds(long nanos) {
        long tenths = TimeUnit.NANOSECONDS.toMillis(nanos) / 100;
        return tenths / 10 + "." + tenths % 10 + " s";
    }

    // ---------------------------------------------------------------- looking

    /** Returns the future of the drain that runs or is over; one that is never completed while serving. For waiting on only. */
    CompletableFuture<DrainReport> outcome() {
        lock.lock();
        try {
            return outcome;
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
        registry.await(
                which,
                settings.uploadTimeout().toNanos(),
                settings.stallTimeout().toNanos());
        return registry.snapshot(which, ticker.nanos(), clock.instant());
    }

    /** Lets nobody in and waits until nobody is inside, at most so long; returns false if somebody is. */
    boolean awaitQuiet(Duration timeout) throws InterruptedException {
        long until = System.nanoTime() + timeout.toNanos();
        quietWaiters.add(Thread.currentThread());
        try {
            lock.lock();
            try {
                doorway.refuseAll();
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
        registry.closeGone();
        lock.lock();
        try {
            return doorway.uploadsIdle() && doorway.requestsIdle();
        } finally {
            lock.unlock();
        }
    }

    long requestsInFlight() {
        lock.lock();
        try {
            return doorway.requestsInFlight();
        } finally {
            lock.unlock();
        }
    }

    DrainStatus status(boolean withUploads) {
        registry.closeGone();
        // All under the lock, so that no upload is shown inside a node that is shown as drained.
        lock.lock();
        try {
            long now = ticker.nanos();
            Instant instant = clock.instant();
            long endedBytes = totals.uploadBytes.sum(); // before the others, so that none is in both
            List<ActiveUpload> uploads = withUploads ? registry.snapshot(now, instant) : List.of();
            long activeBytes = withUploads ? bytesOf(uploads) : registry.bytes(now);
            uploadBytesShown = Math.max(uploadBytesShown, endedBytes + activeBytes);
            long remainingNanos = times.remainingNanos(state, now);
            return new DrainStatus(
                    name,
                    state,
                    state.isReady(),
                    since,
                    reason,
                    remainingNanos < 0 ? null : instant.plusNanos(remainingNanos),
                    DrainTimes.millis(remainingNanos),
                    DrainTimes.millis(times.lameDuckRemainingNanos(state, now)),
                    DrainTimes.millis(times.elapsedNanos(state, now)),
                    DrainTimes.millis(times.lameDuckNanos(state, now)),
                    new DrainStatus.InFlight(
                            withUploads ? uploads.size() : registry.uploads(),
                            doorway.requestsInFlight(),
                            holds.count()),
                    new DrainStatus.Totals(
                            totals.uploadsCompleted.sum(),
                            totals.uploadsFailed.sum(),
                            doorway.requestsCompleted(),
                            totals.refused.sum(),
                            uploadBytesShown),
                    probers.snapshot(now),
                    uploads,
                    report);
        } finally {
            lock.unlock();
        }
    }

    private static long bytesOf(List<ActiveUpload> uploads) {
        long sum = 0;
        for (ActiveUpload upload : uploads) {
            sum += Math.max(0, upload.bytesReceived());
        }
        return sum;
    }
}
