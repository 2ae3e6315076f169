package io.tomcatdrain.scale;

/** How the servlet of a node reads. */
enum Mode {
    /** Each upload has a thread, a virtual one where the JDK has them. */
    BLOCKING,
    /** None has one: Tomcat calls when bytes have come. */
    NON_BLOCKING;

    /** Returns true if this JVM has virtual threads. */
    boolean hasVirtualThreads() {
        return Runtime.version().feature() >= 21;
    }
}
