package io.tomcatdrain.sample.fleet;

import java.time.Duration;

/**
 * The table of front ends: which server, from which directory of {@code examples/}, and what the nodes need for it.
 */
enum FrontEnd {
    MOD_JK(WebServer.HTTPD_MOD_JK, "httpd-mod_jk", Protocol.AJP, "", Duration.ZERO),
    MOD_PROXY_HTTP(WebServer.HTTPD, "httpd-mod_proxy_http", Protocol.HTTP, "", Duration.ZERO);

    /** What the front end speaks with the nodes. */
    private enum Protocol {
        HTTP,
        AJP
    }

    private final WebServer server;
    private final String example;
    private final Protocol protocol;
    private final String valveAttributes;
    private final Duration betweenNodes;

    /**
     * One row.
     *
     * @param valveAttributes what stands in the valve's line besides the token
     * @param betweenNodes how long to wait after a node is used again, before the next one is stopped
     */
    FrontEnd(WebServer server, String example, Protocol protocol, String valveAttributes, Duration betweenNodes) {
        this.server = server;
        this.example = example;
        this.protocol = protocol;
        this.valveAttributes = valveAttributes;
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

    Duration betweenNodes() {
        return betweenNodes;
    }
}
