package io.tomcatdrain.explore;

import java.util.Map;

/** A few threads that meet, made anew for each of their interleavings. */
public interface Scenario {

    /** Returns the threads by name, in the order in which they run when nobody interrupts them. */
    Map<String, Runnable> threads();

    /** Returns the time by which those who parked for a while wake up. */
    long nanos();

    /** Lets time pass when no thread can go on; returns false if that is the end. */
    boolean passTime();

    /**
     * Called at the end.
     *
     * @param parked how many threads are left that wait to be woken
     * @return what is wrong; empty if nothing is
     */
    String judge(int parked);
}
