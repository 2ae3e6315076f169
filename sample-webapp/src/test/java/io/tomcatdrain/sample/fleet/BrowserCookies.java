package io.tomcatdrain.sample.fleet;

import java.net.CookieHandler;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The cookies of one site, as browsers keep them. The JDK's own puts quotation marks around the value of a cookie that has a {@code
 * Max-Age}, which servers take for a part of it. Thread-safe.
 */
final class BrowserCookies extends CookieHandler {
    /** A value, and until when it counts, by {@link System#nanoTime()}. */
    private record Kept(String value, long untilNanos) {}

    private final Map<String, Kept> cookies = new HashMap<>();

    @Override
    public synchronized Map<String, List<String>> get(URI address, Map<String, List<String>> requestHeaders) {
        cookies.values().removeIf(cookie -> cookie.untilNanos() - System.nanoTime() <= 0);
        if (cookies.isEmpty()) {
            return Map.of();
        }
        var line = new StringBuilder();
        cookies.forEach((name, cookie) ->
                line.append(line.isEmpty() ? "" : "; ").append(name).append('=').append(cookie.value()));
        return Map.of("Cookie", List.of(line.toString()));
    }

    @Override
    public synchronized void put(URI address, Map<String, List<String>> responseHeaders) {
        responseHeaders.forEach((name, values) -> {
            if (name != null && name.equalsIgnoreCase("Set-Cookie")) {
                values.forEach(this::keep);
            }
        });
    }

    private void keep(String setCookie) {
        var parts = setCookie.split(";");
        long seconds = TimeUnit.DAYS.toSeconds(1);
        for (int i = 1; i < parts.length; i++) {
            var attribute = parts[i].trim().toLowerCase(Locale.ROOT);
            if (attribute.startsWith("max-age=")) {
                seconds = Long.parseLong(attribute.substring("max-age=".length()));
            }
        }
        var pair = parts[0].split("=", 2);
        cookies.put(pair[0].trim(), new Kept(pair[1].trim(), System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds)));
    }
}
