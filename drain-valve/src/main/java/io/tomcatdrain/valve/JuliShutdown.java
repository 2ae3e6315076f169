package io.tomcatdrain.valve;

import java.lang.reflect.InvocationTargetException;
import java.util.logging.LogManager;

/**
 * Keeps Tomcat's log open until the server has stopped, although the JVM shuts down meanwhile.
 *
 * <p>{@code Catalina.stop} hands the closing of the log to a JVM hook of its own, which runs at once when SIGTERM follows the shutdown
 * port, and everything that the drain says from then on is lost. Works by reflection, since Tomcat's log manager is not part of
 * embedded Tomcat; without it there is nothing to do.
 */
final class JuliShutdown {
    private static final String LOG_MANAGER = "org.apache.juli.ClassLoaderLogManager";

    private JuliShutdown() {}

    /** Lets the JVM's hook close the log, or not; returns false if there is no such hook or it did not before. */
    static boolean closeByHook(boolean close) {
        LogManager manager = LogManager.getLogManager();
        try {
            if (!isJuli(manager)
                    || close
                            == (boolean) manager.getClass()
                                    .getMethod("isUseShutdownHook")
                                    .invoke(manager)) {
                return false;
            }
            manager.getClass().getMethod("setUseShutdownHook", boolean.class).invoke(manager, close);
            return true;
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException otherTomcat) {
            return false;
        }
    }

    /** Closes the log now. */
    static void close() {
        LogManager manager = LogManager.getLogManager();
        try {
            if (isJuli(manager)) {
                manager.getClass().getMethod("shutdown").invoke(manager);
            }
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException otherTomcat) {
            // It stays open, and the process ends.
        }
    }

    private static boolean isJuli(LogManager manager) {
        for (Class<?> type = manager.getClass(); type != null; type = type.getSuperclass()) {
            if (type.getName().equals(LOG_MANAGER)) {
                return true;
            }
        }
        return false;
    }
}
