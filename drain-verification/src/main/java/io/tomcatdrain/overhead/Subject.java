package io.tomcatdrain.overhead;

import io.tomcatdrain.valve.DrainValve;
import java.nio.file.Path;
import org.apache.catalina.Valve;
import org.apache.catalina.valves.AccessLogValve;
import org.apache.catalina.valves.StuckThreadDetectionValve;
import org.jspecify.annotations.Nullable;

/** What a server of the comparison has in its engine. */
public enum Subject {
    /** Nothing; what all others are compared with. */
    NO_VALVE,
    /** Nothing again: what this shows beside the first is the error of the measurement. */
    NO_VALVE_AGAIN,
    DRAIN_VALVE,
    STUCK_THREAD_DETECTION_VALVE,
    ACCESS_LOG_VALVE;

    /** Returns the valve as its users have it. */
    @Nullable Valve newValve(Path directory) {
        return switch (this) {
            case NO_VALVE, NO_VALVE_AGAIN -> null;
            case DRAIN_VALVE -> new DrainValve();
            case STUCK_THREAD_DETECTION_VALVE -> new StuckThreadDetectionValve();
            case ACCESS_LOG_VALVE -> {
                AccessLogValve log = new AccessLogValve();
                log.setDirectory(directory.toString());
                log.setPattern("common");
                yield log;
            }
        };
    }
}
