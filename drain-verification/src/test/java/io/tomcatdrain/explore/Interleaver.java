package io.tomcatdrain.explore;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Runs a scenario again and again, each time with another interleaving of its threads, until there is none left that takes the turn
 * from a thread that could have gone on more often than a given number of times.
 *
 * <p>Of all threads one runs at a time, up to its next switch point: {@link SwitchPoints} puts one before each access to what threads
 * share. So all orders of these accesses are tried, up to the bound; what a weakly ordered memory adds is left to jcstress. A
 * thread that waits for a lock, or is parked, does not run; there are no spurious wake-ups, so that none can stand in for a
 * wake-up that is missing.
 */
public final class Interleaver {

    /** What became of the exploration of a scenario. */
    public record Verdict(long interleavings, String violation) {}

    /** Ends a thread that is left over when its interleaving is over. */
    private static final class Abandoned extends Error {
        private static final long serialVersionUID = 1;

        Abandoned() {
            super(null, null, false, false);
        }
    }

    /** A thread of the scenario, or one that the code under test has started. */
    private static final class Task {
        final int number;
        final String name;
        final Thread thread;
        final Semaphore turn = new Semaphore(0);
        Object waitsFor;
        boolean parked;
        boolean permit;
        long parkedUntil;
        boolean begun;
        boolean over;

        Task(int number, String name, Thread thread) {
            this.number = number;
            this.name = name;
            this.thread = thread;
        }
    }

    /** One moment at which several threads could have gone on. */
    private static final class Choice {
        final int options;
        int taken;

        Choice(int options) {
            this.options = options;
        }
    }

    /** Whose a thread is, the exploring one too: the code under test knows only static methods. */
    private static final Map<Thread, Interleaver> ACTIVE = new ConcurrentHashMap<>();

    private final int preemptions;
    private final List<Choice> choices = new ArrayList<>();

    // One interleaving. Only the thread whose turn it is, or the exploring one before and after, touches these.
    private final List<Task> tasks = new ArrayList<>();
    private final Map<Thread, Task> taskOf = new ConcurrentHashMap<>();
    private final Map<Object, Task> owners = new IdentityHashMap<>();
    private final Map<Object, Integer> holds = new IdentityHashMap<>();
    private final Semaphore quiescent = new Semaphore(0);
    private final StringBuilder faults = new StringBuilder();
    private final StringBuilder trace = new StringBuilder();
    private Scenario scenario;
    private int depth;
    private int preemptionsLeft;
    private boolean tracing;
    private volatile boolean ended;

    private Interleaver(int preemptions) {
        this.preemptions = preemptions;
    }

    /**
     * Explores a scenario and stops at the first violation.
     *
     * @param preemptions how often the turn is taken from one of two threads that could go on; once less for each further thread
     * @param most how many interleavings are tried at most
     */
    public static Verdict explore(int preemptions, long most, Supplier<Scenario> scenarios)
            throws InterruptedException {
        Interleaver interleaver = new Interleaver(preemptions);
        ACTIVE.put(Thread.currentThread(), interleaver);
        try {
            return interleaver.explore(most, scenarios);
        } finally {
            ACTIVE.remove(Thread.currentThread());
        }
    }

    private Verdict explore(long most, Supplier<Scenario> scenarios) throws InterruptedException {
        long interleavings = 0;
        do {
            interleavings++;
            String violation = runOnce(scenarios);
            if (!violation.isEmpty()) {
                tracing = true;
                runOnce(scenarios);
                return new Verdict(interleavings, violation + "\n" + trace);
            }
        } while (interleavings < most && backtrack());
        return new Verdict(interleavings, "");
    }

    /** Goes to the next interleaving that was not tried; returns false if there is none. */
    private boolean backtrack() {
        while (!choices.isEmpty()) {
            Choice last = choices.get(choices.size() - 1);
            if (++last.taken < last.options) {
                return true;
            }
            choices.remove(choices.size() - 1);
        }
        return false;
    }

    private String runOnce(Supplier<Scenario> scenarios) throws InterruptedException {
        tasks.clear();
        taskOf.clear();
        owners.clear();
        holds.clear();
        faults.setLength(0);
        depth = 0;
        ended = false;
        scenario = scenarios.get();
        Map<String, Runnable> bodies = scenario.threads();
        preemptionsLeft = Math.max(1, preemptions + 2 - bodies.size());
        bodies.forEach((name, body) -> {
            begin(name, new Thread(() -> {
                me();
                try {
                    body.run();
                } catch (RuntimeException | AssertionError fault) {
                    faults.append(name).append(" failed: ").append(fault).append("; ");
                }
                end();
            }));
        });
        pass(null);
        if (!quiescent.tryAcquire(1, TimeUnit.MINUTES)) {
            return "the threads hang outside the switch points";
        }
        String violation = faults + deadlocks() + scenario.judge(parked());
        ended = true;
        for (Task task : tasks) {
            task.turn.release();
            task.thread.join();
            ACTIVE.remove(task.thread);
        }
        return violation;
    }

    private String deadlocks() {
        StringBuilder names = new StringBuilder();
        for (Task task : tasks) {
            if (!task.over && !task.parked) {
                names.append(task.name).append(" is locked out for ever; ");
            }
        }
        return names.toString();
    }

    private int parked() {
        return (int) tasks.stream().filter(task -> task.parked).count();
    }

    private void begin(String name, Thread thread) {
        Task task = new Task(tasks.size(), name, thread);
        tasks.add(task);
        taskOf.put(thread, task);
        ACTIVE.put(thread, this);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((where, abandoned) -> {});
        thread.start();
    }

    // ---------------------------------------------------------------- what the code under test calls instead

    /** Before each access to what threads share. */
    public static void point() {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        if (me != null) {
            now.pass(me);
        }
    }

    /** Before the reading of a volatile field: no point for whoever holds the lock, since nobody writes the field without it. */
    public static void read() {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        if (me != null && !now.holdsLock(me)) {
            now.pass(me);
        }
    }

    /** Before the writing of a volatile field. */
    public static void write() {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        if (me != null) {
            if (!now.holdsLock(me)) {
                now.faults.append(me.name).append(" writes a volatile field without the lock; ");
            }
            now.pass(me);
        }
    }

    private boolean holdsLock(Task me) {
        return owners.containsValue(me);
    }

    /** Instead of {@link ReentrantLock#lock}. */
    public static void lock(ReentrantLock lock) {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        if (me == null) {
            return;
        }
        me.waitsFor = lock;
        now.pass(me);
        me.waitsFor = null;
        now.owners.put(lock, me);
        now.holds.merge(lock, 1, Integer::sum);
    }

    /** Instead of {@link ReentrantLock#unlock}. */
    public static void unlock(ReentrantLock lock) {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        if (me == null) {
            return;
        }
        if (now.holds.merge(lock, -1, Integer::sum) == 0) {
            now.owners.remove(lock);
        }
    }

    /** Instead of {@link ReentrantLock#isHeldByCurrentThread}; true for a thread that is not explored, whose locks are not kept. */
    public static boolean holds(ReentrantLock lock) {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        return me == null || now.owners.get(lock) == me;
    }

    /** Instead of the same where locks are left out. */
    public static boolean holdsNone(ReentrantLock lock) {
        return true;
    }

    /** Instead of {@link ReentrantLock#lock} and {@link ReentrantLock#unlock}, to see whether a lock that is left out is missed. */
    public static void noLock(ReentrantLock lock) {
        point();
    }

    /** Instead of {@link java.util.concurrent.locks.LockSupport#parkNanos(Object, long)}. */
    public static void park(Object blocker, long nanos) {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        me.parked = true;
        me.parkedUntil = now.scenario.nanos() + nanos;
        now.pass(me);
        me.parked = false;
        me.permit = false;
    }

    /** Instead of {@link java.util.concurrent.locks.LockSupport#unpark}. */
    public static void unpark(Thread thread) {
        Task task = thread == null
                ? null
                : ACTIVE.get(Thread.currentThread()).taskOf.get(thread);
        if (task != null) {
            task.permit = true;
        }
    }

    /** Instead of {@link Thread#start}, for a thread that says {@link #end} at its end and meets a switch point at its beginning. */
    public static void start(Thread thread) {
        ACTIVE.get(Thread.currentThread()).begin(thread.getName(), thread);
    }

    /** At the end of a thread. */
    public static void end() {
        Interleaver now = ACTIVE.get(Thread.currentThread());
        Task me = now.me();
        me.over = true;
        now.pass(me);
    }

    /** Instead of {@link Thread#getId}: the same in each interleaving. */
    public static long number(Thread thread) {
        Task task = ACTIVE.get(Thread.currentThread()).taskOf.get(thread);
        return task == null ? 0 : task.number;
    }

    /** Instead of the number of words that the gate of this machine would have: the fewest that are more than one. */
    public static int stripes(int processors) {
        return 2;
    }

    // ---------------------------------------------------------------- whose turn it is

    /** Returns the caller, once it is its turn; null for the thread that explores, which runs only while nobody has the turn. */
    private Task me() {
        Task me = taskOf.get(Thread.currentThread());
        if (me != null && !me.begun) {
            me.begun = true;
            awaitTurn(me);
        }
        return me;
    }

    private void awaitTurn(Task me) {
        me.turn.acquireUninterruptibly();
        if (ended) {
            throw new Abandoned();
        }
    }

    private void pass(Task me) {
        Task next = choose(me);
        while (next == null && scenario.passTime()) {
            next = choose(me);
        }
        if (next == me) {
            return;
        }
        if (tracing && next != null) {
            trace(me, next);
        }
        (next == null ? quiescent : next.turn).release();
        if (me != null && !me.over) {
            awaitTurn(me);
        }
    }

    /** Returns who goes on; null if nobody can. */
    private Task choose(Task me) {
        List<Task> able = new ArrayList<>();
        if (me != null && isAble(me)) {
            able.add(me);
        }
        for (Task task : tasks) {
            if (task != me && isAble(task)) {
                able.add(task);
            }
        }
        if (able.isEmpty()) {
            return null;
        }
        boolean preempting = able.get(0) == me;
        if (able.size() == 1 || (preempting && preemptionsLeft == 0)) {
            return able.get(0);
        }
        if (depth == choices.size()) {
            choices.add(new Choice(able.size()));
        }
        int taken = choices.get(depth++).taken;
        if (preempting && taken > 0) {
            preemptionsLeft--;
        }
        return able.get(taken);
    }

    private boolean isAble(Task task) {
        Task owner = task.waitsFor == null ? null : owners.get(task.waitsFor);
        return !task.over
                && (owner == null || owner == task)
                && (!task.parked || task.permit || scenario.nanos() - task.parkedUntil >= 0);
    }

    private void trace(Task me, Task next) {
        trace.append("  ");
        if (me != null) {
            trace.append(me.name).append(" at ").append(where()).append(", ");
        }
        trace.append("then ").append(next.name).append('\n');
    }

    private static String where() {
        return StackWalker.getInstance()
                .walk(frames -> frames.filter(frame -> frame.getClassName().startsWith(SwitchPoints.PACKAGE)
                                && !frame.getClassName().startsWith(Interleaver.class.getPackageName()))
                        .findFirst())
                .map(String::valueOf)
                .orElse("its end");
    }
}
