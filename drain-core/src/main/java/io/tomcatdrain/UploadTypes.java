package io.tomcatdrain;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The media types that make a request an upload. Immutable and thread-safe.
 *
 * @since 1.0
 */
public final class UploadTypes {
    private static final Pattern MEDIA_RANGE = Pattern.compile("[A-Za-z0-9!#$&^_.+-]+/(\\*|[A-Za-z0-9!#$&^_.+-]+)");

    /** {@code type/} for a wildcard, else {@code type/subtype}; lower case. */
    private final List<String> prefixes;

    private UploadTypes(List<String> prefixes) {
        this.prefixes = List.copyOf(prefixes);
    }

    static UploadTypes parse(String text) {
        List<String> prefixes = new ArrayList<>();
        for (String range : text.split(",", -1)) {
            String trimmed = range.trim();
            if (!MEDIA_RANGE.matcher(trimmed).matches()) {
                throw new IllegalArgumentException("[" + LogText.bounded(trimmed)
                        + "] is no media type; a comma-separated list of type/subtype or type/* is needed, for example"
                        + " [multipart/*,application/octet-stream]");
            }
            String lower = trimmed.toLowerCase(Locale.ROOT);
            prefixes.add(lower.endsWith("/*") ? lower.substring(0, lower.length() - 1) : lower);
        }
        return new UploadTypes(prefixes);
    }

    /**
     * Returns what a content type must begin with, without regard to case, to be an upload's. An entry that does not end with a
     * slash must moreover be followed by the end, a semicolon or white space.
     */
    public List<String> prefixes() {
        return prefixes;
    }

    /** Returns true if a request with that content type is an upload; null is none. */
    public boolean matches(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        for (int i = 0; i < prefixes.size(); i++) { // without an iterator: every request with a body passes here
            if (isOf(contentType, prefixes.get(i))) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns true if a content type is of that media type, whatever its case and parameters; null is of none.
     *
     * @param mediaType {@code type/subtype}, or {@code type/} for all of that type
     */
    public static boolean isOf(@Nullable String contentType, String mediaType) {
        int length = mediaType.length();
        return contentType != null
                && contentType.regionMatches(true, 0, mediaType, 0, length)
                && (mediaType.endsWith("/")
                        || contentType.length() == length
                        || endsMediaType(contentType.charAt(length)));
    }

    /** Returns true if a media type ends before that character (RFC 9110, section 8.3.1). */
    public static boolean endsMediaType(int character) {
        return character == ';' || character == ' ' || character == '\t' || character == ',';
    }
}
