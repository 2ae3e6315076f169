package io.tomcatdrain.valve;

/**
 * Keeps Tomcat's log open until the server has stopped, although the JVM shuts down meanwhile.
 *
 * <p>{@code Catalina.stop} hands the closing of the log to a JVM hook of its own, which runs at once when SIGTERM follows the shutdown
 * port, and everything that the drain says from then on is lost. Embedded Tomcat has no log manager of its own; there is nothing to do
 * then.
 */
final class JuliShutdown {
    private JuliShutdown() {}

    /** Lets the JVM's hook close the log, or not; returns false if there is no such hook or it did not before. */
    static boolean closeByHook(boolean close) {
        TomcatInternals tomcat = TomcatInternals.get();
        if (!tomcat.canKeepLog() || tomcat.isLogClosedByHook() == close) {
            return false;
        }
        tomcat.closeLogByHook(close);
        return true;
    }

    /** Returns true if the log stays open until the server has stopped: it is Tomcat's, and its own hook will not close it. */
    static boolean isLogKept() {
        TomcatInternals tomcat = TomcatInternals.get();
        return tomcat.canKeepLog() && !tomcat.isLogClosedByHook();
    }

    /** Closes the log now. */
    static void close() {
        TomcatInternals.get().closeLog();
    }
}
