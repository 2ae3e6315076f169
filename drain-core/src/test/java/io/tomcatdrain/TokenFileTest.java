package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tomcatdrain.DrainSettings.Setting;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The setting {@code tokenFile}: a secret that no setting shows. */
class TokenFileTest {
    private static final String TOKEN = "s3cret-s3cret-s3cret";

    @TempDir
    private Path directory;

    private Path file(String content, String permissions) throws IOException {
        Path file = directory.resolve("drain.token");
        Files.writeString(file, content, StandardCharsets.ISO_8859_1);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
        return file;
    }

    private static DrainSettings settings(Path file) {
        return DrainSettings.of(Map.of("tokenFile", file.toString()));
    }

    private static String messageFor(String name) {
        Throwable bad = catchThrowable(() -> DrainSettings.of(Map.of("tokenFile", name)));
        assertThat(bad)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("tokenFile [" + name + "]: ");
        StringWriter trace = new StringWriter();
        bad.printStackTrace(new PrintWriter(trace));
        assertThat(trace.toString()).doesNotContain("s3cret");
        return bad.getMessage();
    }

    @ParameterizedTest
    @ValueSource(strings = {TOKEN, TOKEN + "\n", TOKEN + "\r\n", " " + TOKEN + " \n\n"})
    void holdsTheTokenAndNothingButWhiteSpaceAroundIt(String content) throws IOException {
        Path file = file(content, "rw-------");

        DrainSettings settings = settings(file);

        assertThat(settings.hasToken()).isTrue();
        assertThat(settings.isToken(TOKEN)).isTrue();
        assertThat(settings.isToken(TOKEN + "\n")).isFalse();
        assertThat(settings.isToken(file.toString())).isFalse();
        assertThat(settings.text(Setting.TOKEN_FILE)).isEqualTo(file.toString());
        assertThat(settings.text(Setting.TOKEN)).isNull();
        assertThat(settings.toString()).doesNotContain(TOKEN);
    }

    @Test
    void isReadOnceForAllThatIsMadeOfIt() throws IOException {
        Path file = file(TOKEN, "r--------");
        DrainSettings settings = settings(file);
        Files.delete(file);

        assertThat(settings.isToken(TOKEN)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rw-----w-", "rwxrwxrwx"})
    void isTheOwnersOnly(String permissions) throws IOException {
        Path file = file(TOKEN, permissions);

        assertThat(messageFor(file.toString()))
                .contains("[" + permissions + "]", "only its owner may read or write it", "chmod 600");
    }

    @Test
    void mayBeReachedByALink() throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("link"), file(TOKEN, "r--------"));

        assertThat(settings(link).isToken(TOKEN)).isTrue();
        file(TOKEN, "r--r-----");
        assertThat(messageFor(link.toString())).contains("[r--r-----]");
    }

    @Test
    void mustBeThere() {
        assertThat(messageFor(directory.resolve("none").toString())).contains("there is no such file", "openssl rand");
        assertThat(messageFor(directory.toString())).contains("that is no file", "openssl rand");
        assertThat(messageFor("conf/drain.token")).contains("the path must be absolute", "/etc/tomcat/drain.token");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("tokenFile", "/a\0b")))
                .withMessageStartingWith("tokenFile [/a?b]: that is no path of a file: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "\n", "s3cret", "s3cret-s3cret\ns3cret-s3cret", "s3cret s3cret s3cret", "s3cret-s3cret-größe"
            })
    void itsContentObeysTheRulesOfATokenAndIsNotShown(String content) throws IOException {
        assertThat(messageFor(file(content, "rw-------").toString())).contains("the token", "openssl rand -hex 24");
    }

    @Test
    void holdsNothingElse() throws IOException {
        assertThat(messageFor(file("s3cret".repeat(1_000), "rw-------").toString()))
                .contains("more than 4096 bytes");
    }

    @Test
    void contradictsAToken() throws IOException {
        Path file = file(TOKEN, "rw-------");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainSettings.of(Map.of("token", TOKEN, "tokenFile", file.toString())))
                .withMessage("tokenFile [" + file + "] contradicts token [***]: one secret is enough; leave token out");
    }
}
