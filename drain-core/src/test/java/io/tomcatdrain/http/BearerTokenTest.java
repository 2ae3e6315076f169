package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

class BearerTokenTest {
    private static final BearerToken TOKEN = new BearerToken("0123456789abcdef");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Bearer 0123456789abcdef",
                "bearer 0123456789abcdef",
                "BEARER  0123456789abcdef",
                "Bearer 0123456789abcdef "
            })
    void isFoundWhateverTheCaseOfTheScheme(String authorization) {
        assertThat(TOKEN.isIn(authorization)).isTrue();
    }

    @ParameterizedTest
    @NullAndEmptySource
    @ValueSource(
            strings = {
                "Bearer",
                "Bearer ",
                "Bearer 0123456789abcde",
                "Bearer 0123456789abcdeF",
                "Bearer 0123456789abcdef0",
                "Bearer 0123456789abcdef 0123456789abcdef",
                "Bearer0123456789abcdef",
                "Basic 0123456789abcdef",
                "0123456789abcdef",
                "Bearer 0123456789abcdef, Bearer x"
            })
    void isNothingElse(String authorization) {
        assertThat(TOKEN.isIn(authorization)).isFalse();
    }

    @Test
    void isNotShown() {
        assertThat(TOKEN.toString()).doesNotContain("0123456789abcdef");
    }
}
