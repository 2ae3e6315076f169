package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.DrainSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

class BearerTokenTest {
    private static final DrainSettings SETTINGS = DrainSettings.defaults().with("token", "0123456789abcdef");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Bearer 0123456789abcdef",
                "bearer 0123456789abcdef",
                "BEARER  0123456789abcdef",
                "Bearer 0123456789abcdef "
            })
    void isFoundWhateverTheCaseOfTheScheme(String authorization) {
        assertThat(BearerToken.isIn(authorization, SETTINGS)).isTrue();
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
        assertThat(BearerToken.isIn(authorization, SETTINGS)).isFalse();
    }

    @Test
    void isFoundNowhereWhereThereIsNone() {
        assertThat(BearerToken.isIn("Bearer ", DrainSettings.defaults())).isFalse();
    }
}
