package io.tomcatdrain.sample;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import org.apache.juli.ClassLoaderLogManager;
import org.apache.juli.OneLineFormatter;
import org.jspecify.annotations.Nullable;

/**
 * Logging that lasts until the last line of a stop. The JDK's own log manager closes its handlers as soon as the JVM
 * begins to shut down, and would swallow all that the valve says about a drain on SIGTERM.
 */
final class Logs {
    /** Held, since the log manager itself would let the logger go, and its level with it. */
    private static @Nullable Logger drain;

    private Logs() {}

    /** Must run before anything logs. */
    static void install() {
        System.setProperty("java.util.logging.manager", ClassLoaderLogManager.class.getName());
        // Else Tomcat's logs come in two lines each.
        System.setProperty("org.apache.juli.formatter", OneLineFormatter.class.getName());
        if (LogManager.getLogManager() instanceof ClassLoaderLogManager manager) {
            manager.setUseShutdownHook(false);
        }
    }

    /** Makes {@code handler} the only one, for the drain's own lines from INFO on and for others from {@code level} on. */
    static void sendTo(Handler handler, Level level) {
        Logger root = Logger.getLogger("");
        for (Handler other : root.getHandlers()) {
            root.removeHandler(other);
        }
        root.setLevel(level);
        root.addHandler(handler);
        drain = Logger.getLogger("io.tomcatdrain");
        drain.setLevel(Level.INFO);
    }
}
