package io.tomcatdrain.valve;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import org.jspecify.annotations.Nullable;

/** Which threads wait for the stop that waits for them. */
final class StoppingThread {
    /**
     * A thread that calls System.exit is inside this class of the JDK's until the process ends, and waits there for the hooks that stop the
     * server.
     */
    private static final String EXIT = "java.lang.Shutdown";

    private StoppingThread() {}

    /**
     * Returns true for the calling thread, which is about to wait, and for one that has called {@code System.exit}: it never comes back.
     *
     * @param number the thread's
     * @param virtual the thread itself if it is a virtual one
     */
    static boolean isStuck(long number, @Nullable Thread virtual) {
        if (number == Thread.currentThread().getId()) {
            return true;
        }
        if (virtual != null) {
            return isExiting(virtual.getState(), virtual.getStackTrace());
        }
        ThreadInfo found = ManagementFactory.getThreadMXBean().getThreadInfo(number, Integer.MAX_VALUE);
        return found != null && isExiting(found.getThreadState(), found.getStackTrace());
    }

    /** Returns true for a virtual thread, by the group that all of them are in (JEP 444). */
    static boolean isVirtual(Thread thread) {
        ThreadGroup group = thread.getThreadGroup();
        return group != null && group.getName().equals("VirtualThreads");
    }

    private static boolean isExiting(Thread.State state, StackTraceElement[] stack) {
        if (state == Thread.State.RUNNABLE) {
            return false; // there it waits for a lock or for a hook
        }
        for (StackTraceElement frame : stack) {
            if (EXIT.equals(frame.getClassName())) {
                return true;
            }
        }
        return false;
    }
}
