package io.tomcatdrain.cli;

import io.tomcatdrain.DrainSettings;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The words behind a command: URLs of drains, options with a value, and options that stand alone. Immutable. */
final class Options {
    /** Between the values of one option; no argument of a process can hold it. */
    private static final String SEPARATOR = "\0";

    private static final int HIGHEST_PORT = 65_535;

    private final List<URI> nodes;
    private final List<URI> urls;
    private final Map<String, String> values;
    private final Set<String> flags;

    private Options(List<URI> nodes, List<URI> urls, Map<String, String> values, Set<String> flags) {
        this.nodes = nodes;
        this.urls = urls;
        this.values = values;
        this.flags = flags;
    }

    /**
     * Reads the words behind a command.
     *
     * @param withValue the names of options that have a value
     * @param alone the names of options that have none
     * @throws IllegalArgumentException if a word is wrong; the message names it, the rule and the remedy
     */
    static Options parse(List<String> words, Set<String> withValue, Set<String> alone) {
        return parse(words, withValue, alone, Set.of());
    }

    /**
     * The same with options that may be there several times, each with a value.
     *
     * @param several their names, which are among those with a value, too
     */
    static Options parse(List<String> words, Set<String> withValue, Set<String> alone, Set<String> several) {
        List<URI> nodes = new ArrayList<>();
        List<URI> urls = new ArrayList<>();
        Map<String, String> values = new HashMap<>();
        Set<String> flags = new HashSet<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (!word.startsWith("--")) {
                nodes.add(node(word));
                urls.add(URI.create(word));
                continue;
            }
            int equals = word.indexOf('=');
            String name = equals < 0 ? word.substring(2) : word.substring(2, equals);
            if (name.equals("token")) {
                throw new IllegalArgumentException(
                        "a token among the arguments can be read by every user of this machine: "
                                + "put it into the environment as DRAIN_TOKEN, or into a file for --token-file");
            }
            if (alone.contains(name) && equals < 0) {
                flags.add(name);
            } else if (withValue.contains(name)) {
                if (equals < 0 && ++i >= words.size()) {
                    throw new IllegalArgumentException("option [--" + name + "] needs a value behind it");
                }
                String value = equals < 0 ? words.get(i) : word.substring(equals + 1);
                String before = values.put(name, value);
                if (before != null && several.contains(name)) {
                    values.put(name, before + SEPARATOR + value);
                } else if (before != null) {
                    throw new IllegalArgumentException("option [--" + name + "] is there twice: leave one out");
                }
            } else {
                throw new IllegalArgumentException("there is no option [--" + DrainSettings.quotable(name)
                        + "] here; there are " + names(withValue, alone));
            }
        }
        if (nodes.isEmpty()) {
            throw new IllegalArgumentException(
                    "no node is named: give the URL of its drain, such as http://node1:8090/drain");
        }
        return new Options(List.copyOf(nodes), List.copyOf(urls), Map.copyOf(values), Set.copyOf(flags));
    }

    private static String names(Set<String> withValue, Set<String> alone) {
        Set<String> all = new TreeSet<>(withValue);
        all.addAll(alone);
        return "--" + String.join(", --", all);
    }

    static URI node(String word) {
        try {
            URI uri = new URI(word.endsWith("/") ? word.substring(0, word.length() - 1) : word);
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (http
                    && uri.getHost() != null
                    && uri.getPort() <= HIGHEST_PORT
                    && uri.getQuery() == null
                    && uri.getFragment() == null
                    && uri.getUserInfo() == null) {
                return uri;
            }
        } catch (URISyntaxException bad) {
            // said below
        }
        throw new IllegalArgumentException(
                "[" + DrainSettings.quotable(word)
                        + "] is no URL of a drain: give one with http or https, a host and the drain's path, such as http://node1:8090/drain");
    }

    /** Returns the URLs as those of drains, without a slash at their ends. */
    List<URI> nodes() {
        return nodes;
    }

    /** Returns the URLs as they were written: to a site a page with a slash at its end is another. */
    List<URI> urls() {
        return urls;
    }

    boolean has(String flag) {
        return flags.contains(flag);
    }

    @Nullable String text(String name) {
        return values.get(name);
    }

    /** Returns the values of an option that may be there several times. */
    List<String> texts(String name) {
        String all = values.get(name);
        return all == null ? List.of() : List.of(all.split(SEPARATOR, -1));
    }

    String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    /**
     * Returns a duration as the valve reads it.
     *
     * @throws IllegalArgumentException if it is none
     */
    Duration duration(String name, Duration otherwise) {
        String value = values.get(name);
        return value == null ? otherwise : duration(name, value);
    }

    private static Duration duration(String name, String value) {
        try {
            return DrainSettings.parseDuration(value);
        } catch (IllegalArgumentException bad) {
            throw new IllegalArgumentException(
                    "option [--" + name + "] has the value [" + DrainSettings.quotable(value) + "]: "
                            + bad.getMessage(),
                    bad);
        }
    }
}
