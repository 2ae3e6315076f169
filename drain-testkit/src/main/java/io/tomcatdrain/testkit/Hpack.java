package io.tomcatdrain.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.coyote.http2.HPackHuffman;

/** Header blocks as HTTP/2 packs them (RFC 7541), as far as a client without a dynamic table needs it. */
public final class Hpack {
    /** The names of HPACK's static table, from 1 on. */
    private static final List<String> STATIC_NAMES = List.of((":authority :method :method :path :path :scheme :scheme"
                    + " :status :status :status :status :status :status :status accept-charset accept-encoding"
                    + " accept-language accept-ranges accept access-control-allow-origin age allow authorization"
                    + " cache-control content-disposition content-encoding content-language content-length"
                    + " content-location content-range content-type cookie date etag expect expires from host"
                    + " if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link"
                    + " location max-forwards proxy-authenticate proxy-authorization range referer refresh"
                    + " retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary"
                    + " via www-authenticate")
            .split(" "));

    private static final List<String> STATIC_STATUS = List.of("200", "204", "206", "304", "400", "404", "500");

    private Hpack() {}

    /** Returns the header block of a request; names and values alternate. */
    public static byte[] block(String method, String path, String... headers) {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        // By their numbers in the static table: Tomcat 10.1.59 and 11.0.24 take no colon in a name that is spelled out.
        field(block, 2, method);
        field(block, 6, "http");
        field(block, 1, "localhost");
        field(block, 4, path);
        for (int i = 0; i < headers.length; i += 2) {
            field(block, headers[i].toLowerCase(Locale.ROOT), headers[i + 1]);
        }
        return block.toByteArray();
    }

    /** Reads a block into headers; the status is {@code :status}. */
    static void decode(ByteBuffer block, Map<String, String> headers) throws IOException {
        while (block.hasRemaining()) {
            int first = block.get(block.position()) & 0xFF;
            if (first >= 0x80) {
                int index = integer(block, 7);
                if (index < 8 || index > 14) {
                    throw new IOException("static field " + index + " has no value that a response could mean");
                }
                headers.put(":status", STATIC_STATUS.get(index - 8));
            } else if (first >= 0x20 && first < 0x40) {
                integer(block, 5);
            } else {
                int index = integer(block, first >= 0x40 ? 6 : 4);
                String name = index == 0 ? string(block) : STATIC_NAMES.get(index - 1);
                headers.merge(name, string(block), (a, b) -> name.equals(":status") ? b : a + ", " + b);
            }
        }
    }

    private static int integer(ByteBuffer from, int bits) {
        int most = (1 << bits) - 1;
        int value = from.get() & most;
        if (value < most) {
            return value;
        }
        for (int shift = 0; ; shift += 7) {
            int next = from.get();
            value += (next & 0x7F) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }

    private static String string(ByteBuffer from) throws IOException {
        boolean huffman = from.get(from.position()) < 0;
        int length = integer(from, 7);
        if (huffman) {
            StringBuilder text = new StringBuilder();
            try {
                HPackHuffman.decode(from, length, text);
            } catch (Exception bad) {
                throw new IOException(bad);
            }
            return text.toString();
        }
        byte[] bytes = new byte[length];
        from.get(bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static void field(ByteArrayOutputStream to, String name, String value) {
        to.write(0);
        string(to, name);
        string(to, value);
    }

    private static void field(ByteArrayOutputStream to, int name, String value) {
        to.write(name);
        string(to, value);
    }

    private static void string(ByteArrayOutputStream to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length < 127) {
            to.write(bytes.length);
        } else {
            to.write(127);
            int rest = bytes.length - 127;
            for (; rest >= 128; rest >>= 7) {
                to.write(rest & 0x7F | 0x80);
            }
            to.write(rest);
        }
        to.write(bytes, 0, bytes.length);
    }
}
