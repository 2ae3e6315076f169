package io.tomcatdrain;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A drain as it stood at a moment. Each number is exact for its own instant; numbers of requests in flight move while they are
 * collected.
 *
 * @param name the drain's name
 * @param state its state
 * @param ready true if the front end should send work here
 * @param since when the state began
 * @param reason why the drain was started; null while serving
 * @param deadline when the waiting ends at the latest; null while no drain waits
 * @param remainingMillis the time to the deadline; −1 while no drain waits
 * @param lameDuckRemainingMillis the time until new work is refused at the latest; −1 in every state but the lame duck
 * @param drainingMillis how long the drain that runs has been running, or took if it is over; 0 while serving
 * @param lameDuckMillis the part of it that was lame duck, in which every request was still served; 0 while serving
 * @param resumeMillis the time until the node serves again by itself, as a command has asked for; −1 if none has
 * @param resumable false if nothing can undo the drain: the server is being stopped, or the listeners were closed
 * @param inFlight what is in flight
 * @param totals what has happened since the start
 * @param probers the probers that ask for readiness
 * @param uploads the uploads under way, oldest first
 * @param openUploads those that come in several requests and are not whole, each with the bytes of the whole file, oldest first; what
 *     is in flight of one is among {@code uploads}, too
 * @param report how the last drain ended; null before, and from the beginning of the next one to its end
 * @since 1.0
 */
public record DrainStatus(
        String name,
        DrainState state,
        boolean ready,
        Instant since,
        @Nullable String reason,
        @Nullable Instant deadline,
        long remainingMillis,
        long lameDuckRemainingMillis,
        long drainingMillis,
        long lameDuckMillis,
        long resumeMillis,
        boolean resumable,
        InFlight inFlight,
        Totals totals,
        List<Prober> probers,
        List<ActiveUpload> uploads,
        List<ActiveUpload> openUploads,
        @Nullable DrainReport report) {

    public DrainStatus {
        probers = List.copyOf(probers);
        uploads = List.copyOf(uploads);
        openUploads = List.copyOf(openUploads);
    }

    /**
     * Returns how long the last of the uploads under way takes at its present rate, in milliseconds: 0 if there is none, −1 if that
     * cannot be said of one of them. Of those that come in several requests the whole file counts. What the application does after the last
     * byte, other requests and holds come on top.
     */
    public long etaMillis() {
        long ofRequests = longest(uploads);
        long ofFiles = longest(openUploads);
        return ofRequests < 0 || ofFiles < 0 ? -1 : Math.max(ofRequests, ofFiles);
    }

    private static long longest(List<ActiveUpload> which) {
        long longest = 0;
        for (ActiveUpload upload : which) {
            if (upload.etaMillis() < 0) {
                return -1;
            }
            longest = Math.max(longest, upload.etaMillis());
        }
        return longest;
    }

    /**
     * What is in flight.
     *
     * @param uploads uploads
     * @param requests other requests
     * @param holds application holds
     * @param streams async answers of {@code streamTypes}, which hold no drain and are not among the requests above
     */
    public record InFlight(long uploads, long requests, long holds, long streams) {

        /** Makes one without streams. */
        public InFlight(long uploads, long requests, long holds) {
            this(uploads, requests, holds, 0);
        }
    }

    /**
     * What has happened since the start.
     *
     * @param uploadsCompleted uploads that ended well
     * @param uploadsFailed uploads that were aborted or answered with an error
     * @param requestsCompleted other requests that ended, however they did
     * @param refused requests that were refused
     * @param uploadBytes body bytes of all uploads, those under way included
     */
    public record Totals(
            long uploadsCompleted, long uploadsFailed, long requestsCompleted, long refused, long uploadBytes) {}

    /**
     * A prober that asks for readiness regularly, or has asked for the first time a moment ago.
     *
     * @param remote its address; null if the container did not know it
     * @param name the name that it gave itself; null if it gave none
     * @param agent its {@code User-Agent}; null if it sent none
     * @param seenDown how many times in this drain it was told that the node is not ready
     */
    public record Prober(
            @Nullable String remote,
            @Nullable String name,
            @Nullable String agent,
            int seenDown) {}
}
