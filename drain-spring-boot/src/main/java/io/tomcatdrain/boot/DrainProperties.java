package io.tomcatdrain.boot;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainSettings.Setting;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** Reads the settings from {@code drain.*}, with Spring's relaxed names, and has them checked by the one table. */
final class DrainProperties {
    static final String PREFIX = "drain";
    static final String ENABLED = PREFIX + ".enabled";

    private static final Log LOG = LogFactory.getLog(DrainProperties.class);
    private static final String VARIABLE_PREFIX = "DRAIN_";
    private static final Pattern CAPITAL = Pattern.compile("[A-Z]");
    private static final Pattern DASHED = Pattern.compile("-([a-z])");

    private DrainProperties() {}

    /** Returns a setting's property as Spring writes it: {@code drain.upload-timeout}. */
    static String nameOf(Setting setting) {
        return PREFIX + "."
                + CAPITAL.matcher(setting.key())
                        .replaceAll(capital -> "-" + capital.group().toLowerCase(Locale.ROOT));
    }

    /**
     * Returns what is set.
     *
     * @throws InvalidDrainPropertyException on an unknown name, a bad value or a contradiction
     */
    static Map<String, String> read(Environment environment) {
        Binder binder = Binder.get(environment);
        rejectUnknown(environment);
        unknownVariables(environment).ifPresent(LOG::warn);
        binder.bind(ENABLED, String.class).ifBound(DrainProperties::requireTrue);
        Map<String, String> texts = new LinkedHashMap<>();
        for (Setting setting : Setting.values()) {
            binder.bind(nameOf(setting), String.class)
                    .ifBound(text -> texts.put(setting.key(), asWritten(setting, text)));
        }
        try {
            check(texts);
        } catch (IllegalArgumentException bad) {
            throw new InvalidDrainPropertyException(asProperty(String.valueOf(bad.getMessage())), bad);
        }
        return texts;
    }

    /** Lets a message, which begins with a setting, begin with its property. */
    private static String asProperty(String message) {
        return Arrays.stream(Setting.values())
                .filter(setting -> message.startsWith(setting.key() + " "))
                .map(setting ->
                        nameOf(setting) + message.substring(setting.key().length()))
                .findFirst()
                .orElse(message);
    }

    private static void check(Map<String, String> texts) {
        var unused = DrainSettings.of(texts);
    }

    /** YAML reads {@code off} as a boolean. */
    private static String asWritten(Setting setting, String text) {
        boolean canBeOff =
                setting == Setting.LAME_DUCK || setting == Setting.UPLOAD_SIZE || setting == Setting.OPEN_UPLOADS;
        return canBeOff && text.equals("false") ? "off" : text;
    }

    /** An operator who meant to switch the drain off must not get one that is on, nor the other way round. */
    private static void requireTrue(String enabled) {
        if (!enabled.equals("true")) {
            throw new InvalidDrainPropertyException(
                    ENABLED + " [" + DrainSettings.quotable(enabled)
                            + "]: use [true] or [false], or leave it out to have [true]",
                    null);
        }
    }

    private static void rejectUnknown(Environment environment) {
        Set<ConfigurationPropertyName> known = Stream.concat(
                        Stream.of(ENABLED), Arrays.stream(Setting.values()).map(DrainProperties::nameOf))
                .map(ConfigurationPropertyName::of)
                .collect(Collectors.toSet());
        ConfigurationPropertyName prefix = ConfigurationPropertyName.of(PREFIX);
        for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
            if (source instanceof IterableConfigurationPropertySource iterable && !isEnvironment(source)) {
                iterable.stream()
                        .filter(name -> prefix.isAncestorOf(name) && !known.contains(name))
                        .findFirst()
                        .ifPresent(DrainProperties::reject);
            }
        }
    }

    /** Variables are set for many programs at once: for a service named "drain" Kubernetes sets DRAIN_SERVICE_HOST. */
    private static boolean isEnvironment(ConfigurationPropertySource source) {
        return source.getUnderlyingSource() instanceof SystemEnvironmentPropertySource;
    }

    /** Returns a warning of variables that look like settings and are none. */
    static Optional<String> unknownVariables(Environment environment) {
        if (!(environment instanceof ConfigurableEnvironment configurable)) {
            return Optional.empty();
        }
        Set<String> known = Stream.concat(
                        Stream.of(ENABLED), Arrays.stream(Setting.values()).map(DrainProperties::nameOf))
                .map(DrainProperties::letters)
                .collect(Collectors.toSet());
        List<String> unknown = configurable.getPropertySources().stream()
                .filter(SystemEnvironmentPropertySource.class::isInstance)
                .flatMap(source -> Arrays.stream(((SystemEnvironmentPropertySource) source).getPropertyNames()))
                .filter(name ->
                        name.toUpperCase(Locale.ROOT).startsWith(VARIABLE_PREFIX) && !known.contains(letters(name)))
                .map(DrainSettings::quotable)
                .sorted()
                .toList();
        return unknown.isEmpty()
                ? Optional.empty()
                : Optional.of("tomcat-drain: environment variables " + unknown
                        + " are no settings of the drain, and have no effect; known are [DRAIN_UPLOAD_TIMEOUT] and the like for "
                        + Arrays.stream(Setting.values())
                                .map(DrainProperties::nameOf)
                                .toList());
    }

    /** Spring ignores dashes and underscores in the name of a variable. */
    private static String letters(String name) {
        return name.toUpperCase(Locale.ROOT).replaceAll("[-_.]", "");
    }

    private static void reject(ConfigurationPropertyName name) {
        ConfigurationPropertyName below = name.subName(1);
        StringBuilder key = new StringBuilder(below.getElement(0, Form.ORIGINAL));
        for (int i = 1; i < below.getNumberOfElements(); i++) {
            key.append('.').append(below.getElement(i, Form.ORIGINAL));
        }
        String camel = DASHED.matcher(key).replaceAll(dashed -> dashed.group(1).toUpperCase(Locale.ROOT));
        try {
            check(Map.of(camel, ""));
            throw new IllegalStateException(name + " is a setting, and not among the known");
        } catch (IllegalArgumentException unknown) {
            throw new InvalidDrainPropertyException(name + ": " + unknown.getMessage(), unknown);
        }
    }
}
