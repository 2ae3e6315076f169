package io.tomcatdrain.overhead;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;

/** Processor time and allocation of threads. Work that others do for them, such as compiling and collecting, is not in it. */
record Cost(double cpuNanos, double bytes) {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Returns what those threads have cost so far. */
    static Cost of(List<Long> threadIds) {
        long cpu = 0;
        long bytes = 0;
        for (long id : threadIds) {
            bytes += THREADS.getThreadAllocatedBytes(id);
            cpu += THREADS.getThreadCpuTime(id);
        }
        return new Cost(cpu, bytes);
    }

    Cost minus(Cost earlier) {
        return new Cost(cpuNanos - earlier.cpuNanos, bytes - earlier.bytes);
    }

    Cost over(int requests) {
        return new Cost(cpuNanos / requests, bytes / requests);
    }
}
