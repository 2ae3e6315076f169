package io.tomcatdrain.sample.fleet;

import java.time.Duration;

/** The table of front ends: which server, from which directory of {@code examples/}, and what its nodes need. */
enum FrontEnd {
    MOD_JK(WebServer.HTTPD_MOD_JK, "httpd-mod_jk", Protocol.AJP, "", 4, Duration.ZERO),
    MOD_PROXY_HTTP(WebServer.HTTPD, "httpd-mod_proxy_http", Protocol.HTTP, "", 4, Duration.ZERO);

    /** What the front end speaks with the nodes. */
    private enum Protocol {
        HTTP,
        AJP
    }

    private final WebServer server;
    private final String example;
    private final Protocol protocol;
    private final String valveAttributes;
    private final int quickStops;
    private final Duration betweenNodes;

    /**
     * One row.
     *
     * @param valveAttributes what stands in the valve's line besides the token
     * @param quickStops how many stops the quick form makes
     * @param betweenNodes how long to wait after a node is used again, before the next one is stopped
     */
    FrontEnd(
            WebServer server,
            String example,
            Protocol protocol,
            String valveAttributes,
            int quickStops,
            Duration betweenNodes) {
        this.server = server;
        this.example = example;
        this.protocol = protocol;
        this.valveAttributes = valveAttributes;
        this.quickStops = quickStops;
        this.betweenNodes = betweenNodes;
    }

    WebServer server() {
        return server;
    }

    String example() {
        return example;
    }

    boolean usesAjp() {
        return protocol == Protocol.AJP;
    }

    String valveAttributes() {
        return valveAttributes;
    }

    int quickStops() {
        return quickStops;
    }

    Duration betweenNodes() {
        return betweenNodes;
    }
}
