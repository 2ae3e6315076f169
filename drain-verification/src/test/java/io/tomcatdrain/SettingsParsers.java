package io.tomcatdrain;

import static io.tomcatdrain.fuzz.Rules.parsed;
import static io.tomcatdrain.fuzz.Rules.require;

import io.tomcatdrain.DrainSettings.Setting;
import io.tomcatdrain.fuzz.Parser;
import io.tomcatdrain.fuzz.Rules;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What an administrator writes, and what is shown of what others write. */
public final class SettingsParsers {
    /** Begins each token here, so that it is known again wherever it turns up. */
    private static final String SECRET = "Zq9_";

    private static final Path TOKEN_FILE = tokenFile();

    /** A file costs a hundred times what anything else does. */
    private static final int FILES_RARER = 100;

    private static int filesAsked;

    private SettingsParsers() {}

    /** Returns them. */
    public static List<Parser> all() {
        return List.of(
                new Parser(
                        "duration",
                        List.of("30s", "10m", "500ms", "1h", "PT30S", "PT1H2M3.5S", "P2D", "-5s", "87600h", "60000"),
                        SettingsParsers::duration),
                new Parser("size", List.of("64KB", "1MB", "2GB", "off", "100", "8589934591GB"), SettingsParsers::size),
                new Parser(
                        "upload types",
                        List.of("multipart/*\nmultipart/form-data; boundary=x", "a/b,c/d\nA/B", "*/*\nx/y"),
                        SettingsParsers::uploadTypes),
                new Parser(
                        "stream types",
                        List.of(
                                "text/event-stream,/shop/poll,/shop/events/*\n/shop/events/1",
                                "/a/*\n/a",
                                "a/b\na/b;q"),
                        SettingsParsers::streamTypes),
                new Parser(
                        "settings",
                        List.of(
                                "path=/drain\nreadyPaths=/health,/a/b",
                                "token=0123456789abcdef0123456789abcdef",
                                "uploadKeys=query:dzuuid, path:/dav/uploads/*",
                                "lameDuck=auto\nlameDuckTimeout=30s\nprobeFailures=3\nkillAfter=90s",
                                "refuse=uploads\ncloseListener=true",
                                "controlPort=8090\nrefusalStatus=503\nretryAfter=5s",
                                "uploadTypes=multipart/*\nuploadSize=64KB\nstreamTypes=text/event-stream",
                                "openUploads=session\nuploadGap=30s\nstallTimeout=60s\ndrainOnStop=false",
                                "killAfter=${stop.limit}\nrequestTimeout=1\nuploadTimout=10m",
                                "refusalPages=/nowhere/at/all\ntokenFile=/nowhere/else"),
                        SettingsParsers::settings),
                new Parser(
                        "token file",
                        List.of("0123456789abcdef0123456789abcdef\n", "short", "two words of a token", ""),
                        SettingsParsers::tokenFile),
                new Parser(
                        "text for the log",
                        List.of("/app/upload", "x\r\nforged", "\u2028", "\uD83D\uDE00".repeat(120)),
                        SettingsParsers::logText));
    }

    private static void duration(String text) {
        Duration duration = parsed(() -> Durations.parse(text));
        if (duration != null) {
            require(
                    !duration.isNegative() && duration.compareTo(Duration.ofDays(3650)) <= 0,
                    () -> "out of bounds: " + duration);
            require(
                    Durations.parse(Durations.format(duration)).equals(duration),
                    () -> duration + " is written as " + Durations.format(duration));
            require(Durations.nanos(duration) == duration.toNanos(), () -> "other nanoseconds");
        }
    }

    private static void size(String text) {
        Long size = parsed(() -> Sizes.parse(text));
        require(size == null || size >= Sizes.OFF, () -> "a size of " + size);
        require(size == null || size != Sizes.OFF || text.equals("off"), () -> "off is written in another way");
        require(size == null || isAscii(text), () -> "digits that are none of a configuration file's");
    }

    /** The first line is the setting, the others are what comes. */
    private static void uploadTypes(String text) {
        String[] lines = text.split("\n", -1);
        UploadTypes types = parsed(() -> UploadTypes.parse(lines[0]));
        if (types == null) {
            return;
        }
        for (String prefix : types.prefixes()) {
            String whole = prefix.endsWith("/") ? prefix + "x" : prefix;
            require(types.matches(whole) && types.matches(whole + ";a=b"), () -> "does not match its own " + prefix);
        }
        for (String line : lines) {
            require(!types.matches(line) || line.indexOf('/') > 0, () -> "matches what is no media type");
        }
    }

    private static void streamTypes(String text) {
        String[] lines = text.split("\n", -1);
        StreamTypes types = parsed(() -> StreamTypes.parse(lines[0]));
        for (int i = 1; types != null && i < lines.length; i++) {
            boolean ofPath = types.match(null, lines[i]);
            require(!ofPath || lines[0].contains("/"), () -> "a path that is nowhere");
            types.match(lines[i], lines[i]);
        }
    }

    private static void settings(String text) {
        Map<String, String> given = new HashMap<>();
        for (String line : text.split("\n", -1)) {
            int equals = line.indexOf('=');
            String key = equals < 0 ? line : line.substring(0, equals);
            String value = equals < 0 ? "" : line.substring(equals + 1);
            given.put(key, key.equals("token") ? SECRET + value : value);
        }
        String secret = text.contains(SECRET) ? null : SECRET; // a fuzzer finds it, and writes it elsewhere
        DrainSettings settings = parsed(() -> DrainSettings.of(given), secret);
        if (settings == null) {
            return;
        }
        settings.warnings().forEach(Rules::requireMessage);
        for (Setting setting : Setting.values()) {
            String shown = settings.text(setting);
            require(shown == null || secret == null || !shown.contains(secret), () -> "the token is shown");
            require(
                    setting == Setting.TOKEN
                            || !given.containsKey(setting.key())
                            || given.get(setting.key()).equals(shown),
                    () -> setting + " is shown as " + shown);
        }
        require(!settings.longestStop().isNegative(), () -> "a stop that ends before it begins");
        require(isAscii(settings.path()) && settings.path().startsWith("/"), () -> "path " + settings.path());
        require(given.get("probeFailures") == null || isAscii(given.get("probeFailures")), () -> "digits of others");
        require(!settings.toString().contains(SECRET), () -> "the token is in the text");
    }

    private static Path tokenFile() {
        try {
            Path file = Files.createTempFile(
                    "fuzz",
                    ".token",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            file.toFile().deleteOnExit();
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void tokenFile(String text) {
        if (filesAsked++ % FILES_RARER != 0) {
            return;
        }
        try {
            Files.write(TOKEN_FILE, (SECRET + text).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        DrainSettings settings = parsed(() -> DrainSettings.of(Map.of("tokenFile", TOKEN_FILE.toString())), SECRET);
        require(
                settings == null || settings.isToken((SECRET + text).strip()),
                () -> "another token than that of the file");
    }

    private static void logText(String text) {
        String shown = LogText.bounded(text);
        require(shown.length() <= 200, () -> shown.length() + " characters");
        require(shown.chars().noneMatch(Rules::breaksLines), () -> "a line end");
        require(LogText.bounded(shown).equals(shown), () -> "changes at the second time");
        require(DrainSettings.quotable(text).equals(shown), () -> "two ways to quote");
    }

    private static boolean isAscii(String text) {
        return text.chars().allMatch(character -> character < 0x80);
    }
}
