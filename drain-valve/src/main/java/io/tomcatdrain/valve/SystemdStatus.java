package io.tomcatdrain.valve;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus;
import java.time.Duration;

/** What one drain has to say to systemd: a line for people, and whether its uploads get on. */
final class SystemdStatus {
    private SystemdStatus() {}

    /** Returns true if the status is of a drain that is not over. */
    static boolean runs(DrainStatus status) {
        return status.state() != DrainState.SERVING && !status.state().isOver();
    }

    /**
     * Returns true if an upload has got bytes within that time, or is complete: its application works. What merely waits for bytes is no
     * reason to let a server live longer than its unit says.
     */
    static boolean moves(DrainStatus status, Duration within) {
        return status.uploads().stream().anyMatch(upload -> upload.stalledMillis() < within.toMillis());
    }

    /** Returns one line without control characters, as {@code systemctl status} shows it. */
    static String line(DrainStatus status) {
        return switch (status.state()) {
            case SERVING -> "Serving";
            case LAME_DUCK -> "Leaving: still serves everything, so that front ends see it; " + inFlight(status);
            case DRAINING ->
                "Draining: waits for " + inFlight(status) + eta(status) + "; at most "
                        + seconds(status.remainingMillis()) + " more";
            case DRAINED -> "Drained: nothing is in flight";
            case EXPIRED -> "Drained in part: uploads given up";
        };
    }

    private static String inFlight(DrainStatus status) {
        DrainStatus.InFlight now = status.inFlight();
        String holds = now.holds() == 0 ? "" : ", holds " + now.holds();
        return "uploads " + now.uploads() + ", requests " + now.requests() + holds;
    }

    private static String eta(DrainStatus status) {
        return status.etaMillis() <= 0 ? "" : ", the last upload for about " + seconds(status.etaMillis());
    }

    private static String seconds(long millis) {
        Duration time = Duration.ofMillis(Math.max(0, millis));
        return time.toMinutes() == 0
                ? time.toSeconds() + " s"
                : time.toMinutes() + " min " + time.toSecondsPart() + " s";
    }
}
