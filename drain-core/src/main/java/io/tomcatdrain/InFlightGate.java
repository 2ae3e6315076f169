package io.tomcatdrain;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counts what is inside and what has left, and can be sealed once: from then on nothing enters, and the last to leave says so. It is itself
 * the ticket of those who need none of their own, so that admitting a plain request allocates nothing.
 *
 * <p>Thread-safe. {@link #enter} and {@link #exit} take no lock and may run on different threads for the same holder;
 * {@link #seal} is called by one thread, once.
 */
final class InFlightGate extends Ticket {
    /*
     * Sealed stripes. Every word has one total order of read-modify-writes, so an enter is either before the seal of its word (admitted,
     * and contained in the sum that the seal reads) or after it (refused, and in no sum: a sealed word's count means nothing any more). An
     * exit on an open word is contained in that word's sum; on a sealed word it is taken from `pending` instead. `pending` starts at BIAS,
     * so it cannot be 0 before the last word is sealed and the sum has replaced BIAS; from then on it only falls, by one per exit, and
     * reaches 0 exactly once. The thread that brings it there signals. Refused traffic never touches `pending`. The proof with its memory
     * ordering is in docs/design.md.
     *
     * The low bits of a word count who is inside, those above who has left: an exit changes both in one step. What is
     * inside may be negative in a word, since exits may use other words than enters, but a word never is, as both steps add:
     * so its sign is free to say that it is sealed. It would take 2^39 exits by one word to turn it, more than half a year of
     * 30,000 a second by one thread.
     */

    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle PENDING;

    static {
        try {
            PENDING = MethodHandles.lookup().findVarHandle(InFlightGate.class, "pending", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final long ONE_INSIDE = 1;

    /** How many bits of a sum count who is inside, its sign among them. */
    private static final int INSIDE_BITS = 24;

    /** One who has left, and is not inside any more. */
    private static final long ONE_LEFT = (1L << INSIDE_BITS) - ONE_INSIDE;

    /** Added to a word to seal it: turns its sign. */
    private static final long SEAL = Long.MIN_VALUE;

    private static final long BIAS = 1L << 61;

    /** `pending` is near BIAS until the sum has replaced it. */
    private static final long SEALED_AND_SUMMED_BELOW = BIAS / 2;

    /** 16 longs, two cache lines, between two words, so that the adjacent-line prefetcher does not couple them. */
    private static final int STRIDE_SHIFT = 4;

    private static final int LEAST_STRIPES = 64;

    /** 2^64 divided by the golden ratio: the multiples of no other factor keep as far from each other. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final long[] words;
    private final int mask;
    private final int shift;
    private final Runnable onIdle;

    @SuppressWarnings("unused") // through PENDING
    private volatile long pending = BIAS;

    /** True from the beginning of the seal on; for the threads that seal, which a lock orders. */
    private boolean sealed;

    /** How many requests had been admitted before the seal; written before `pending` is given the sum. */
    private long admitted;

    /**
     * Makes an open gate.
     *
     * @param stripes the number of its words, a power of two; see {@link #stripesFor}
     * @param onIdle run once, by the thread that leaves last after the seal, or by the seal of an empty gate; must neither block
     *     nor throw
     */
    InFlightGate(int stripes, Runnable onIdle) {
        super(null);
        if (Integer.bitCount(stripes) != 1) {
            throw new IllegalArgumentException("stripes [" + stripes + "] must be a power of two");
        }
        this.words = new long[(stripes + 1) << STRIDE_SHIFT];
        this.mask = stripes - 1;
        this.shift = Long.numberOfLeadingZeros(mask);
        this.onIdle = onIdle;
    }

    /** Returns the number of words for a machine: the power of two at or above twice its processors, at least 64. */
    static int stripesFor(int processors) {
        return Math.max(LEAST_STRIPES, Integer.highestOneBit(2 * processors - 1) << 1);
    }

    /** Returns true if the caller is inside and will {@link #exit}; false if the gate is sealed. */
    boolean enter() {
        return enterAs(Thread.currentThread().getId());
    }

    /** Leaves the gate; once for each {@link #enter} that returned true. */
    void exit() {
        exitAs(Thread.currentThread().getId());
    }

    /** Leaves the gate. */
    @Override
    public void close(boolean failed) {
        exit();
    }

    @Override
    public boolean isShared() {
        return true;
    }

    /** As {@link #enter}, through the word of the thread with that number. */
    boolean enterAs(long threadId) {
        return (long) WORDS.getAndAdd(words, wordOf(stripeOf(threadId)), ONE_INSIDE) >= 0;
    }

    /** As {@link #exit}, through the word of the thread with that number. */
    void exitAs(long threadId) {
        if ((long) WORDS.getAndAdd(words, wordOf(stripeOf(threadId)), ONE_LEFT) < 0
                && (long) PENDING.getAndAdd(this, -1L) == 1L) {
            onIdle.run();
        }
    }

    /** Refuses every request from now on; does nothing the second time, when adding the seal once more would open the gate. */
    void seal() {
        if (sealed) {
            return;
        }
        sealed = true;
        long sum = 0;
        for (int stripe = 0; stripe <= mask; stripe++) {
            sum += (long) WORDS.getAndAdd(words, wordOf(stripe), SEAL);
        }
        long inside = insideOf(sum);
        admitted = inside + leftOf(sum);
        long change = inside - BIAS;
        if ((long) PENDING.getAndAdd(this, change) + change == 0L) {
            onIdle.run();
        }
    }

    /** Returns true once the gate is sealed. Stays true. */
    boolean isSealed() {
        return pendingVolatile() < SEALED_AND_SUMMED_BELOW;
    }

    /** Returns true once the gate is sealed and all requests have left. Stays true. */
    boolean isIdle() {
        return pendingVolatile() == 0L;
    }

    /**
     * Returns how many are inside: exact once the gate is sealed, a point-in-time estimate while it is open. Not to be
     * called while {@link #seal} runs.
     */
    long inFlight() {
        long inside = pendingVolatile();
        return inside < SEALED_AND_SUMMED_BELOW ? inside : Math.max(0, insideOf(sum()));
    }

    /**
     * Returns how many have left: exact once the gate is sealed, a point-in-time estimate while it is open. Not to be called while
     * {@link #seal} runs, and only by threads that a lock orders behind it.
     */
    long left() {
        long inside = pendingVolatile();
        return inside < SEALED_AND_SUMMED_BELOW ? admitted - inside : leftOf(sum());
    }

    private long sum() {
        long sum = 0;
        for (int stripe = 0; stripe <= mask; stripe++) {
            sum += wordVolatile(wordOf(stripe));
        }
        return sum;
    }

    /** Between 0 and 2^23 are inside, for each of which a server has some kilobytes; the rest of a sum is a multiple of 2^24. */
    private static long insideOf(long sum) {
        int others = Long.SIZE - INSIDE_BITS;
        return sum << others >> others;
    }

    private static long leftOf(long sum) {
        return (sum - insideOf(sum)) >>> INSIDE_BITS;
    }

    private long wordVolatile(int word) {
        return (long) WORDS.getVolatile(words, word);
    }

    private long pendingVolatile() {
        return (long) PENDING.getVolatile(this);
    }

    /** The top bits of the product: other than the low bits of the number, they differ for numbers that are any power of two apart. */
    private int stripeOf(long threadId) {
        return (int) ((threadId * SPREAD) >>> shift) & mask;
    }

    private static int wordOf(int stripe) {
        return (stripe + 1) << STRIDE_SHIFT;
    }
}
