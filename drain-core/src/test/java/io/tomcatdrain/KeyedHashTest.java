package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyedHashTest {
    /** The reference's vectors: a key of 00 01 .. 0f, and the bytes 00 01 .. of a length (vectors_sip128 of github.com/veorq/SipHash). */
    @ParameterizedTest
    @CsvSource({
        "0, a3817f04ba25a8e66df67214c7550293",
        "1, da87c1d86b99af44347659119b22fc45",
        "2, 8177228da4a45dc7fca38bdef60affe4",
        "8, 3b62a9ba6258f5610f83e264f31497b4"
    })
    void isSipHash(int length, String expected) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) i;
        }
        KeyedHash.Key key = new KeyedHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L).of(bytes);

        HexFormat hex = HexFormat.of();
        assertThat(hex.toHexDigits(Long.reverseBytes(key.high())) + hex.toHexDigits(Long.reverseBytes(key.low())))
                .isEqualTo(expected);
    }

    @Test
    void twoHashesHaveNothingInCommon() {
        assertThat(new KeyedHash().of("one")).isNotEqualTo(new KeyedHash().of("one"));
    }

    @Test
    void aTextHasOneKey() {
        KeyedHash hash = new KeyedHash();
        assertThat(hash.of("/files/ü")).isEqualTo(hash.of("/files/ü")).hasSameHashCodeAs(hash.of("/files/ü"));
        assertThat(hash.of("/files/ü")).isNotEqualTo(hash.of("/files/u"));
    }
}
