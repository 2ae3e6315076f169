package io.tomcatdrain;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The application's holds on one drain. Guarded by the lock of the sequence, which it takes itself when a hold is
 * closed.
 */
final class Holds {
    private final ReentrantLock lock;
    private final Runnable onClose;
    private final Set<ActiveHold> active = new LinkedHashSet<>();

    /** Those that came too late for the drain that is over, and hold the next one if the node serves again. */
    private final Set<ActiveHold> late = new LinkedHashSet<>();

    Holds(ReentrantLock lock, Runnable onClose) {
        this.lock = lock;
        this.onClose = onClose;
    }

    private final class ActiveHold implements Hold {
        private final String what;
        private volatile boolean effective;
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
                active.remove(this);
                late.remove(this);
            } finally {
                lock.unlock();
                onClose.run();
            }
        }

        @Override
        public String toString() {
            return what;
        }
    }

    /** Makes a hold; one that is not effective holds nothing. */
    Hold add(String what, boolean effective) {
        ActiveHold hold = new ActiveHold(what, effective);
        (effective ? active : late).add(hold);
        return hold;
    }

    /** Lets those hold too that came when the drain was over: the node serves again. */
    void takeLate() {
        for (ActiveHold hold : late) {
            hold.effective = true;
        }
        active.addAll(late);
        late.clear();
    }

    int count() {
        return active.size();
    }

    /** Returns what is being done. */
    @Override
    public String toString() {
        return active.toString();
    }
}
