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

    Holds(ReentrantLock lock, Runnable onClose) {
        this.lock = lock;
        this.onClose = onClose;
    }

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
                active.remove(this);
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
        if (effective) {
            active.add(hold);
        }
        return hold;
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
