package io.tomcatdrain.sample.web;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** The name by which this server tells clients who answered. */
final class Node {
    /** System property {@code node}, else {@code jvmRoute} (Tomcat's own), else the host's name. */
    static final String NAME = name();

    private Node() {}

    private static String name() {
        for (String property : new String[] {"node", "jvmRoute"}) {
            String value = System.getProperty(property, "");
            if (!value.isBlank()) {
                return value;
            }
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
