package io.tomcatdrain.filter;

import jakarta.servlet.ServletContext;
import org.jspecify.annotations.Nullable;

/** What a web application and its drain are called. */
final class Names {
    /** The attribute in which Tomcat gives a web application the version that follows {@code ##} in its name. */
    private static final String TOMCAT_VERSION = "org.apache.catalina.webappVersion";

    private Names() {}

    /**
     * Returns the drain's name: server, context path, and version where there are several, for example {@code
     * Catalina/localhost/shop##2}.
     */
    static String ofDrain(ServletContext context) {
        String server = context.getVirtualServerName();
        return (server == null ? "" : server) + ofContext(context);
    }

    /** Returns the context path and version, as Tomcat writes them in names. */
    static String ofContext(ServletContext context) {
        String path = context.getContextPath();
        return (path.isEmpty() ? "/" : path) + version(context.getAttribute(TOMCAT_VERSION));
    }

    private static String version(@Nullable Object version) {
        return version == null || version.toString().isEmpty() ? "" : "##" + version;
    }
}
