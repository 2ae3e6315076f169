package io.tomcatdrain;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Walks one node through the phases of its drains. Thread-safe. */
final class DrainSequence {
    /*
     * Concurrency: every field below `lock` is guarded by it; requests never take it. Lock order: this lock, then ProberWatch's or a
     * ticket's, then nothing. While a drain runs one daemon thread, the walker, calls step() and parks until the next moment that
     * step() names, or until somebody wakes it: a command, a readiness poll, the last holder of a gate, a hold. Listeners, log and
     * waiting callers are told outside the lock, by SerialDispatcher or by the completion of a future.
     */

    private static final System.Logger LOG = System.getLogger(Drain.class.getName());

    /** Nothing to wait for any more. */
    private static final long END = -1;

    /** How often the progress of uploads is looked at while draining. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How soon to look again for an upload that was admitted but not yet registered when all were given up. */
    private static final long STRAGGLER_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** How long draining waits for the listeners to be closed. */
    private static final long CLOSING_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final int NAMED_IN_LOG = 20;

    private final String name;
    private final DrainSettings settings;
    private final Ticker ticker;
    private final InstantSource clock;
    private final boolean ownThread;
    private final Totals totals;
    private final UploadRegistry registry;
    private final ProberWatch probers;
    private final Doorway doorway;
    private final SerialDispatcher log;
    private final SerialDispatcher callbacks;
    private final SerialDispatcher closers;

    private final ReentrantLock lock = new ReentrantLock();

    /** Written under the lock, read by requests. */
    private volatile DrainState state = DrainState.SERVING;

    /** Written under the lock, read by whoever wakes it. */
    private volatile @Nullable Thread walker;

    /** Whoever waits for the last request of a stopping server. */
    private final List<Thread> quietWaiters = new CopyOnWriteArrayList<>();

    /** True once a front end has shown itself that sends a refused request to another node. */
    private volatile boolean frontEndReplays;

    private final List<Listening> listeners = new ArrayList<>();
    private final Set<ActiveHold> holds = new HashSet<>();
    private Instant since;
    private @Nullable String reason;
    private @Nullable DrainReport report;
    private CompletableFuture<DrainReport> outcome = new CompletableFuture<>();
    private Runnable listenerCloser = () -> {};

    /** The most that was ever shown: the bytes of an upload that ends while they are added up are in neither sum. */
    private long uploadBytesShown;

    // One drain. Nanosecond readings mean something only in the states that use them.
    private long startedNanos;
    private long drainingNanos;
    private long requestsFromNanos;
    private long closingNanos;
    private long endedNanos;
    private long nextLookNanos;
    private @Nullable Long commandDeadlineNanos;
    private @Nullable Long stopDeadlineNanos;
    private @Nullable Long resumeNanos;
    private boolean stopping;
    private boolean closeListeners;
    private boolean listenersClosed;
    private boolean closing;
    private boolean requestsGivenUp;
    private boolean holdsGivenUp;
    private long endedAtDraining;
    private long refusedAtStart;
    private final List<ActiveUpload> abandoned = new ArrayList<>();

    /** A listener and the thread that it is told on. */
    private record Listening(DrainListener listener, SerialDispatcher dispatcher) {}

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
        this.log = new SerialDispatcher("drain-log-" + name);
        this.callbacks = new SerialDispatcher("drain-callback-" + name);
        this.closers = new SerialDispatcher("drain-close-" + name);
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
                commandDeadlineNanos = now + timeout.toNanos();
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
                // The first stop started the clock of whoever kills the process.
                Long before = stopDeadlineNanos;
                long deadline = now + budget.toNanos();
                stopDeadlineNanos = before == null ? deadline : earlier(before, deadline);
            }
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
            commandDeadlineNanos = now;
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
        startedNanos = now;
        commandDeadlineNanos = null;
        stopDeadlineNanos = null;
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
        if (listenersClosed) {
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
            listenerCloser = closer;
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- holds and listeners

    private final class ActiveHold implements Hold {
        private final String what;
        private final boolean effective;
        private final AtomicBoolean closed = new AtomicBoolean();

        ActiveHold(String what, boolean effective) {
            this.what = what;
            this.effective = effective;
        }

        @Override
        public boolean isEffective() {
            return effective;
        }

        @Override
        public void close() {
            if (!closed.compareAndSet(false, true)) {
                return;
            }
            lock.lock();
            try {
                holds.remove(this);
            } finally {
                lock.unlock();
                wake();
            }
        }

        @Override
        public String toString() {
            return what;
        }
    }

    Hold hold(String what) {
        lock.lock();
        try {
            ActiveHold hold = new ActiveHold(what, !state.isOver());
            if (hold.effective) {
                holds.add(hold);
            } else {
                say(
                        Level.WARNING,
                        "[" + what + "] asked to hold a drain that is over; the server may stop at any moment");
            }
            return hold;
        } finally {
            lock.unlock();
        }
    }

    AutoCloseable listen(DrainListener listener) {
        Listening listening = new Listening(listener, new SerialDispatcher("drain-listener-" + name));
        lock.lock();
        try {
            listeners.add(listening);
        } finally {
            lock.unlock();
        }
        return () -> {
            lock.lock();
            try {
                listeners.remove(listening);
            } finally {
                lock.unlock();
            }
        };
    }

    /** Waits until log and listeners have been told everything so far, at most so long; returns false if they were not. */
    boolean awaitTold(long timeout, TimeUnit unit) throws InterruptedException {
        long until = System.nanoTime() + unit.toNanos(timeout);
        List<SerialDispatcher> dispatchers = new ArrayList<>();
        dispatchers.add(closers);
        dispatchers.add(log);
        lock.lock();
        try {
            listeners.forEach(listening -> dispatchers.add(listening.dispatcher));
        } finally {
            lock.unlock();
        }
        boolean told = true;
        for (SerialDispatcher dispatcher : dispatchers) {
            told &= dispatcher.awaitIdle(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
        return told;
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
            fault("fault while draining; trying again", fault);
            return LOOK_NANOS;
        }
    }

    /** A log that fails must not end the thread that a stop waits for. */
    private void fault(String what, Throwable fault) {
        try {
            LOG.log(Level.ERROR, "drain[" + name + "] " + what, fault);
        } catch (RuntimeException | Error unheard) {
            // there is nobody left to tell
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

    /**
     * Has the listeners closed, once, and returns how long draining waits for that. On a thread of its own: a stop is bounded even if
     * a socket is not.
     */
    private long closingNanosLeft(long now) {
        if (!listenersClosed) {
            listenersClosed = true; // from here on there is no way back
            closing = true;
            closingNanos = now;
            Runnable closer = listenerCloser;
            closers.execute(() -> closeListeners(closer));
        }
        if (!closing) {
            return 0;
        }
        long left = closingNanos + CLOSING_NANOS - now;
        if (left <= 0) {
            say(Level.WARNING, "the listeners are not closed after " + seconds(CLOSING_NANOS) + "; going on");
        }
        return left;
    }

    private void closeListeners(Runnable closer) {
        try {
            closer.run();
        } catch (RuntimeException | Error fault) {
            fault("could not close the listeners; going on", fault);
        } finally {
            lock.lock();
            try {
                closing = false;
            } finally {
                lock.unlock();
                wake();
            }
        }
    }

    /** How long the lame duck may last from now on before it is looked at again; not positive if it is over. */
    private long lameDuckNanosLeft(long now) {
        long left = lameDuckDeadlineNanos() - now;
        if (left <= 0) {
            return 0;
        }
        return settings.lameDuck().mode() == LameDuck.Mode.AUTO ? Math.min(left, probers.nanosUntilSeen(now)) : left;
    }

    private long lameDuckDeadlineNanos() {
        long deadline = startedNanos + settings.longestLameDuck().toNanos();
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

    private void enterDraining(long now) {
        drainingNanos = now;
        requestsFromNanos = now;
        endedAtDraining = totals.ended();
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
                "after " + seconds(now - startedNanos) + " of lame duck, in flight: " + inFlightText());
    }

    /** How long to go on waiting before something is looked at again; not positive if the drain is over. */
    private long drainingNanosLeft(long now) {
        long uploadDeadline = uploadDeadlineNanos(drainingNanos);
        long requestDeadline = requestDeadlineNanos(drainingNanos, requestsFromNanos);
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
        if (uploadsPast && !holds.isEmpty() && !holdsGivenUp) {
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
        requestsFromNanos = now;
        return nobodyInside();
    }

    private boolean nobodyInside() {
        return doorway.uploadsIdle()
                && (requestsGivenUp || doorway.requestsIdle())
                && (holdsGivenUp || holds.isEmpty());
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
                        + ": " + named(given));
    }

    private long uploadDeadlineNanos(long drainingFrom) {
        Long command = commandDeadlineNanos;
        return beforeStopDeadline(
                command != null
                        ? command
                        : drainingFrom + settings.uploadTimeout().toNanos());
    }

    /** With closed listeners requests come later too; they have their time from then on, but prolong nothing. */
    private long requestDeadlineNanos(long drainingFrom, long requestsFrom) {
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

    /** Returns what tells those who wait, to be run outside the lock. */
    private Runnable finish(long now) {
        endedNanos = now;
        boolean whole = abandoned.isEmpty() && !requestsGivenUp && !holdsGivenUp;
        DrainReport made = makeReport(whole ? DrainReport.Outcome.DRAINED : DrainReport.Outcome.EXPIRED, now);
        Runnable tell = ending(made);
        String numbers = "after " + seconds(now - startedNanos) + ": finished=" + made.finished() + ", refused="
                + made.refused();
        if (whole) {
            moveTo(DrainState.DRAINED, numbers);
        } else {
            moveTo(
                    DrainState.EXPIRED,
                    numbers + ", still in flight: " + inFlightText() + "; uploads given up: " + named(abandoned));
        }
        return tell;
    }

    private DrainReport makeReport(DrainReport.Outcome how, long now) {
        boolean drainingReached = state != DrainState.LAME_DUCK;
        long lameDuckEnd = drainingReached ? drainingNanos : now;
        return new DrainReport(
                how,
                String.valueOf(reason),
                TimeUnit.NANOSECONDS.toMillis(lameDuckEnd - startedNanos),
                drainingReached ? TimeUnit.NANOSECONDS.toMillis(now - drainingNanos) : 0,
                drainingReached ? totals.ended() - endedAtDraining : 0,
                totals.refused.sum() - refusedAtStart,
                abandoned);
    }

    private void moveTo(DrainState next, String why) {
        DrainState before = state;
        state = next;
        since = clock.instant();
        say(next == DrainState.EXPIRED ? Level.WARNING : Level.INFO, before + " -> " + next + ", " + why);
        for (Listening listening : listeners) {
            listening.dispatcher.execute(() -> listening.listener.stateChanged(before, next));
        }
    }

    private void say(Level level, String what) {
        log.execute(() -> LOG.log(level, "drain[" + name + "] " + what));
    }

    private String inFlightText() {
        return "uploads=" + registry.uploads() + ", requests=" + doorway.requestsInFlight() + ", holds=" + holds.size();
    }

    private static String seconds(long nanos) {
        long tenths = TimeUnit.NANOSECONDS.toMillis(nanos) / 100;
        return tenths / 10 + "." + tenths % 10 + " s";
    }

    private static String named(List<ActiveUpload> uploads) {
        StringBuilder text = new StringBuilder("[");
        for (ActiveUpload upload : uploads.subList(0, Math.min(NAMED_IN_LOG, uploads.size()))) {
            text.append(text.length() == 1 ? "" : "; ")
                    .append('#')
                    .append(upload.id())
                    .append(' ')
                    .append(upload.method())
                    .append(' ')
                    .append(LogText.clean(upload.path()))
                    .append(" from ")
                    .append(LogText.clean(upload.remote()))
                    .append(", ")
                    .append(upload.bytesReceived())
                    .append(" of ")
                    .append(upload.contentLength())
                    .append(" bytes in ")
                    .append(upload.elapsedMillis())
                    .append(" ms");
        }
        if (uploads.size() > NAMED_IN_LOG) {
            text.append("; and ").append(uploads.size() - NAMED_IN_LOG).append(" more");
        }
        return text.append(']').toString();
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
        return outcome().thenApplyAsync(made -> made, callbacks::execute);
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
            long remainingNanos = remainingNanos(now);
            return new DrainStatus(
                    name,
                    state,
                    state.isReady(),
                    since,
                    reason,
                    remainingNanos < 0 ? null : instant.plusNanos(remainingNanos),
                    remainingNanos < 0 ? -1 : TimeUnit.NANOSECONDS.toMillis(remainingNanos),
                    drainingMillis(now),
                    new DrainStatus.InFlight(
                            withUploads ? uploads.size() : registry.uploads(),
                            doorway.requestsInFlight(),
                            holds.size()),
                    new DrainStatus.Totals(
                            totals.uploadsCompleted.sum(),
                            totals.uploadsFailed.sum(),
                            totals.requestsCompleted.sum(),
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

    /** The time until the last limit; −1 while nobody waits. */
    private long remainingNanos(long now) {
        if (state == DrainState.SERVING || state.isOver()) {
            return -1;
        }
        long from = state == DrainState.DRAINING ? drainingNanos : lameDuckDeadlineNanos();
        long uploads = uploadDeadlineNanos(from);
        long requests = requestDeadlineNanos(from, state == DrainState.DRAINING ? requestsFromNanos : from);
        return Math.max(0, Math.max(uploads - now, requests - now));
    }

    private long drainingMillis(long now) {
        if (state == DrainState.SERVING) {
            return 0;
        }
        return TimeUnit.NANOSECONDS.toMillis((state.isOver() ? endedNanos : now) - startedNanos);
    }

    long lameDuckMillis() {
        lock.lock();
        try {
            if (state == DrainState.SERVING) {
                return 0;
            }
            long end = state == DrainState.LAME_DUCK ? ticker.nanos() : drainingNanos;
            return TimeUnit.NANOSECONDS.toMillis(end - startedNanos);
        } finally {
            lock.unlock();
        }
    }
}
