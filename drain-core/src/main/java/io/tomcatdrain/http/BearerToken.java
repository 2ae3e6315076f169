package io.tomcatdrain.http;

import io.tomcatdrain.DrainSettings;
import org.jspecify.annotations.Nullable;

/** Finds the token of the control endpoints in a request. */
final class BearerToken {
    private static final String SCHEME = "Bearer ";

    private BearerToken() {}

    /** Returns true if the value of an {@code Authorization} header carries the token of these settings. */
    static boolean isIn(@Nullable String authorization, DrainSettings settings) {
        return authorization != null
                && authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                && settings.isToken(authorization.substring(SCHEME.length()).strip());
    }
}
