package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UploadTypesTest {
    private final UploadTypes byDefault = DrainSettings.defaults().uploadTypes();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "Multipart/Form-Data;boundary=x",
                "multipart/related",
                "application/offset+octet-stream",
                "APPLICATION/OFFSET+OCTET-STREAM",
                "application/partial-upload",
                "application/partial-upload ; x=y",
                "application/partial-upload\t",
                "application/partial-upload, text/plain"
            })
    void theDefaultsCoverFormsAndTheResumableProtocols(String contentType) {
        assertThat(byDefault.matches(contentType)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "multipart",
                "application/x-www-form-urlencoded",
                "application/octet-stream",
                "application/offset+octet-streams",
                "application/offset",
                "application/json",
                "xmultipart/form-data"
            })
    void anythingElseIsAPlainRequest(String contentType) {
        assertThat(byDefault.matches(contentType)).isFalse();
    }

    @Test
    void aRequestWithoutContentTypeIsNoUpload() {
        assertThat(byDefault.matches(null)).isFalse();
    }

    @Test
    void ownTypesReplaceTheDefaults() {
        UploadTypes types = UploadTypes.parse(" video/* , application/octet-stream ");

        assertThat(types.prefixes()).containsExactly("video/", "application/octet-stream");
        assertThat(types.matches("video/mp4")).isTrue();
        assertThat(types.matches("application/octet-stream;x=y")).isTrue();
        assertThat(types.matches("multipart/form-data")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"multipart", "*/*", "*", "a/b,", ",a/b", "a/b;c=d", "a/b c/d", "/x", "x/", "a/b*", "a//b"})
    void refusesWhatIsNoMediaTypeAndShowsOne(String text) {
        assertThatThrownBy(() -> UploadTypes.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is no media type")
                .hasMessageContaining("[multipart/*,application/octet-stream]");
    }
}
