package io.tomcatdrain.jmx;

import io.tomcatdrain.DrainStatus;
import javax.management.ConstructorParameters;
import org.jspecify.annotations.Nullable;

/**
 * One prober as JMX shows it: a {@link DrainStatus.Prober} in a form that MXBeans of Java 17 can map. Immutable.
 *
 * @since 1.0
 */
public final class ProberInfo {
    private final @Nullable String remote;
    private final @Nullable String name;
    private final @Nullable String agent;
    private final int seenDown;

    /** Called by proxies of {@link DrainMXBean}. */
    @ConstructorParameters({"remote", "name", "agent", "seenDown"})
    public ProberInfo(@Nullable String remote, @Nullable String name, @Nullable String agent, int seenDown) {
        this.remote = remote;
        this.name = name;
        this.agent = agent;
        this.seenDown = seenDown;
    }

    static ProberInfo of(DrainStatus.Prober prober) {
        return new ProberInfo(prober.remote(), prober.name(), prober.agent(), prober.seenDown());
    }

    /** Returns its address; null if unknown. */
    public @Nullable String getRemote() {
        return remote;
    }

    /** Returns the name that it gave itself; null if it gave none. */
    public @Nullable String getName() {
        return name;
    }

    /** Returns its {@code User-Agent}; null if it sent none. */
    public @Nullable String getAgent() {
        return agent;
    }

    /** Returns how many times in this drain it was told that the node is not ready. */
    public int getSeenDown() {
        return seenDown;
    }
}
