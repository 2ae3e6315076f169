package io.tomcatdrain.jmx;

import io.tomcatdrain.DrainReport;
import java.util.List;
import javax.management.ConstructorParameters;

/**
 * How a drain ended, as JMX shows it: a {@link DrainReport} in a form that MXBeans of Java 17 can map. Immutable.
 *
 * @since 1.0
 */
public final class ReportInfo {
    private final String outcome;
    private final String reason;
    private final long lameDuckMillis;
    private final long drainMillis;
    private final long finished;
    private final long failed;
    private final long refused;
    private final List<UploadInfo> abandoned;

    /** Called by proxies of {@link DrainMXBean}. */
    @ConstructorParameters({
        "outcome",
        "reason",
        "lameDuckMillis",
        "drainMillis",
        "finished",
        "failed",
        "refused",
        "abandoned"
    })
    public ReportInfo(
            String outcome,
            String reason,
            long lameDuckMillis,
            long drainMillis,
            long finished,
            long failed,
            long refused,
            List<UploadInfo> abandoned) {
        this.outcome = outcome;
        this.reason = reason;
        this.lameDuckMillis = lameDuckMillis;
        this.drainMillis = drainMillis;
        this.finished = finished;
        this.failed = failed;
        this.refused = refused;
        this.abandoned = List.copyOf(abandoned);
    }

    static ReportInfo of(DrainReport report) {
        return new ReportInfo(
                report.outcome().name(),
                report.reason(),
                report.lameDuckMillis(),
                report.drainMillis(),
                report.finished(),
                report.failed(),
                report.refused(),
                report.abandoned().stream().map(UploadInfo::of).toList());
    }

    /** Returns DRAINED, EXPIRED or RESUMED. */
    public String getOutcome() {
        return outcome;
    }

    /** Returns why the drain was started. */
    public String getReason() {
        return reason;
    }

    /** Returns how long the lame duck took, in which the node still served every request. */
    public long getLameDuckMillis() {
        return lameDuckMillis;
    }

    /** Returns how long the drain took. */
    public long getDrainMillis() {
        return drainMillis;
    }

    /** Returns how many requests and uploads ended meanwhile. */
    public long getFinished() {
        return finished;
    }

    /** Returns how many uploads were aborted or answered with an error while the node was leaving. */
    public long getFailed() {
        return failed;
    }

    /** Returns how many were refused meanwhile. */
    public long getRefused() {
        return refused;
    }

    /** Returns the uploads that were given up, as they stood. */
    public List<UploadInfo> getAbandoned() {
        return abandoned;
    }
}
