package io.tomcatdrain.testkit.fleet;

import java.time.Duration;

/** The table of front ends: which server, from which directory of {@code examples/}, and what its nodes need. */
public enum FrontEnd {
    MOD_JK(WebServer.HTTPD_MOD_JK, "httpd-mod_jk", Protocol.AJP, 2),
    MOD_PROXY_HTTP(WebServer.HTTPD, "httpd-mod_proxy_http", Protocol.HTTP, 1),
    MOD_JK_CLOSE_LISTENER(WebServer.HTTPD_MOD_JK, "httpd-mod_jk-close-listener", Protocol.AJP, 1),
    MOD_PROXY_HTTP_CLOSE_LISTENER(WebServer.HTTPD, "httpd-mod_proxy_http-close-listener", Protocol.HTTP, 1),
    MOD_PROXY_AJP(WebServer.HTTPD, "httpd-mod_proxy_ajp", Protocol.AJP, 1),
    NGINX_BUFFERING(WebServer.NGINX, "nginx-buffering", Protocol.HTTP, 1),
    NGINX_STREAMING(WebServer.NGINX, "nginx-streaming", Protocol.HTTP, 1),
    HAPROXY(WebServer.HAPROXY, "haproxy", Protocol.HTTP, 1),
    CADDY(WebServer.CADDY, "caddy", Protocol.HTTP, 1),
    LIGHTTPD(WebServer.LIGHTTPD, "lighttpd", Protocol.HTTP, 1);

    /** What the front end speaks with the nodes. */
    private enum Protocol {
        HTTP,
        AJP
    }

    private final WebServer server;
    private final String example;
    private final Protocol protocol;
    private final int quickStops;

    /** One row; the quick form of the test makes so many stops. */
    FrontEnd(WebServer server, String example, Protocol protocol, int quickStops) {
        this.server = server;
        this.example = example;
        this.protocol = protocol;
        this.quickStops = quickStops;
    }

    public WebServer server() {
        return server;
    }

    String example() {
        return example;
    }

    public boolean usesAjp() {
        return protocol == Protocol.AJP;
    }

    /** Whether a node sees an upload only when the front end has all of it, and then for milliseconds. */
    public boolean keepsUploadsToItself() {
        return this == NGINX_BUFFERING;
    }

    public int quickStops() {
        return quickStops;
    }

    /** What the valve's line has besides the token: some front ends learn of a drain only by failing to connect. */
    public String valveAttributes() {
        return switch (this) {
            case MOD_JK, MOD_PROXY_HTTP, NGINX_BUFFERING, HAPROXY -> "";
            case CADDY -> "probeFailures=\"1\"";
            case MOD_JK_CLOSE_LISTENER, MOD_PROXY_HTTP_CLOSE_LISTENER, MOD_PROXY_AJP, NGINX_STREAMING, LIGHTTPD ->
                "closeListener=\"true\" openUploads=\"off\"";
        };
    }

    /** How long to wait after a node is ready, before the next one is stopped, as the example's README says. */
    public Duration betweenNodes() {
        return switch (this) {
            case MOD_JK, MOD_JK_CLOSE_LISTENER -> Duration.ofSeconds(5);
            case MOD_PROXY_HTTP, HAPROXY -> Duration.ofSeconds(3);
            case MOD_PROXY_HTTP_CLOSE_LISTENER, MOD_PROXY_AJP, CADDY, LIGHTTPD -> Duration.ofSeconds(2);
            case NGINX_BUFFERING, NGINX_STREAMING -> Duration.ZERO;
        };
    }
}
