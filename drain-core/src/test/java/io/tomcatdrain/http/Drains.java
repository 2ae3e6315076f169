package io.tomcatdrain.http;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import java.util.HashMap;
import java.util.Map;

/** Makes drains that skip the lame duck and have a token. */
final class Drains {
    static final String TOKEN = "a-token-of-22-letters!";

    private Drains() {}

    static NodeDrain make(String... more) {
        Map<String, String> settings = new HashMap<>(Map.of("token", TOKEN, "lameDuck", "off"));
        for (int i = 0; i < more.length; i += 2) {
            settings.put(more[i], more[i + 1]);
        }
        return new NodeDrain("endpoints", DrainSettings.of(settings));
    }
}
