package io.tomcatdrain.testkit.fleet;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What became of every request of the load. Thread-safe. */
public final class Tally {
    private final List<Outcome> uploads = new ArrayList<>();
    private final List<Outcome> lostGets = new ArrayList<>();
    private final Map<String, Long> latestUploadByNode = new HashMap<>();
    private int gets;
    private Duration slowestGet = Duration.ZERO;
    private String phase = "the fleet starts";

    /** Tells what happens to the fleet from now on. */
    public synchronized void phase(String now) {
        phase = now;
    }

    public synchronized String phase() {
        return phase;
    }

    synchronized void add(Outcome outcome) {
        if (outcome.kind() == Outcome.Kind.UPLOAD) {
            uploads.add(outcome);
            if (!outcome.lost()) {
                latestUploadByNode.merge(outcome.node(), outcome.beganNanos(), Math::max);
            }
        } else {
            gets++;
            slowestGet = slowestGet.compareTo(outcome.took()) < 0 ? outcome.took() : slowestGet;
            if (outcome.lost()) {
                lostGets.add(outcome);
            }
        }
        notifyAll();
    }

    /** Waits until the node has answered an upload that began at that time or later: others are then in flight on it. */
    public synchronized void awaitUploadBy(String node, long sinceNanos, Duration limit) {
        long deadlineNanos = System.nanoTime() + limit.toNanos();
        while (latestUploadByNode.getOrDefault(node, Long.MIN_VALUE) < sinceNanos) {
            long leftMillis = (deadlineNanos - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0) {
                throw new AssertionError("no upload was answered by " + node + " within " + limit);
            }
            try {
                wait(leftMillis);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Uploads that this node answered well between two times. */
    synchronized List<Outcome> answeredUploads(String node, long fromNanos, long toNanos) {
        return uploads.stream()
                .filter(upload -> !upload.lost() && upload.node().equals(node))
                .filter(upload -> upload.endedNanos() >= fromNanos && upload.endedNanos() <= toNanos)
                .toList();
    }

    /** Uploads that this node answered well and that were under way at that time. */
    synchronized List<Outcome> uploadsUnderWay(String node, long atNanos) {
        return uploads.stream()
                .filter(upload -> !upload.lost() && upload.node().equals(node))
                .filter(upload -> upload.beganNanos() <= atNanos && upload.endedNanos() >= atNanos)
                .toList();
    }

    /** How many uploads this node answered well of which at least a part fell between two times. */
    public synchronized int uploadsDuring(String node, long fromNanos, long toNanos) {
        return (int) uploads.stream()
                .filter(upload -> !upload.lost() && upload.node().equals(node))
                .filter(upload -> upload.beganNanos() <= toNanos && upload.endedNanos() >= fromNanos)
                .count();
    }

    public synchronized int uploads() {
        return uploads.size();
    }

    public synchronized List<Outcome> lostUploads() {
        return uploads.stream().filter(Outcome::lost).toList();
    }

    public synchronized int gets() {
        return gets;
    }

    public synchronized List<Outcome> lostGets() {
        return List.copyOf(lostGets);
    }

    public synchronized Duration slowestGet() {
        return slowestGet;
    }

    /** Returns the slowest GET so far, and begins to look for another. */
    public synchronized Duration takeSlowestGet() {
        var slowest = slowestGet;
        slowestGet = Duration.ZERO;
        return slowest;
    }
}
