package io.tomcatdrain;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be set about a drain: the one table of names, defaults, rules and contradictions for the valve, the filter
 * and embedding code alike. Immutable and thread-safe.
 *
 * <p>Values are text, as a configuration file holds them. Each is checked when it is set; combinations are checked by {@link #of}.
 *
 * @since 1.0
 */
public final class DrainSettings {

    /** One setting: its name in configuration files and its default there. */
    public enum Setting {
        PATH("path", "/drain"),
        TOKEN("token", null),
        TOKEN_FILE("tokenFile", null),
        CONTROL_PORT("controlPort", null),
        READY_PATHS("readyPaths", null),
        UPLOAD_TYPES("uploadTypes", "multipart/*,application/offset+octet-stream,application/partial-upload"),
        UPLOAD_SIZE("uploadSize", "64KB"),
        STREAM_TYPES("streamTypes", "text/event-stream"),
        OPEN_UPLOADS("openUploads", "session"),
        UPLOAD_GAP("uploadGap", "30s"),
        UPLOAD_KEYS("uploadKeys", null),
        REFUSE("refuse", "all"),
        LAME_DUCK("lameDuck", "auto"),
        LAME_DUCK_TIMEOUT("lameDuckTimeout", "30s"),
        PROBE_FAILURES("probeFailures", "3"),
        CLOSE_LISTENER("closeListener", "false"),
        UPLOAD_TIMEOUT("uploadTimeout", "10m"),
        REQUEST_TIMEOUT("requestTimeout", "30s"),
        STALL_TIMEOUT("stallTimeout", "60s"),
        RETRY_AFTER("retryAfter", "5s"),
        REFUSAL_STATUS("refusalStatus", "503"),
        REFUSAL_PAGES("refusalPages", null),
        DRAIN_ON_STOP("drainOnStop", "true"),
        KILL_AFTER("killAfter", null);

        private final String key;
        private final @Nullable String fallback;

        Setting(String key, @Nullable String fallback) {
            this.key = key;
            this.fallback = fallback;
        }

        /** Returns the name as configuration files spell it. */
        public String key() {
            return key;
        }

        /** Returns the default as configuration files would spell it; null if the setting has none. */
        public @Nullable String defaultValue() {
            return fallback;
        }

        /** Returns the setting of that name; null if there is none. */
        public static @Nullable Setting named(String key) {
            for (Setting setting : values()) {
                if (setting.key.equals(key)) {
                    return setting;
                }
            }
            return null;
        }
    }

    /** What is refused while draining. */
    public enum Refuse {
        /** Every new request. */
        ALL,
        /** New uploads; other requests are served until the node stops. */
        UPLOADS
    }

    /** Whose requests are admitted while draining, since an upload that comes in several was begun here. */
    public enum OpenUploads {
        /** All of a client that has one open. */
        SESSION,
        /** Those that continue it. */
        UPLOAD,
        /** None. */
        OFF
    }

    /** What a further key of uploads looks like: a query parameter's name, or a path in which an asterisk stands for one segment. */
    private static final Pattern UPLOAD_KEY =
            Pattern.compile("query:[A-Za-z0-9._~-]+|path:(?:/(?:[*]|[A-Za-z0-9._~!$&'()+=:@-]++))++");

    /** Possessive, as is the one above: what may give characters back takes a frame of the stack for each segment. */
    private static final Pattern SEGMENTS = Pattern.compile("(?:/[A-Za-z0-9._~!$&'()*+,=:@-]++)++");

    private static final Pattern TOKEN_CHARACTERS = Pattern.compile("[\\x21-\\x7E]+");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{[^{}]*}");
    private static final int SHORTEST_TOKEN = 16;

    private static final DrainSettings DEFAULTS = of(Map.of());

    private final EnumMap<Setting, Object> values;

    /** The texts as they were set, to be shown. */
    private final EnumMap<Setting, String> texts;

    private DrainSettings(EnumMap<Setting, Object> values, EnumMap<Setting, String> texts) {
        this.values = values;
        this.texts = texts;
    }

    /** Returns the settings in which nothing is set. */
    public static DrainSettings defaults() {
        return DEFAULTS;
    }

    /**
     * Reads settings by name; what is not in the map has its default.
     *
     * <p>A {@code tokenFile} and {@code refusalPages} are read here, and never again.
     *
     * @param texts names and values as a configuration file holds them
     * @throws IllegalArgumentException on an unknown name, a bad value, a token file that cannot be used, or a contradiction; the message
     *     names the setting, the value in brackets (never a token's), the rule and the remedy
     */
    public static DrainSettings of(Map<String, String> texts) {
        EnumMap<Setting, Object> values = new EnumMap<>(Setting.class);
        EnumMap<Setting, String> shown = new EnumMap<>(Setting.class);
        for (Map.Entry<String, String> entry : texts.entrySet()) {
            Setting setting = Setting.named(entry.getKey());
            if (setting == null) {
                throw new IllegalArgumentException(unknown(entry.getKey()));
            }
            if (!isNoKillAfter(setting, entry.getValue())) {
                values.put(setting, parse(setting, entry.getValue()));
            }
            shown.put(setting, entry.getValue());
        }
        for (Setting setting : Setting.values()) {
            if (setting.fallback != null && !values.containsKey(setting)) {
                values.put(setting, valueOf(setting, setting.fallback));
                shown.put(setting, setting.fallback);
            }
        }
        DrainSettings settings = new DrainSettings(values, shown);
        settings.checkContradictions();
        return settings;
    }

    /**
     * Returns these settings with one changed.
     *
     * @throws IllegalArgumentException as {@link #of}
     */
    public DrainSettings with(String key, String value) {
        Map<String, String> changed = new HashMap<>();
        texts.forEach((setting, text) -> changed.put(setting.key, text));
        changed.put(key, value);
        return of(changed);
    }

    /** Returns the text of a setting, or of its default; null if it has neither, and for the token, which is never shown. */
    public @Nullable String text(Setting setting) {
        return setting == Setting.TOKEN ? null : texts.get(setting);
    }

    /**
     * Reads one duration as the settings spell it.
     *
     * @throws IllegalArgumentException if it is none; the message holds the rule
     */
    public static Duration parseDuration(String text) {
        return Durations.parse(text);
    }

    /**
     * Returns a text as a message may quote it: what is longer than 200 characters is cut, control characters are replaced.
     *
     * @param text what a caller gave; null is shown as a question mark
     */
    public static String quotable(@Nullable String text) {
        return LogText.bounded(text);
    }

    /**
     * Returns true for a {@code killAfter} that names a property which nothing has set: a Tomcat that is started by hand, without what its
     * unit or pod adds, is not killed from outside, and must start.
     */
    private static boolean isNoKillAfter(Setting setting, @Nullable String text) {
        return setting == Setting.KILL_AFTER
                && text != null
                && PLACEHOLDER.matcher(text).matches();
    }

    private static Object parse(Setting setting, @Nullable String text) {
        String shown = setting == Setting.TOKEN ? "***" : LogText.bounded(text);
        if (text != null && text.contains("${")) {
            // What stands around a placeholder may be the secret itself.
            boolean placeholderOnly = PLACEHOLDER.matcher(text).matches();
            throw new IllegalArgumentException(setting.key + " [" + (placeholderOnly ? LogText.bounded(text) : shown)
                    + "] holds a placeholder that nothing has resolved: define the property (for Tomcat in"
                    + " conf/catalina.properties or as -Dname=value) or write the value itself");
        }
        if (text == null || text.isEmpty()) {
            throw new IllegalArgumentException(setting.key + " [] is empty: " + remedyForEmpty(setting));
        }
        try {
            return valueOf(setting, text);
        } catch (IllegalArgumentException bad) {
            throw new IllegalArgumentException(setting.key + " [" + shown + "]: " + bad.getMessage(), bad);
        }
    }

    /** Applies the rule of one setting. */
    private static Object valueOf(Setting setting, String text) {
        return switch (setting) {
            case PATH -> parsePath(text, "/drain");
            case TOKEN -> parseToken(text);
            case TOKEN_FILE -> parseToken(TokenFile.read(text));
            case REFUSAL_PAGES -> RefusalPages.read(text);
            case READY_PATHS -> parsePaths(text);
            case UPLOAD_TYPES -> UploadTypes.parse(text);
            case UPLOAD_SIZE -> Sizes.parse(text);
            case STREAM_TYPES -> StreamTypes.parse(text);
            case OPEN_UPLOADS -> parseWord(text, OpenUploads.values());
            case UPLOAD_KEYS -> parseUploadKeys(text);
            case REFUSE -> parseWord(text, Refuse.values());
            case LAME_DUCK -> LameDuck.parse(text);
            case CONTROL_PORT -> parseInt(text, 1, 65535);
            case PROBE_FAILURES -> parseInt(text, 1, 1000);
            case REFUSAL_STATUS -> parseInt(text, 400, 599);
            case CLOSE_LISTENER, DRAIN_ON_STOP -> parseBoolean(text);
            case STALL_TIMEOUT, KILL_AFTER, UPLOAD_GAP -> parsePositive(text);
            case LAME_DUCK_TIMEOUT, UPLOAD_TIMEOUT, REQUEST_TIMEOUT, RETRY_AFTER -> Durations.parse(text);
        };
    }

    private static String remedyForEmpty(Setting setting) {
        String remedy = "leave the setting out to have its default";
        return setting.fallback == null ? remedy + ", which is none" : remedy + " [" + setting.fallback + "]";
    }

    /** Returns the message for a name that is no setting's, with the nearest that is. */
    private static String unknown(String given) {
        String key = LogText.bounded(given);
        Setting nearest = Setting.PATH;
        int least = Integer.MAX_VALUE;
        for (Setting setting : Setting.values()) {
            int distance = editDistance(key.toLowerCase(Locale.ROOT), setting.key.toLowerCase(Locale.ROOT));
            if (distance < least) {
                least = distance;
                nearest = setting;
            }
        }
        String known =
                Arrays.stream(Setting.values()).map(Setting::key).toList().toString();
        String hint = least <= 3 ? "; did you mean [" + nearest.key + "]?" : "; known are " + known;
        return "unknown attribute [" + key + "]" + hint;
    }

    private static int editDistance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int above = row[j];
                int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replace, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }

    private void checkContradictions() {
        if (values.containsKey(Setting.TOKEN) && values.containsKey(Setting.TOKEN_FILE)) {
            throw new IllegalArgumentException("tokenFile [" + LogText.bounded(text(Setting.TOKEN_FILE))
                    + "] contradicts token [***]: one secret is enough; leave token out");
        }
        for (String ready : readyPaths()) {
            if ((ready + "/").startsWith(path() + "/")) {
                throw new IllegalArgumentException("readyPaths [" + LogText.bounded(text(Setting.READY_PATHS))
                        + "] contradicts path [" + LogText.bounded(path())
                        + "]: what lies below that is answered without it; leave [" + LogText.bounded(ready)
                        + "] out");
            }
        }
        if (closeListener() && refuse() == Refuse.UPLOADS) {
            throw new IllegalArgumentException(
                    "closeListener [true] contradicts refuse [uploads]: with closed listeners pages"
                            + " go elsewhere too; use refuse [all] or leave closeListener out");
        }
    }

    /** Returns what is allowed but probably not meant, one sentence each; empty if nothing is. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (isNoKillAfter(Setting.KILL_AFTER, text(Setting.KILL_AFTER))) {
            warnings.add("killAfter [" + LogText.bounded(text(Setting.KILL_AFTER))
                    + "] names a property that nothing has set: a stop does not"
                    + " allow for being killed; where systemd, Kubernetes or a script kills this process, set the property"
                    + " (-Dname=value)");
        }
        Duration budget = stopBudget();
        Duration wanted = longestStop();
        if (budget != null && wanted.compareTo(budget) > 0) {
            String killAfter = text(Setting.KILL_AFTER);
            warnings.add("killAfter [" + killAfter + "]"
                    + (isBareNumber(killAfter) ? ", in milliseconds as every number without a unit," : "")
                    + " is shorter than what the limits can take ["
                    + Durations.format(wanted) + "]: at a stop the lame duck gets at most ["
                    + Durations.format(lameDuckWithin(budget).truncatedTo(ChronoUnit.MILLIS))
                    + "] and everything together ["
                    + Durations.format(budget) + "]; raise the time after which the process is killed, and killAfter"
                    + " with it, or lower uploadTimeout");
        }
        if (closeListener() && controlPort() == null) {
            warnings.add(
                    "closeListener [true] without controlPort: after the lame duck nothing can ask this node for its readiness"
                            + " or its status any more; give controlPort the port of a connector of its own");
        }
        if (closeListener() && openUploads() != OpenUploads.OFF) {
            warnings.add("closeListener [true] with openUploads [" + text(Setting.OPEN_UPLOADS)
                    + "]: through closed listeners no further request of an upload reaches this node, so a drain gives such"
                    + " uploads up; leave closeListener out where the front end can probe or replay, or set openUploads to"
                    + " [off] if nobody sends files in several requests");
        }
        return warnings;
    }

    /** Returns how long a stop may take in all before the process is killed, less what the server itself needs; null: unlimited. */
    @Nullable Duration stopBudget() {
        Duration killAfter = killAfter();
        if (killAfter == null) {
            return null;
        }
        long millis = killAfter.toMillis();
        long forTheServer = Math.min(millis / 2, Math.max(1_000, Math.min(5_000, millis / 10)));
        return Duration.ofMillis(millis - forTheServer);
    }

    /** Returns how much of a stop's budget the lame duck may use: never more than half, since uploads need the rest. */
    Duration lameDuckWithin(Duration budget) {
        Duration half = budget.dividedBy(2);
        return longestLameDuck().compareTo(half) > 0 ? half : longestLameDuck();
    }

    /** Returns how long the lame duck can take at most. */
    Duration longestLameDuck() {
        return switch (lameDuck().mode()) {
            case AUTO -> lameDuckTimeout();
            case OFF -> Duration.ZERO;
            case FIXED -> lameDuck().duration();
        };
    }

    /** Returns how long anything can be waited for at most once new work is refused. */
    Duration longestWait() {
        return uploadTimeout().compareTo(requestTimeout()) > 0 ? uploadTimeout() : requestTimeout();
    }

    /** Returns how long a drain can take at most by these settings alone. */
    public Duration longestStop() {
        return longestLameDuck().plus(longestWait());
    }

    public String path() {
        return get(Setting.PATH);
    }

    /** Returns the application's own URLs at which front ends look for readiness; empty if there is none. */
    @SuppressWarnings("unchecked")
    public List<String> readyPaths() {
        List<String> paths = (List<String>) values.get(Setting.READY_PATHS);
        return paths == null ? List.of() : paths;
    }

    /** Returns true if there is a token, so that the control endpoints can be used. The token itself can be read nowhere. */
    public boolean hasToken() {
        return token() != null;
    }

    private @Nullable Object token() {
        Object written = values.get(Setting.TOKEN);
        return written != null ? written : values.get(Setting.TOKEN_FILE);
    }

    /** Returns true if that is the token, in a time that tells nothing about it; false if there is none. */
    public boolean isToken(String candidate) {
        return token() instanceof String token
                && MessageDigest.isEqual(
                        candidate.getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the port that control is restricted to; null if it is not. */
    public @Nullable Integer controlPort() {
        return (Integer) values.get(Setting.CONTROL_PORT);
    }

    public UploadTypes uploadTypes() {
        return get(Setting.UPLOAD_TYPES);
    }

    /**
     * Returns how many bytes a body may have, announced, before its request is an upload whatever its type, as is one whose body's length
     * is not announced; −1: the type alone tells.
     */
    public long uploadSize() {
        return this.<Long>get(Setting.UPLOAD_SIZE);
    }

    StreamTypes streamTypes() {
        return get(Setting.STREAM_TYPES);
    }

    public Refuse refuse() {
        return get(Setting.REFUSE);
    }

    /** Returns whose requests are admitted while draining. */
    public OpenUploads openUploads() {
        return get(Setting.OPEN_UPLOADS);
    }

    /** Returns how long a drain waits for the next request of an open upload. */
    public Duration uploadGap() {
        return get(Setting.UPLOAD_GAP);
    }

    /** Returns the further keys by which uploads of several requests are known, as {@code query:name} or {@code path:/a/*}. */
    @SuppressWarnings("unchecked")
    public List<String> uploadKeys() {
        List<String> keys = (List<String>) values.get(Setting.UPLOAD_KEYS);
        return keys == null ? List.of() : keys;
    }

    LameDuck lameDuck() {
        return get(Setting.LAME_DUCK);
    }

    public Duration lameDuckTimeout() {
        return get(Setting.LAME_DUCK_TIMEOUT);
    }

    public int probeFailures() {
        return this.<Integer>get(Setting.PROBE_FAILURES);
    }

    public boolean closeListener() {
        return this.<Boolean>get(Setting.CLOSE_LISTENER);
    }

    public Duration uploadTimeout() {
        return get(Setting.UPLOAD_TIMEOUT);
    }

    public Duration requestTimeout() {
        return get(Setting.REQUEST_TIMEOUT);
    }

    public Duration stallTimeout() {
        return get(Setting.STALL_TIMEOUT);
    }

    public Duration retryAfter() {
        return get(Setting.RETRY_AFTER);
    }

    public int refusalStatus() {
        return this.<Integer>get(Setting.REFUSAL_STATUS);
    }

    /**
     * Returns a site's own words for refusals, read once, by the names {@code refusal.html}, {@code refusal.json} and {@code refusal.txt};
     * what is not among them has the built-in words.
     */
    @SuppressWarnings("unchecked")
    public Map<String, String> refusalPages() {
        Map<String, String> pages = (Map<String, String>) values.get(Setting.REFUSAL_PAGES);
        return pages == null ? Map.of() : pages;
    }

    public boolean drainOnStop() {
        return this.<Boolean>get(Setting.DRAIN_ON_STOP);
    }

    public @Nullable Duration killAfter() {
        return (Duration) values.get(Setting.KILL_AFTER);
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals", "NullAway"
    }) // the table has a default for each that is asked for
    private <T> T get(Setting setting) {
        return (T) values.get(setting);
    }

    private static boolean isBareNumber(@Nullable String text) {
        return text != null && text.chars().allMatch(each -> each >= '0' && each <= '9');
    }

    private static Object parsePath(String text, String example) {
        if (!SEGMENTS.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "the path begins with [/], is more than [/], does not end with [/] and holds no"
                            + " characters that a URL would escape; for example [" + example + "]");
        }
        if (("/" + text + "/").contains("/../") || ("/" + text + "/").contains("/./")) {
            throw new IllegalArgumentException(
                    "the path must not contain [.] or [..] as a segment; for example [" + example + "]");
        }
        return text;
    }

    private static Object parsePaths(String text) {
        List<String> paths = new ArrayList<>();
        for (String path : text.split(",", -1)) {
            parsePath(path.strip(), "/health");
            if (paths.contains(path.strip())) {
                throw new IllegalArgumentException(
                        "[" + LogText.bounded(path.strip()) + "] is listed twice; leave one out");
            }
            paths.add(path.strip());
        }
        return List.copyOf(paths);
    }

    private static Object parseToken(String text) {
        if (text.length() < SHORTEST_TOKEN) {
            throw new IllegalArgumentException("the token has " + text.length() + " characters and needs at least "
                    + SHORTEST_TOKEN + "; make one with [openssl rand -hex 24]");
        }
        if (!TOKEN_CHARACTERS.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "the token may hold visible ASCII characters only, since it travels in a header;"
                            + " make one with [openssl rand -hex 24]");
        }
        return text;
    }

    private static Object parseUploadKeys(String text) {
        List<String> keys = new ArrayList<>();
        for (String each : text.split(",", -1)) {
            String key = each.strip();
            if (!UPLOAD_KEY.matcher(key).matches()) {
                throw new IllegalArgumentException("[" + LogText.bounded(key)
                        + "] is no key: list [query:NAME] for a query parameter, or [path:/a/*] where [*] stands for one"
                        + " segment; for example [query:dzuuid, path:/dav/uploads/*]");
            }
            keys.add(key);
        }
        return List.copyOf(keys);
    }

    private static Object parseInt(String text, int least, int most) {
        try {
            int value = Integer.parseInt(text);
            boolean written = text.chars().allMatch(digit -> digit >= '0' && digit <= '9'); // and none of other scripts
            if (written && value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException notANumber) {
            // the same rule was broken
        }
        throw new IllegalArgumentException("a whole number from " + least + " to " + most + " is needed");
    }

    private static Object parseBoolean(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("use [true] or [false]");
        };
    }

    private static Object parsePositive(String text) {
        Duration duration = Durations.parse(text);
        if (duration.isZero()) {
            throw new IllegalArgumentException("more than zero is needed; leave the setting out to have its default");
        }
        return duration;
    }

    private static <E extends Enum<E>> Object parseWord(String text, E[] words) {
        List<String> allowed = new ArrayList<>();
        for (E word : words) {
            String spelled = word.name().toLowerCase(Locale.ROOT);
            if (spelled.equals(text)) {
                return word;
            }
            allowed.add(spelled);
        }
        throw new IllegalArgumentException("use one of " + allowed);
    }
}
