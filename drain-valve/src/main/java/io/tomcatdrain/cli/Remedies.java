package io.tomcatdrain.cli;

import java.net.URI;

/** The lines to change, by front end. */
final class Remedies {
    static final String MOD_JK =
            "workers.properties, for each member of the balancer: worker.NAME.fail_on_status=-503 (and worker.NAME.retries=1)";

    static final String NGINX =
            "nginx.conf, in the location of the uploads: proxy_next_upstream error http_503 non_idempotent;";

    static final String STREAMING =
            "this front end sends an upload on while it arrives, and cannot repeat it. server.xml, in the Valve:"
                    + " closeListener=\"true\" openUploads=\"off\" and a controlPort (nginx can also buffer:"
                    + " proxy_request_buffering on; with proxy_next_upstream error http_503 non_idempotent;)";

    private Remedies() {}

    /** Returns how to let the front end ask a node whether it is ready. */
    static String probes(FrontEndKind frontEnd, URI node) {
        String path = node.getPath() + "/ready";
        String haproxy = "haproxy.cfg, in the backend: option httpchk GET " + path
                + "?prober=haproxy and on each server: check inter 1s fall 3 rise 2 port " + node.getPort();
        String modProxy = "httpd.conf, on each BalancerMember: hcmethod=GET hcuri=" + path
                + "?prober=httpd hcinterval=1 hcfails=3 hcpasses=2 (mod_proxy_ajp cannot ask: closeListener=\"true\" on the"
                + " Valve)";
        return switch (frontEnd) {
            case HAPROXY -> haproxy;
            case MOD_PROXY -> modProxy;
            case HTTPD -> "with mod_proxy_http, " + modProxy + "; with mod_jk, " + MOD_JK;
            case CADDY -> "Caddyfile, in reverse_proxy: health_uri " + path + " and health_interval 1s";
            default -> "a health check of " + path + " once a second, such as " + haproxy + "; or " + modProxy;
        };
    }

    /** Returns how to let the front end leave connections alone whose node is not ready. */
    static String cuts(FrontEndKind frontEnd) {
        String others = "no setting that closes connections to a node that is not ready"
                + " (connection draining or deregistration delay must be longer than an upload)";
        return switch (frontEnd) {
            case HAPROXY, UNKNOWN ->
                "haproxy.cfg, on the servers or in default-server: remove on-marked-down shutdown-sessions; elsewhere "
                        + others;
            default -> others;
        };
    }

    /** Returns how to let users with a session go to another node. */
    static String sticky(FrontEndKind frontEnd) {
        return switch (frontEnd) {
            case MOD_JK -> "workers.properties, for the balancer: worker.NAME.sticky_session_force=false";
            case MOD_PROXY, HTTPD ->
                "httpd.conf: ProxySet nofailover=Off for the balancer; with mod_jk worker.NAME.sticky_session_force=false";
            case HAPROXY -> "haproxy.cfg: option redispatch 1, and no force-persist";
            default -> "let the front end send a user to another node when that of the session is not ready";
        };
    }

    /** Returns which time must be longer. */
    static String longerTimeout(FrontEndKind frontEnd, String seconds) {
        String what = " (it is about " + seconds + " s now; let it be longer than the longest upload)";
        return switch (frontEnd) {
            case MOD_JK, MOD_PROXY, HTTPD ->
                "httpd.conf: RequestReadTimeout body=0 (mod_reqtimeout), Timeout, ProxyTimeout; mod_jk: reply_timeout"
                        + what;
            case NGINX -> "nginx.conf: client_body_timeout, proxy_send_timeout and proxy_read_timeout" + what;
            case HAPROXY -> "haproxy.cfg: timeout client, timeout server and timeout http-request" + what;
            case CADDY -> "Caddyfile: servers { timeouts { read_body } } and transport http { read_timeout }" + what;
            case LIGHTTPD -> "lighttpd.conf: server.max-read-idle and proxy timeouts" + what;
            case UNKNOWN -> "a time-out of the front end" + what;
        };
    }

    /** Returns what brings a node back into use. */
    static String usedAgain(FrontEndKind frontEnd) {
        return switch (frontEnd) {
            case MOD_JK -> "workers.properties: worker.maintain=1 and worker.NAME.recover_time=3";
            case MOD_PROXY, HTTPD -> "httpd.conf, on each BalancerMember: retry=1, and hcpasses=2 with hcinterval=1";
            case NGINX -> "nginx.conf, on each server of the upstream: max_fails=0, or a shorter fail_timeout";
            case HAPROXY -> "haproxy.cfg, on the servers: rise 2 with inter 1s";
            default -> "the front end's own time after which it tries a node again";
        };
    }
}
