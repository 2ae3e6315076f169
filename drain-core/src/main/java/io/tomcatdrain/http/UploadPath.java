package io.tomcatdrain.http;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Paths in the one form in which they are compared: absolute, decoded, without parameters, empty segments, dots and a slash at the end.
 * Never throws, whatever a client or an application writes.
 */
final class UploadPath {
    private static final int LONGEST = 8192;

    private UploadPath() {}

    /**
     * Returns the canonical path of a reference.
     *
     * @param reference a URL, absolute or relative, or its path
     * @param base the canonical path that a relative one is relative to
     * @return null if it is longer than any server takes
     */
    static @Nullable String of(String reference, String base) {
        if (reference.length() > LONGEST) {
            return null;
        }
        String path = pathOf(reference);
        List<String> segments = new ArrayList<>();
        if (!path.startsWith("/")) {
            segments.addAll(segments(base));
            if (!segments.isEmpty()) {
                segments.remove(segments.size() - 1);
            }
        }
        for (String raw : path.split("/", -1)) {
            int parameters = raw.indexOf(';');
            String segment = decode(parameters < 0 ? raw : raw.substring(0, parameters));
            if (segment.equals("..")) {
                if (!segments.isEmpty()) {
                    segments.remove(segments.size() - 1);
                }
            } else if (!segment.isEmpty() && !segment.equals(".")) {
                segments.add(segment);
            }
        }
        return "/" + String.join("/", segments);
    }

    /** Cuts scheme, authority, query and fragment. */
    private static String pathOf(String reference) {
        String rest = withoutQuery(reference);
        int authority = rest.indexOf("//");
        boolean hasScheme = authority > 0 && rest.charAt(authority - 1) == ':' && rest.indexOf('/') == authority;
        if (authority != 0 && !hasScheme) {
            return rest;
        }
        int path = rest.indexOf('/', authority + 2);
        return path < 0 ? "/" : rest.substring(path);
    }

    private static String withoutQuery(String reference) {
        int end = reference.length();
        for (char c : new char[] {'#', '?'}) {
            int at = reference.indexOf(c);
            end = at < 0 ? end : Math.min(end, at);
        }
        return reference.substring(0, end);
    }

    /**
     * Returns what an upload may be called whose {@code Location} that is, the likeliest first: the application may have written the path as
     * it is seen outside, before a front end has taken a prefix away or has put one before it.
     *
     * @param location as the answer has it
     * @param path the canonical path of the request
     */
    static Set<String> ofLocation(String location, String path) {
        Set<String> names = new LinkedHashSet<>();
        String at = of(location, path);
        if (at == null) {
            return names;
        }
        if (at.equals(path)) {
            int query = location.indexOf('?');
            if (query >= 0) {
                int fragment = location.indexOf('#', query);
                names.add(path + location.substring(query, fragment < 0 ? location.length() : fragment));
            }
            return names; // nothing tells it from a new one otherwise
        }
        names.add(at);
        int last = at.lastIndexOf('/');
        int inner = at.indexOf(path + '/');
        if (inner > 0) {
            names.add(at.substring(inner));
        } else if (inner < 0 && last > 0 && path.endsWith(at.substring(0, last))) {
            names.add(path + at.substring(last));
        }
        return names;
    }

    static List<String> segments(String path) {
        List<String> segments = new ArrayList<>();
        for (String segment : path.split("/", -1)) {
            if (!segment.isEmpty()) {
                segments.add(segment);
            }
        }
        return segments;
    }

    /** Returns the beginning of a canonical path that is like the pattern, in which an asterisk stands for one segment; null if none is. */
    static @Nullable String prefix(String path, List<String> pattern) {
        int at = 0;
        for (String wanted : pattern) {
            if (at >= path.length()) {
                return null;
            }
            int end = path.indexOf('/', at + 1);
            end = end < 0 ? path.length() : end;
            if (end == at + 1
                    || (!wanted.equals("*") && !path.substring(at + 1, end).equals(wanted))) {
                return null;
            }
            at = end;
        }
        return path.substring(0, at);
    }

    private static String decode(String segment) {
        if (segment.indexOf('%') < 0) {
            return segment;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(segment.length());
        for (int i = 0; i < segment.length(); i++) {
            char c = segment.charAt(i);
            int high = c == '%' && i + 2 < segment.length() ? hexDigit(segment.charAt(i + 1)) : -1;
            int low = high < 0 ? -1 : hexDigit(segment.charAt(i + 2));
            if (low >= 0 && (high << 4 | low) != '/') { // which is no separator there
                bytes.write(high << 4 | low);
                i += 2;
            } else {
                int whole = segment.codePointAt(i);
                bytes.writeBytes(Character.toString(whole).getBytes(StandardCharsets.UTF_8));
                i += Character.charCount(whole) - 1;
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** Returns what a digit of a percent-encoded byte is worth (RFC 3986, section 2.1); −1 for what is none, digits of other scripts too. */
    static int hexDigit(char digit) {
        return HexFormat.isHexDigit(digit) ? HexFormat.fromHexDigit(digit) : -1;
    }
}
