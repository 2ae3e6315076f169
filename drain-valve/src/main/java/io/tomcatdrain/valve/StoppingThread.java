package io.tomcatdrain.valve;

/** Which threads wait for the stop that waits for them. */
final class StoppingThread {
    /**
     * A thread that calls System.exit is inside this class of the JDK's until the process ends, and waits there for the hooks that stop the
     * server.
     */
    private static final String EXIT = "java.lang.Shutdown";

    private StoppingThread() {}

    /** Returns true for the calling thread, which is about to wait, and for one that has called {@code System.exit}: it never comes back. */
    static boolean isStuck(Thread thread) {
        return thread == Thread.currentThread() || isExiting(thread);
    }

    private static boolean isExiting(Thread thread) {
        if (thread.getState() == Thread.State.RUNNABLE) {
            return false; // there it waits for a lock or for a hook
        }
        for (StackTraceElement frame : thread.getStackTrace()) {
            if (EXIT.equals(frame.getClassName())) {
                return true;
            }
        }
        return false;
    }
}
