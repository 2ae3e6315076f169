package io.tomcatdrain.jmx;

import io.tomcatdrain.ActiveUpload;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainSettings;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers for JMX from a drain. Thread-safe; keeps nothing of its own. */
final class DrainView implements DrainMXBean {
    private static final String REASON = "JMX";

    private final Drain drain;

    DrainView(Drain drain) {
        this.drain = drain;
    }

    @Override
    public String getState() {
        return drain.state().name();
    }

    @Override
    public boolean isReady() {
        return drain.isReady();
    }

    @Override
    public @Nullable String getReason() {
        return drain.summary().reason();
    }

    @Override
    public long getInFlightUploads() {
        return drain.summary().inFlight().uploads();
    }

    @Override
    public long getInFlightRequests() {
        return drain.summary().inFlight().requests();
    }

    @Override
    public long getHolds() {
        return drain.summary().inFlight().holds();
    }

    @Override
    public long getInFlightStreams() {
        return drain.summary().inFlight().streams();
    }

    @Override
    public long getUploadsCompleted() {
        return drain.summary().totals().uploadsCompleted();
    }

    @Override
    public long getUploadsFailed() {
        return drain.summary().totals().uploadsFailed();
    }

    @Override
    public long getRequestsCompleted() {
        return drain.summary().totals().requestsCompleted();
    }

    @Override
    public long getRefused() {
        return drain.summary().totals().refused();
    }

    @Override
    public long getUploadBytes() {
        return drain.summary().totals().uploadBytes();
    }

    @Override
    public long getDrainingMillis() {
        return drain.summary().drainingMillis();
    }

    @Override
    public long getLameDuckMillis() {
        return drain.summary().lameDuckMillis();
    }

    @Override
    public long getRemainingMillis() {
        return drain.summary().remainingMillis();
    }

    @Override
    public long getLameDuckRemainingMillis() {
        return drain.summary().lameDuckRemainingMillis();
    }

    @Override
    public long getResumeMillis() {
        return drain.summary().resumeMillis();
    }

    @Override
    public long getEtaMillis() {
        return drain.status().etaMillis();
    }

    @Override
    public Map<Long, UploadInfo> getActiveUploads() {
        return byId(drain.status().uploads());
    }

    private static Map<Long, UploadInfo> byId(List<ActiveUpload> uploads) {
        Map<Long, UploadInfo> byId = new LinkedHashMap<>();
        for (ActiveUpload upload : uploads) {
            byId.put(upload.id(), UploadInfo.of(upload));
        }
        return byId;
    }

    @Override
    public long getOpenUploadCount() {
        return drain.status().openUploads().size();
    }

    @Override
    public Map<Long, UploadInfo> getOpenUploads() {
        return byId(drain.status().openUploads());
    }

    @Override
    public List<DrainMXBean.ProberInfo> getProbers() {
        return drain.summary().probers().stream()
                .map(DrainMXBean.ProberInfo::of)
                .toList();
    }

    @Override
    public @Nullable ReportInfo getReport() {
        DrainReport report = drain.summary().report();
        return report == null ? null : ReportInfo.of(report);
    }

    @Override
    public void drain() {
        var unused = drain.start(REASON);
    }

    @Override
    public void drain(@Nullable String reason, @Nullable String timeout) {
        drain(reason, timeout, null);
    }

    @Override
    public void drain(@Nullable String reason, @Nullable String timeout, @Nullable String resumeAfter) {
        Duration undone = duration("resumeAfter", resumeAfter, "to resume by a command only");
        if (undone != null && undone.isZero()) {
            throw new IllegalArgumentException(
                    "resumeAfter [" + resumeAfter + "]: more than zero is needed; use resume() to resume");
        }
        DrainLimits limits =
                new DrainLimits(duration("timeout", timeout, "to wait as long as the settings allow"), undone);
        var unused = drain.start(reason == null || reason.isBlank() ? REASON : reason, limits);
    }

    private static @Nullable Duration duration(String name, @Nullable String text, String whatEmptyIsFor) {
        if (text == null || text.isBlank()) {
            return null;
        }
        try {
            return DrainSettings.parseDuration(text.strip());
        } catch (IllegalArgumentException bad) {
            // Without a cause: the caller is in another process.
            throw new IllegalArgumentException(name + " [" + DrainSettings.quotable(text) + "]: " + bad.getMessage()
                    + "; leave it empty " + whatEmptyIsFor);
        }
    }

    @Override
    public void resume() {
        drain.resume();
    }

    @Override
    public boolean awaitDrained(long millis) throws InterruptedException {
        return drain.awaitDrained(Duration.ofMillis(millis));
    }
}
