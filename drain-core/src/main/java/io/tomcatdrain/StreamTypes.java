package io.tomcatdrain;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which async answers hold no drain, since they have no end of their own: recognised by the answer's media type, or by the request's path.
 * Immutable and thread-safe.
 */
final class StreamTypes {
    private static final Pattern PATH = Pattern.compile("/[^\\s,*?#]*(?<=/)\\*|/[^\\s,*?#]*");

    private final @Nullable UploadTypes types;

    /** Whole paths. */
    private final List<String> paths;

    /** What paths begin with, the slash included. */
    private final List<String> prefixes;

    private StreamTypes(@Nullable UploadTypes types, List<String> paths, List<String> prefixes) {
        this.types = types;
        this.paths = List.copyOf(paths);
        this.prefixes = List.copyOf(prefixes);
    }

    static StreamTypes parse(String text) {
        List<String> types = new ArrayList<>();
        List<String> paths = new ArrayList<>();
        List<String> prefixes = new ArrayList<>();
        for (String entry : text.split(",", -1)) {
            String trimmed = entry.trim();
            if (!trimmed.startsWith("/")) {
                types.add(trimmed);
            } else if (!PATH.matcher(trimmed).matches()) {
                throw new IllegalArgumentException(
                        "[" + LogText.bounded(trimmed)
                                + "] is no path; it begins with the context path, and may end with /*, as in [/shop/poll] or [/shop/events/*]");
            } else if (trimmed.endsWith("/*")) {
                prefixes.add(trimmed.substring(0, trimmed.length() - 1));
            } else {
                paths.add(trimmed);
            }
        }
        return new StreamTypes(types.isEmpty() ? null : UploadTypes.parse(String.join(",", types)), paths, prefixes);
    }

    /**
     * Returns true for an answer that holds no drain.
     *
     * @param contentType the answer's; null if it has none yet
     * @param path the request's, decoded and without its query; null if unknown
     */
    boolean match(@Nullable String contentType, @Nullable String path) {
        return (types != null && types.matches(contentType)) || (path != null && matches(path));
    }

    private boolean matches(String path) {
        for (String prefix : prefixes) {
            // "/events/*" means "/events" too, as in a servlet mapping.
            if (path.startsWith(prefix) || (path.length() == prefix.length() - 1 && prefix.startsWith(path))) {
                return true;
            }
        }
        return paths.contains(path);
    }
}
