package io.tomcatdrain.boot;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Plain HTTP/1.1 over a socket: whole requests, and uploads that come a byte at a time. */
final class Client {
    private Client() {}

    static int status(int port, String path) {
        return Integer.parseInt(get(port, path).split(" ", 3)[1]);
    }

    /** The whole answer, head and body. */
    static String get(int port, String path) {
        return exchange(port, "GET " + path, "User-Agent: test\r\n");
    }

    static String exchange(int port, String methodAndPath, String headers) {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write((methodAndPath + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An upload whose head and first byte have been sent. */
    static final class Upload implements AutoCloseable {
        private static final int BYTES = 100;

        private final Socket socket;

        Upload(int port) {
            try {
                socket = new Socket(InetAddress.getLoopbackAddress(), port);
                send(
                        "POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/offset+octet-stream\r\n"
                                + "Content-Length: " + BYTES + "\r\n\r\n.");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Sends the rest and returns the answer. */
        String finish() throws IOException {
            send(".".repeat(BYTES - 1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }

        private void send(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
