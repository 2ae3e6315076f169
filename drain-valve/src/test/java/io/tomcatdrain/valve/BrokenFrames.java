package io.tomcatdrain.valve;

import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Hpack;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What clients may send behind a good request, in any order: frames that are wrong, out of place, cut off, or no frames at all. */
enum BrokenFrames {
    HTTP_1 {
        @Override
        byte[] request(String method, String path, long length) {
            return length < 0
                    ? bytes(Http11Client.head(method, path))
                    : bytes(Http11Client.head(
                            method, path, "Content-Type: " + App.MULTIPART, "Content-Length: " + length));
        }

        @Override
        byte[] piece(Random random) {
            return switch (random.nextInt(10)) {
                case 0, 1 -> body(random);
                case 2 ->
                    bytes(Http11Client.head(
                            "POST", path(random), "Content-Type: " + App.MULTIPART, "Transfer-Encoding: chunked"));
                case 3 -> bytes(Integer.toHexString(random.nextInt(3_000)) + "\r\n");
                case 4 -> bytes("zz\r\n");
                case 5 -> bytes("-1\r\n\r\n");
                case 6 -> bytes("\r\n0\r\n\r\n");
                case 7 -> bytes("GET " + path(random) + " HTTP/1.1\r\nHost : \0\r\n\r\n");
                case 8 -> any(random);
                default -> request("GET", path(random), -1);
            };
        }
    },

    HTTP_2 {
        @Override
        byte[] request(String method, String path, long length) {
            return join(Http2Client.preface(), head(1, method, path, length));
        }

        private byte[] head(int stream, String method, String path, long length) {
            int flags = Http2Client.END_HEADERS | (length < 0 ? Http2Client.END_STREAM : 0);
            byte[] block = length < 0
                    ? Hpack.block(method, path)
                    : Hpack.block(
                            method, path, "content-type", App.MULTIPART, "content-length", String.valueOf(length));
            return Http2Client.bytes(Http2Client.HEADERS, flags, stream, block);
        }

        @Override
        byte[] piece(Random random) {
            int stream = random.nextInt(8) == 0 ? random.nextInt(8) : 1 + 2 * random.nextInt(2);
            return switch (random.nextInt(14)) {
                case 0, 1 -> Http2Client.bytes(Http2Client.DATA, random.nextInt(2), stream, body(random));
                case 2 -> Http2Client.bytes(Http2Client.DATA, 8, stream, new byte[] {(byte) random.nextInt(4), 0});
                case 3, 4 -> head(stream, "POST", path(random), random.nextInt(3_000));
                case 5 -> head(stream, "GET", path(random), -1);
                case 6 -> Http2Client.bytes(Http2Client.WINDOW_UPDATE, 0, stream, new byte[4]);
                case 7 -> Http2Client.bytes(Http2Client.WINDOW_UPDATE, 0, stream, new byte[] {127, -1, -1, -1});
                case 8 -> Http2Client.bytes(Http2Client.PRIORITY, 0, stream, new byte[random.nextBoolean() ? 4 : 5]);
                case 9 -> Http2Client.bytes(Http2Client.RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8});
                case 10 ->
                    Http2Client.bytes(
                            Http2Client.SETTINGS, 0, 0, new byte[] {0, 4, (byte) random.nextInt(256), 0, 0, 1});
                case 11 -> Http2Client.bytes(Http2Client.CONTINUATION, Http2Client.END_HEADERS, stream, new byte[3]);
                case 12 -> Http2Client.bytes(random.nextInt(12), random.nextInt(256), stream, any(random));
                default -> any(random);
            };
        }
    },

    AJP {
        @Override
        byte[] request(String method, String path, long length) {
            return AjpClient.packet(AjpClient.head(
                    method,
                    path,
                    length < 0
                            ? Map.of()
                            : Map.of("Content-Type", App.MULTIPART, "Content-Length", String.valueOf(length))));
        }

        @Override
        byte[] piece(Random random) {
            return switch (random.nextInt(8)) {
                case 0, 1 -> AjpClient.packet(AjpClient.piece(body(random)));
                case 2 -> AjpClient.packet(new byte[0]);
                case 3 -> AjpClient.packet(any(random));
                case 4 -> AjpClient.packet(new byte[] {10}); // is it there?
                case 5 -> any(random);
                case 6 -> request("POST", path(random), random.nextInt(3_000));
                default -> request("GET", path(random), -1);
            };
        }
    };

    /** Paths at which Tomcat hears of a client that leaves, or whose application ends by itself. */
    private static final String[] PATHS = {
        "/app/ok",
        "/app/upload",
        "/app/parts",
        "/app/async/upload",
        "/app/async/complete",
        "/app/async/dispatch",
        "/app/none"
    };

    /** Returns the head of a request, of a GET for a negative length, behind whatever a connection begins with. */
    abstract byte[] request(String method, String path, long length);

    /** Returns the next thing that a client sends. */
    abstract byte[] piece(Random random);

    int port(TestServer server, Random random) {
        return this == AJP ? server.ajpPort() : random.nextBoolean() ? server.port() : server.otherPort();
    }

    /** Returns what one client sends in all, write by write. */
    List<byte[]> sequence(Random random) {
        List<byte[]> writes = new ArrayList<>();
        ByteArrayOutputStream next = new ByteArrayOutputStream();
        next.writeBytes(request("POST", path(random), random.nextInt(4) == 0 ? 0 : random.nextInt(3_000)));
        for (int pieces = random.nextInt(6); pieces > 0; pieces--) {
            if (random.nextInt(3) == 0) {
                writes.add(next.toByteArray());
                next.reset();
            }
            next.writeBytes(piece(random));
        }
        writes.add(next.toByteArray());
        return writes;
    }

    private static String path(Random random) {
        return PATHS[random.nextInt(PATHS.length)];
    }

    private static byte[] body(Random random) {
        return new byte[random.nextInt(2_000)];
    }

    private static byte[] any(Random random) {
        byte[] any = new byte[random.nextInt(40)];
        random.nextBytes(any);
        return any;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] join(byte[] one, byte[] other) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        joined.writeBytes(one);
        joined.writeBytes(other);
        return joined.toByteArray();
    }
}
