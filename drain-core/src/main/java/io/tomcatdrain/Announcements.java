package io.tomcatdrain;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The listeners that announce to callers elsewhere, which do not ask for readiness, that the node leaves (in a service registry, say), and
 * how long each keeps a lame duck. Thread-safe. All times are readings of a ticker, in nanoseconds.
 */
final class Announcements {
    private final List<Announcement> all = new CopyOnWriteArrayList<>();

    /** One such listener. Its own monitor guards it: a drain begins on one thread, the listener is told of it on another. */
    private static final class Announcement {
        private final Duration callersGoOn;

        /** Drains that have begun and that the listener has not yet been told of: it is told of each, in order. */
        private int untold;

        private long toldNanos;
        private boolean told;

        private Announcement(Duration callersGoOn) {
            this.callersGoOn = Duration.ofNanos(Durations.nanos(callersGoOn)); // what is longer than that has no text
        }

        private synchronized void drainBegins() {
            untold++;
            told = false;
        }

        /** Notes that the listener has been told, and has told its callers. */
        private synchronized void isTold(long now) {
            untold--;
            told = untold == 0;
            toldNanos = now;
        }

        private synchronized long nanosPending(long now) {
            if (untold > 0) {
                return Long.MAX_VALUE;
            }
            return told ? Durations.nanos(callersGoOn) - (now - toldNanos) : 0;
        }
    }

    /**
     * Registers a listener whose callers go on calling for that long after it has announced that the node leaves. Must not run while a
     * drain begins.
     *
     * @param told run when the listener has been told of a lame duck, and when it has gone
     */
    DrainListener.Registration listen(
            DrainListener listener, Duration callersGoOn, DrainNotifier notifier, Ticker ticker, Runnable told) {
        Announcement announcement = new Announcement(callersGoOn);
        all.add(announcement);
        DrainListener.Registration registration = notifier.listen((before, after) -> {
            try {
                listener.stateChanged(before, after);
            } finally {
                if (after == DrainState.LAME_DUCK) {
                    announcement.isTold(ticker.nanos());
                    told.run();
                }
            }
        });
        return () -> {
            registration.close();
            all.remove(announcement);
            told.run();
        };
    }

    /** A drain begins, of which no listener has been told. */
    void drainBegins() {
        all.forEach(Announcement::drainBegins);
    }

    /** Returns why a lame duck waits for listeners; empty if there are none. */
    Optional<String> hint(Duration lameDuckTimeout) {
        return all.stream()
                .map(announcement -> announcement.callersGoOn)
                .max(Comparator.naturalOrder())
                .map(longest -> "the lame duck waits until a listener has told its callers of the drain and ["
                        + Durations.format(longest) + "] have passed, at most lameDuckTimeout ["
                        + Durations.format(lameDuckTimeout) + "]");
    }

    /** Returns how long until the callers know that the node leaves: not positive if they do, {@link Long#MAX_VALUE} if a listener is to be told first. */
    long nanosPending(long now) {
        long most = 0;
        for (Announcement announcement : all) {
            most = Math.max(most, announcement.nanosPending(now));
        }
        return most;
    }
}
