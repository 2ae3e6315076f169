package io.tomcatdrain;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counts who is inside, and can be sealed once: from then on nobody enters, and whoever leaves last says so.
 *
 * <p>Thread-safe. {@link #enter} and {@link #exit} take no lock and may run on different threads for the same holder;
 * {@link #seal} is called by one thread, once.
 */
final class InFlightGate {
    /*
     * Sealed stripes. Every word has one total order of read-modify-writes, so an enter is either before the seal of its
     * word (admitted, and contained in the sum that the seal reads) or after it (refused, and in no sum: a sealed word's
     * count means nothing any more). An exit on an open word is contained in that word's sum; on a sealed word it is taken
     * from `pending` instead. `pending` starts at BIAS, so it cannot be 0 before the last word is sealed and the sum has
     * replaced BIAS; from then on it only falls, by one per exit, and reaches 0 exactly once. Whoever brings it there
     * signals. Refused traffic never touches `pending`. The proof with its memory ordering is in docs/design.md.
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

    /** Added to a word to seal it: below any count that an open word can show, far from overflow in both directions. */
    private static final long SEAL = -(1L << 62);

    /** A word below this is sealed. An open word may be a little negative, since exits may use other words than enters. */
    private static final long SEALED_BELOW = SEAL / 2;

    private static final long BIAS = 1L << 61;

    /** 16 longs, two cache lines, between two words, so that the adjacent-line prefetcher does not couple them. */
    private static final int STRIDE_SHIFT = 4;

    private static final int MAX_STRIPES = 64;

    /** 2^64 divided by the golden ratio: the multiples of no other factor keep as far from each other. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final long[] words;
    private final int mask;
    private final int shift;
    private final Runnable onIdle;

    @SuppressWarnings("unused") // through PENDING
    private volatile long pending = BIAS;

    /**
     * Makes an open gate.
     *
     * @param onIdle run once, by whoever leaves last after the seal, or by the seal of an empty gate; must neither block
     *     nor throw
     */
    InFlightGate(Runnable onIdle) {
        this(stripesFor(Runtime.getRuntime().availableProcessors()), onIdle);
    }

    /** Makes a gate of the given number of words, a power of two. */
    InFlightGate(int stripes, Runnable onIdle) {
        if (Integer.bitCount(stripes) != 1) {
            throw new IllegalArgumentException("stripes [" + stripes + "] must be a power of two");
        }
        this.words = new long[(stripes + 1) << STRIDE_SHIFT];
        this.mask = stripes - 1;
        this.shift = Long.numberOfLeadingZeros(mask);
        this.onIdle = onIdle;
    }

    /** Returns the number of words for a machine: the power of two at or above twice its processors, at most 64. */
    static int stripesFor(int processors) {
        int wanted = Math.min(MAX_STRIPES, 2 * processors);
        return wanted == 1 ? 1 : Integer.highestOneBit(wanted - 1) << 1;
    }

    /** Returns true if the caller is inside and will {@link #exit}; false if the gate is sealed. */
    boolean enter() {
        return enterAs(Thread.currentThread().getId());
    }

    /** Leaves the gate; once for each {@link #enter} that returned true. */
    void exit() {
        exitAs(Thread.currentThread().getId());
    }

    /** As {@link #enter}, through the word of the thread with that number. */
    boolean enterAs(long threadId) {
        return (long) WORDS.getAndAdd(words, wordOf(stripeOf(threadId)), 1L) >= SEALED_BELOW;
    }

    /** As {@link #exit}, through the word of the thread with that number. */
    void exitAs(long threadId) {
        long before = (long) WORDS.getAndAdd(words, wordOf(stripeOf(threadId)), -1L);
        if (before < SEALED_BELOW && (long) PENDING.getAndAdd(this, -1L) == 1L) {
            onIdle.run();
        }
    }

    /** Lets nobody in from now on. */
    void seal() {
        long inside = 0;
        for (int stripe = 0; stripe <= mask; stripe++) {
            inside += (long) WORDS.getAndAdd(words, wordOf(stripe), SEAL);
        }
        long change = inside - BIAS;
        if ((long) PENDING.getAndAdd(this, change) + change == 0L) {
            onIdle.run();
        }
    }

    /** Returns true once the gate is sealed and everybody has left. Stays true. */
    boolean isIdle() {
        return pendingVolatile() == 0L;
    }

    /**
     * Returns how many are inside: exact once the gate is sealed, a point-in-time estimate while it is open. Not to be
     * called while {@link #seal} runs.
     */
    long inFlight() {
        long left = pendingVolatile();
        if (left < SEALED_AND_SUMMED_BELOW) {
            return left;
        }
        long sum = 0;
        for (int stripe = 0; stripe <= mask; stripe++) {
            sum += (long) WORDS.getVolatile(words, wordOf(stripe));
        }
        return Math.max(0, sum);
    }

    /** `pending` is near BIAS until the sum has replaced it. */
    private static final long SEALED_AND_SUMMED_BELOW = BIAS / 2;

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
