package io.tomcatdrain;

import org.jspecify.annotations.Nullable;

/**
 * One question for readiness, and the client that asked it. What comes from outside is cut to 200 characters, and its control characters
 * are replaced; blank counts as none. Immutable.
 *
 * @param remote the address that it came from; null if the container no longer knows it, which stands for itself
 * @param userAgent its {@code User-Agent}; null if it sent none
 * @param name the name that the prober gave itself; null if it gave none
 * @param forwarded true if it came through a front end, and so from a client, which is no prober
 * @since 1.0
 */
public record ReadinessPoll(
        @Nullable String remote,
        @Nullable String userAgent,
        @Nullable String name,
        boolean forwarded) {
    public ReadinessPoll {
        remote = bounded(remote);
        userAgent = bounded(userAgent);
        name = bounded(name);
    }

    private static @Nullable String bounded(@Nullable String text) {
        if (text == null || text.isBlank()) {
            return null;
        }
        return LogText.bounded(text);
    }

    /** Returns true if only its address distinguishes it, so that it may be several probers. */
    boolean isNameless() {
        return userAgent == null && name == null;
    }

    /** Names the client that asked, for a log. */
    String who() {
        return (remote == null ? "an unknown address" : remote)
                + (userAgent == null ? " [no User-Agent]" : " [" + userAgent + "]")
                + (name == null ? "" : " prober=" + name);
    }
}
