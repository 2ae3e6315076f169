package io.tomcatdrain.cli;

import io.tomcatdrain.DrainSettings;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Which server stands before the nodes, as far as its answers or the administrator tell. */
enum FrontEndKind {
    MOD_JK("mod_jk"),
    MOD_PROXY("mod_proxy"),
    HTTPD("httpd"),
    NGINX("nginx"),
    HAPROXY("haproxy"),
    CADDY("caddy"),
    LIGHTTPD("lighttpd"),
    UNKNOWN("unknown");

    private final String title;

    FrontEndKind(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }

    /**
     * Returns the one of that name.
     *
     * @throws IllegalArgumentException if there is none
     */
    static FrontEndKind named(String name) {
        return Arrays.stream(values())
                .filter(kind -> kind.title.equals(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException(
                                "there is no front end ["
                                        + DrainSettings.quotable(name)
                                        + "]; there are mod_jk, mod_proxy, nginx, haproxy, caddy and lighttpd, and unknown for any other"));
    }

    /**
     * Guesses from what the site and its nodes say.
     *
     * @param server the header {@code Server} of the site's answers; null if there is none, as of HAProxy
     * @param modJk true if a node has seen mod_jk since its start, though perhaps not before this site
     * @param probers who asks the nodes for readiness
     */
    static FrontEndKind guessed(@Nullable String server, boolean modJk, Iterable<String> probers) {
        String header = server == null ? "" : server.toLowerCase(Locale.ROOT);
        for (FrontEndKind kind : new FrontEndKind[] {NGINX, CADDY, LIGHTTPD}) {
            if (header.startsWith(kind.title)) {
                return kind;
            }
        }
        for (String prober : probers) {
            if (prober.contains("haproxy")) {
                return HAPROXY;
            }
            if (prober.contains("httpd")) {
                return MOD_PROXY;
            }
        }
        boolean httpd = header.startsWith("apache") && !header.startsWith("apache-coyote");
        if (modJk && (httpd || header.startsWith("microsoft-iis"))) {
            return MOD_JK;
        }
        return httpd ? HTTPD : UNKNOWN;
    }
}
