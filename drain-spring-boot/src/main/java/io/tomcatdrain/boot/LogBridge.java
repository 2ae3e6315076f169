package io.tomcatdrain.boot;

import java.util.Arrays;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Logger;

/**
 * Keeps the way from java.util.logging to the application's log open during a stop. The JVM takes all handlers away as soon as SIGTERM comes,
 * and what drain and Tomcat have to say is said after that. Thread-safe.
 */
final class LogBridge {
    private static final Logger ROOT = Logger.getLogger("");

    /** Those of the JVM itself are closed for good. */
    private final List<Handler> bridges = Arrays.stream(ROOT.getHandlers())
            .filter(handler -> !handler.getClass().getName().startsWith("java."))
            .toList();

    /** Puts back what is missing of the bridges that were there when this was made. */
    synchronized void restore() {
        List<Handler> there = List.of(ROOT.getHandlers());
        for (Handler bridge : bridges) {
            if (!there.contains(bridge)) {
                ROOT.addHandler(bridge);
            }
        }
    }
}
