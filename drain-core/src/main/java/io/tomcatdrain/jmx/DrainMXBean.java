package io.tomcatdrain.jmx;

import io.tomcatdrain.DrainStatus;
import java.util.List;
import java.util.Map;
import javax.management.ConstructorParameters;
import org.jspecify.annotations.Nullable;

/**
 * A drain as JMX shows it, under {@code io.tomcatdrain:type=Drain,name=NAME}. Every number is taken when it is asked for; all types
 * are open types.
 *
 * <p>Each state change sends one notification of type {@value DrainRegistration#STATE_NOTIFICATION}.
 *
 * @since 1.0
 */
@Description("Stops a node without losing what it has accepted: what is in flight, how far it is, and the commands")
public interface DrainMXBean {

    @Description("SERVING, LAME_DUCK, DRAINING, DRAINED or EXPIRED")
    String getState();

    @Description("True while the front end should send work here")
    boolean isReady();

    @Description("Why the drain was started; null while serving")
    @Nullable String getReason();

    @Description("Uploads under way")
    long getInFlightUploads();

    @Description("Other requests under way")
    long getInFlightRequests();

    @Description("Holds that the application has taken and not yet closed")
    long getHolds();

    @Description(
            "Async answers without an end of their own (streamTypes); no drain waits for them, and InFlightRequests leaves them out")
    long getInFlightStreams();

    @Description("Uploads that ended well, since the start")
    long getUploadsCompleted();

    @Description("Uploads that were aborted or answered with an error, since the start")
    long getUploadsFailed();

    @Description("Other requests that ended, however they did, since the start")
    long getRequestsCompleted();

    @Description("Requests that were refused, since the start")
    long getRefused();

    @Description("Body bytes of all uploads since the start, those under way included")
    long getUploadBytes();

    @Description("How long the drain has been running in milliseconds, or took if it is over; 0 while serving")
    long getDrainingMillis();

    @Description(
            "The part of DrainingMillis that was lame duck, in which every request was still served; 0 while serving")
    long getLameDuckMillis();

    @Description("Milliseconds until the waiting ends at the latest; -1 while no drain waits")
    long getRemainingMillis();

    @Description("Milliseconds until new work is refused at the latest; -1 in every state but LAME_DUCK")
    long getLameDuckRemainingMillis();

    @Description(
            "Milliseconds until the node serves again by itself, as a command has asked for (resumeAfter); -1 if none has")
    long getResumeMillis();

    @Description(
            "Milliseconds until the last of the uploads under way is through, each at its present rate; 0 if there is none,"
                    + " -1 if one of them cannot be estimated")
    long getEtaMillis();

    @Description("The uploads under way by their id, oldest first")
    Map<Long, UploadInfo> getActiveUploads();

    @Description("Uploads that come in several requests and are not whole")
    long getOpenUploadCount();

    @Description(
            "The uploads that come in several requests and are not whole, by their id, oldest first; the numbers are those"
                    + " of the whole file, stalledMillis is for how long no request of it has been in flight")
    Map<Long, UploadInfo> getOpenUploads();

    @Description("The probers that ask for readiness, and how often each was told that the node is not ready")
    List<ProberInfo> getProbers();

    @Description("How the last drain ended; null before, and while another one runs")
    @Nullable ReportInfo getReport();

    /** Begins or joins a drain, with the limits of the settings. */
    @Description("Begins or joins a drain, with the limits of the settings")
    void drain();

    /**
     * Begins or joins a drain.
     *
     * @param reason why, for logs and status; may be null or empty
     * @param timeout when to give up waiting, as the settings spell durations; null or empty: the limits of the settings
     * @throws IllegalArgumentException if the timeout is no duration
     */
    @Description("Begins or joins a drain that gives up waiting at the latest after the timeout")
    void drain(
            @Description(name = "reason", value = "Why, for logs and status; may be empty") @Nullable String reason,
            @Description(
                            name = "timeout",
                            value =
                                    "For example 30s, 10m, 500ms or PT30S, all waiting together; empty: the limits of the settings")
                    @Nullable String timeout);

    /**
     * Begins or joins a drain that is undone by itself.
     *
     * @param reason why, for logs and status; may be null or empty
     * @param timeout when to give up waiting, as the settings spell durations; null or empty: the limits of the settings
     * @param resumeAfter when to serve again, whatever the state; null or empty: never
     * @throws IllegalArgumentException if one of the two is no duration, or resumeAfter is zero
     */
    @Description("Begins or joins a drain that is undone after a time, so that none is forgotten")
    void drain(
            @Description(name = "reason", value = "Why, for logs and status; may be empty") @Nullable String reason,
            @Description(name = "timeout", value = "When to give up waiting; empty: the limits of the settings")
                    @Nullable String timeout,
            @Description(
                            name = "resumeAfter",
                            value = "When to serve again, whatever the state, for example 30m; empty: never")
                    @Nullable String resumeAfter);

    /**
     * Serves again; does nothing while serving.
     *
     * @throws IllegalStateException if the listeners were closed, or a stop has begun
     */
    @Description("Serves again, whatever the state; not possible once listeners were closed or a stop has begun")
    void resume();

    /**
     * Waits until everything that was accepted has been answered.
     *
     * @return true if it was; false if something was given up, serving was resumed, the time has passed, or no drain runs
     */
    @Description(
            "Waits until everything that was accepted has been answered; true if it was, false if something was given"
                    + " up, serving was resumed, the time has passed, or no drain runs")
    boolean awaitDrained(@Description(name = "millis", value = "For how long at most, in milliseconds") long millis)
            throws InterruptedException;

    /**
     * One prober as JMX shows it: a {@link DrainStatus.Prober} in a form that MXBeans of Java 17 can map. Immutable.
     *
     * @since 1.0
     */
    final class ProberInfo {
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
}
