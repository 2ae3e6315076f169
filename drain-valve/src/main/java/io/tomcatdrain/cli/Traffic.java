package io.tomcatdrain.cli;

import io.tomcatdrain.cli.Exchange.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The users of the site that a check plays, each on a thread of its own: slow uploads of each kind, short ones, and steady reads. Thread-safe. */
final class Traffic implements AutoCloseable {
    /** How a long upload's time compares with a short one's. */
    private static final int SHORTER = 8;

    private static final Duration READ_PAUSE = Duration.ofMillis(100);

    private final CheckPlan plan;
    private final LongSupplier clock;
    private final Queue<Exchange> exchanges = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<Visitor> visitors = new ArrayList<>();
    private final Set<Integer> ofUsersWithSession = ConcurrentHashMap.newKeySet();
    private final Set<Integer> lengths = ConcurrentHashMap.newKeySet();

    /** Each upload is a byte longer than the last, so that they are recognised in a node's list. */
    private final AtomicInteger nextFile =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(1 << 16));

    private final AtomicInteger finishedFirst = new AtomicInteger();
    private volatile boolean ending;

    /** What a visitor does again and again. */
    private interface Deed {
        Exchange once(Visitor visitor) throws InterruptedException;
    }

    Traffic(CheckPlan plan, LongSupplier clock) {
        this.plan = plan;
        this.clock = clock;
    }

    /** Lets all begin. */
    void begin() {
        Duration whole = plan.uploadTime();
        Duration part = whole.dividedBy(SHORTER);
        uploader(Kind.LENGTH, false, whole);
        // Not all alike, so that an event meets some at their begin and some at their end.
        uploader(Kind.CHUNKED, false, percent(whole, 90));
        uploader(Kind.EXPECT, false, percent(whole, 80));
        uploader(Kind.LENGTH, true, percent(whole, 95));
        uploader(Kind.LENGTH, true, percent(whole, 75));
        uploader(Kind.LENGTH, false, part);
        uploader(Kind.LENGTH, true, part);
        reader(false);
        reader(true);
        threads.forEach(Thread::start);
    }

    private static Duration percent(Duration whole, int percent) {
        return whole.multipliedBy(percent).dividedBy(100);
    }

    private void reader(boolean sticky) {
        add("reads", sticky, visitor -> {
            Exchange read = visitor.get(plan.page());
            Terminal.pause(READ_PAUSE);
            return read;
        });
    }

    private void uploader(Kind kind, boolean sticky, Duration time) {
        add(kind.title(), sticky, visitor -> {
            if (sticky) {
                exchanges.add(visitor.get(plan.page()));
            }
            byte[] body = plan.upload().body(plan.uploadBytes() + nextFile.incrementAndGet());
            lengths.add(body.length);
            if (sticky) {
                ofUsersWithSession.add(body.length);
            }
            Exchange upload = visitor.upload(plan.upload(), kind, body, time);
            if (upload.isLost()) {
                Terminal.pause(READ_PAUSE); // one that is turned away at once does not come back at once
            }
            return upload;
        });
    }

    private void add(String what, boolean sticky, Deed deed) {
        Visitor visitor = new Visitor(clock, sticky, plan.trust());
        visitors.add(visitor);
        Thread thread = new Thread(() -> visit(visitor, deed), "check: " + what);
        thread.setDaemon(true);
        threads.add(thread);
    }

    private void visit(Visitor visitor, Deed deed) {
        try {
            boolean first = true;
            while (!ending) {
                exchanges.add(deed.once(visitor));
                if (first) {
                    finishedFirst.incrementAndGet();
                    first = false;
                }
            }
        } catch (InterruptedException enough) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns true once each visitor has done its deed once. */
    boolean allHaveBeenThere() {
        return finishedFirst.get() == threads.size();
    }

    /** Returns all that has ended so far. */
    List<Exchange> exchanges() {
        return List.copyOf(exchanges);
    }

    /** Returns true if an upload of that length is one of these. */
    boolean isOurs(long length) {
        return length > 0 && length <= Integer.MAX_VALUE && lengths.contains((int) length);
    }

    /** Returns true if it is one of a user's with a session. */
    boolean isOfSession(long length) {
        return isOurs(length) && ofUsersWithSession.contains((int) length);
    }

    /** Returns what the site says that it is; null if it says nothing. */
    @Nullable String server() {
        for (Visitor visitor : visitors) {
            String server = visitor.server();
            if (server != null) {
                return server;
            }
        }
        return null;
    }

    /** Begins nothing more, and waits for what is under way; what takes longer is counted as without an answer. */
    void end(Duration longest) throws InterruptedException {
        ending = true;
        long until = System.nanoTime() + longest.toNanos();
        for (Thread thread : threads) {
            thread.join(Math.max(1, (until - System.nanoTime()) / 1_000_000));
        }
        for (int i = 0; i < threads.size(); i++) {
            Exchange pending = visitors.get(i).pending();
            if (threads.get(i).isAlive() && pending != null) {
                exchanges.add(pending);
            }
        }
    }

    @Override
    public void close() {
        ending = true;
        threads.forEach(Thread::interrupt);
    }
}
