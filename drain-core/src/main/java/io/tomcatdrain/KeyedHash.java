package io.tomcatdrain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/**
 * SipHash-2-4 with 128 bits under a secret of its own, so that a client cannot find two texts that fall together
 * (https://www.aumasson.jp/siphash/siphash.pdf). Immutable and thread-safe.
 */
final class KeyedHash {
    private final long key0;
    private final long key1;

    /** Makes a hash with a secret that no other has. */
    KeyedHash() {
        this(new SecureRandom());
    }

    private KeyedHash(SecureRandom random) {
        this(random.nextLong(), random.nextLong());
    }

    KeyedHash(long key0, long key1) {
        this.key0 = key0;
        this.key1 = key1;
    }

    /** 128 bits that stand for a text. Compared by value, with subclasses too. */
    static class Key {
        private final long high;
        private final long low;

        Key(long high, long low) {
            this.high = high;
            this.low = low;
        }

        Key(Key other) {
            this(other.high, other.low);
        }

        long high() {
            return high;
        }

        long low() {
            return low;
        }

        @Override
        public final boolean equals(@Nullable Object other) {
            return other instanceof Key key && key.high == high && key.low == low;
        }

        @Override
        public final int hashCode() {
            return Long.hashCode(low); // as good as chance, by the secret
        }
    }

    Key of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    Key of(byte[] bytes) {
        State state = new State();
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int whole = bytes.length & ~7;
        for (int i = 0; i < whole; i += 8) {
            state.absorb(words.getLong(i));
        }
        long last = (long) bytes.length << 56;
        for (int i = whole; i < bytes.length; i++) {
            last |= (bytes[i] & 0xFFL) << (8 * (i - whole));
        }
        state.absorb(last);
        return state.end();
    }

    private final class State {
        private long v0 = 0x736f6d6570736575L ^ key0;
        private long v1 = 0x646f72616e646f6dL ^ key1 ^ 0xEE;
        private long v2 = 0x6c7967656e657261L ^ key0;
        private long v3 = 0x7465646279746573L ^ key1;

        void absorb(long word) {
            v3 ^= word;
            rounds(2);
            v0 ^= word;
        }

        Key end() {
            v2 ^= 0xEE;
            rounds(4);
            long first = v0 ^ v1 ^ v2 ^ v3;
            v1 ^= 0xDD;
            rounds(4);
            return new Key(first, v0 ^ v1 ^ v2 ^ v3);
        }

        private void rounds(int count) {
            for (int i = 0; i < count; i++) {
                v0 += v1;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v3;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 += v3;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 += v1;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v2 = Long.rotateLeft(v2, 32);
            }
        }
    }
}
