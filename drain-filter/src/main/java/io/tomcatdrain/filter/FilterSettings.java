package io.tomcatdrain.filter;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainSettings.Setting;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The settings as they reach a filter: what the application brings along (context parameters, then the filter's own init parameters), and
 * over it what the operator sets for the process (environment variables, then system properties), so that the operator has the last word.
 */
final class FilterSettings {
    private static final String PREFIX = "drain.";
    private static final String VARIABLE_PREFIX = "DRAIN_";

    private final Map<String, String> texts = new HashMap<>();
    private final Map<String, String> sources = new HashMap<>();
    private final List<String> unknown = new ArrayList<>();

    private FilterSettings() {}

    /**
     * Reads the settings.
     *
     * @throws IllegalArgumentException on a bad value, on something that a filter cannot do, and on an unknown name among the
     *     application's own parameters; the message names the setting, its value in brackets, the rule, the remedy, and where the
     *     value came from
     */
    static FilterSettings read(
            Map<String, String> systemProperties,
            Map<String, String> environment,
            Map<String, String> initParameters,
            Map<String, String> contextParameters) {
        FilterSettings settings = new FilterSettings();
        contextParameters.forEach((name, value) -> {
            if (name.startsWith(PREFIX)) {
                settings.put(
                        name.substring(PREFIX.length()),
                        value,
                        "context parameter [" + DrainSettings.quotable(name) + "]");
            }
        });
        initParameters.forEach(
                (name, value) -> settings.put(name, value, "init parameter [" + DrainSettings.quotable(name) + "]"));
        for (Setting setting : Setting.values()) {
            String variable = VARIABLE_PREFIX + setting.name();
            settings.putIfSet(setting, environment.get(variable), "environment variable [" + variable + "]");
            String property = PREFIX + setting.key();
            settings.putIfSet(setting, systemProperties.get(property), "system property [" + property + "]");
        }
        settings.noteUnknown(systemProperties, environment);
        settings.checkWhatAFilterCanDo();
        return settings;
    }

    private void putIfSet(Setting setting, @Nullable String value, String source) {
        if (value != null) {
            put(setting.key(), value, source);
        }
    }

    /** Checks each value for itself, so that the message can tell where it came from. */
    private void put(String key, String value, String source) {
        try {
            DrainSettings unused = DrainSettings.of(Map.of(key, value));
        } catch (IllegalArgumentException bad) {
            throw new IllegalArgumentException(bad.getMessage() + " (" + source + ")", bad);
        }
        texts.put(key, value);
        sources.put(key, source);
    }

    private void checkWhatAFilterCanDo() {
        if (values().closeListener()) {
            String key = Setting.CLOSE_LISTENER.key();
            throw new IllegalArgumentException(key + " [true]: a filter cannot close the server's listeners; leave it"
                    + " out, or use the valve (" + sources.get(key) + ")");
        }
    }

    /** A system property or environment variable may be meant for another program: it does not keep the application from starting. */
    private void noteUnknown(Map<String, String> systemProperties, Map<String, String> environment) {
        for (String name : new TreeSet<>(systemProperties.keySet())) {
            if (name.startsWith(PREFIX) && Setting.named(name.substring(PREFIX.length())) == null) {
                unknown.add(DrainSettings.quotable(name));
            }
        }
        for (String name : new TreeSet<>(environment.keySet())) {
            if (name.startsWith(VARIABLE_PREFIX) && !isVariable(name.substring(VARIABLE_PREFIX.length()))) {
                unknown.add(DrainSettings.quotable(name));
            }
        }
    }

    private static boolean isVariable(String name) {
        for (Setting setting : Setting.values()) {
            if (setting.name().equals(name)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the settings. */
    DrainSettings values() {
        return DrainSettings.of(texts);
    }

    /** Returns what is allowed but probably not meant, one sentence each. */
    List<String> warnings() {
        List<String> warnings = new ArrayList<>(values().warnings());
        if (!unknown.isEmpty()) {
            List<String> known = new ArrayList<>();
            for (Setting setting : Setting.values()) {
                known.add(setting.key());
            }
            warnings.add("system properties or environment variables " + unknown
                    + " are no settings of the filter, and have no effect; known are " + known);
        }
        return warnings;
    }
}
