package io.tomcatdrain.testkit.fleet;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One HTTP/1.1 request and its answer on a connection of its own.
 *
 * <p>Written by hand because a body must be sent slowly, an answer that comes before the body's end must be seen, and
 * {@code Expect: 100-continue} does not work in the JDK's client.
 */
public final class Exchange implements Closeable {
    private static final int CONNECT_MILLIS = 30_000;
    private static final int ANSWER_MILLIS = 60_000;
    private static final int LONGEST_LINE = 8_192;

    private final Socket socket;
    private final InputStream in;
    private final int answerMillis;

    /** What came back: status, headers by lower-case name (the last one of each), and the body as text. */
    public record Answer(int status, Map<String, String> headers, String body) {}

    private Exchange(Socket socket, int answerMillis) throws IOException {
        this.socket = socket;
        this.answerMillis = answerMillis;
        this.in = new BufferedInputStream(socket.getInputStream(), LONGEST_LINE);
    }

    public static Exchange with(int port) throws IOException {
        return with(port, Duration.ofMillis(ANSWER_MILLIS));
    }

    /** The same for a server that may be silent for so long. */
    public static Exchange with(int port, Duration patience) throws IOException {
        int answerMillis = Math.toIntExact(patience.toMillis());
        var socket = new Socket();
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(answerMillis);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_MILLIS);
            return new Exchange(socket, answerMillis);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Sends a request without a body and returns its answer. The headers are lines that end in CRLF. */
    public static Answer get(int port, String path, String headers) throws IOException {
        try (var exchange = with(port)) {
            exchange.sendHead("GET", path, headers);
            return exchange.answer();
        }
    }

    public void sendHead(String method, String path, String headers) throws IOException {
        var head = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n";
        send(head.getBytes(StandardCharsets.ISO_8859_1));
    }

    public void send(byte[] bytes) throws IOException {
        send(bytes, 0, bytes.length);
    }

    public void send(byte[] bytes, int offset, int length) throws IOException {
        socket.getOutputStream().write(bytes, offset, length);
    }

    /**
     * Whether the answer has begun to come, so that the rest of the body need not be sent. A {@code 100 Continue} is none, however late it
     * comes: who takes it for the answer waits for a node that waits for the body.
     */
    boolean hasAnswer() throws IOException {
        while (in.available() > 0) {
            in.mark(LONGEST_LINE);
            if (status(line()) != 100) {
                in.reset();
                return true;
            }
            headers();
        }
        return false;
    }

    /** Waits a while for {@code 100 Continue}, as curl does; false when a final answer has come instead. */
    public boolean mayContinue(Duration limit) throws IOException {
        in.mark(LONGEST_LINE);
        socket.setSoTimeout(Math.toIntExact(limit.toMillis()));
        try {
            if (status(line()) == 100) {
                headers();
                return true;
            }
            in.reset();
            return false;
        } catch (SocketTimeoutException nothingYet) {
            in.reset();
            return true;
        } finally {
            socket.setSoTimeout(answerMillis);
        }
    }

    public Answer answer() throws IOException {
        int status = status(line());
        var headers = headers();
        while (status == 100) {
            status = status(line());
            headers = headers();
        }
        return new Answer(status, headers, new String(body(headers), StandardCharsets.UTF_8));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private byte[] body(Map<String, String> headers) throws IOException {
        if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
            return chunks();
        }
        var length = headers.get("content-length");
        return length == null ? in.readAllBytes() : exactly(Integer.parseInt(length));
    }

    private byte[] chunks() throws IOException {
        var whole = new ByteArrayOutputStream();
        for (int size = chunkSize(); size > 0; size = chunkSize()) {
            whole.write(exactly(size));
            line();
        }
        headers();
        return whole.toByteArray();
    }

    private int chunkSize() throws IOException {
        return Integer.parseInt(line().split(";", 2)[0].trim(), 16);
    }

    private byte[] exactly(int length) throws IOException {
        var bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("answer ended after " + bytes.length + " of " + length + " bytes");
        }
        return bytes;
    }

    private Map<String, String> headers() throws IOException {
        var headers = new TreeMap<String, String>();
        for (var line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).trim());
        }
        return headers;
    }

    private static int status(String line) throws IOException {
        if (!line.startsWith("HTTP/1.")) {
            throw new IOException("no status line: " + line);
        }
        return Integer.parseInt(line.substring(9, 12));
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException(line.isEmpty() ? "connection closed without an answer" : "cut in: " + line);
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }
}
