package io.tomcatdrain.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 connection of which the caller writes each byte, for one request: the JDK's client would send a body at its own pace, wait for
 * {@code 100 Continue} only at will, and repeat what fails. One thread may write while another reads.
 */
final class SiteConnection implements AutoCloseable {
    private static final int CONNECT_MILLIS = 5_000;

    /** More of an answer's body is not looked at. */
    private static final int LONGEST_BODY = 8 << 20;

    private static final int LONGEST_LINE = 16_384;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    /** An answer: its status, and its headers by their names in lower case; of cookies all lines. */
    record Answer(int status, Map<String, String> headers) {
        @Nullable String header(String name) {
            return headers.get(name);
        }

        /** Returns true if a draining node refused the request. */
        boolean isRefused() {
            return "refused".equals(header("x-drain"));
        }
    }

    /**
     * Connects.
     *
     * @param trust which certificates are accepted; null for those that this JVM trusts
     * @param answerMillis how long an answer may take
     */
    SiteConnection(URI site, @Nullable SSLContext trust, int answerMillis) throws IOException {
        boolean secure = "https".equals(site.getScheme());
        int port = site.getPort() >= 0 ? site.getPort() : secure ? 443 : 80;
        Socket plain = new Socket();
        try {
            plain.connect(new InetSocketAddress(site.getHost(), port), CONNECT_MILLIS);
            plain.setTcpNoDelay(true);
            plain.setSoTimeout(answerMillis);
            socket = secure ? secured(plain, trust, site.getHost(), port) : plain;
            in = new BufferedInputStream(socket.getInputStream());
            out = socket.getOutputStream();
        } catch (IOException | RuntimeException | Error unable) {
            plain.close();
            throw unable;
        }
    }

    private static Socket secured(Socket plain, @Nullable SSLContext trust, String host, int port) throws IOException {
        SSLSocketFactory sockets =
                trust == null ? (SSLSocketFactory) SSLSocketFactory.getDefault() : trust.getSocketFactory();
        SSLSocket secured = (SSLSocket) sockets.createSocket(plain, host, port, true);
        SSLParameters parameters = secured.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secured.setSSLParameters(parameters);
        secured.startHandshake();
        return secured;
    }

    /** Writes the head of a request. */
    void head(String method, URI target, Map<String, String> headers) throws IOException {
        String path = target.getRawPath().isEmpty() ? "/" : target.getRawPath();
        String query = target.getRawQuery() == null ? "" : "?" + target.getRawQuery();
        StringBuilder head = new StringBuilder(method + " " + path + query + " HTTP/1.1\r\n");
        head.append("Host: ")
                .append(target.getRawAuthority())
                .append("\r\nUser-Agent: tomcat-drain-check\r\nConnection: close\r\n");
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    void write(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    /** Writes one chunk of a chunked body; an empty one ends it. */
    void chunk(byte[] bytes) throws IOException {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream(bytes.length + 16);
        chunk.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        chunk.write(bytes);
        chunk.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        write(chunk.toByteArray());
    }

    /**
     * Reads the next answer and its whole body.
     *
     * @throws IOException if it does not come, or is cut
     */
    Answer read() throws IOException {
        String line = line();
        if (!line.startsWith("HTTP/1.") || line.length() < 12) {
            throw new IOException("no answer of HTTP/1.1");
        }
        int status;
        try {
            status = Integer.parseInt(line.substring(9, 12));
        } catch (NumberFormatException bad) {
            throw new IOException("no answer of HTTP/1.1", bad);
        }
        Map<String, String> headers = new TreeMap<>();
        for (line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.merge(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip(),
                        (one, other) -> one + "\n" + other);
            }
        }
        if (status >= 200 && status != 204 && status != 304) {
            body(headers);
        }
        return new Answer(status, headers);
    }

    private void body(Map<String, String> headers) throws IOException {
        String length = headers.get("content-length");
        try {
            if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
                for (int size = chunkSize(); size > 0; size = chunkSize()) {
                    skip(size);
                    line();
                }
                line();
            } else if (length != null) {
                skip(Long.parseLong(length));
            } else {
                in.transferTo(OutputStream.nullOutputStream());
            }
        } catch (NumberFormatException bad) {
            throw new IOException("an answer whose length is no number", bad);
        }
    }

    private int chunkSize() throws IOException {
        String line = line();
        int end = line.indexOf(';');
        return Integer.parseInt((end < 0 ? line : line.substring(0, end)).strip(), 16);
    }

    private void skip(long length) throws IOException {
        if (length > LONGEST_BODY) {
            return; // enough of it
        }
        for (long left = length; left > 0; ) {
            long skipped = in.readNBytes((int) Math.min(left, 8192)).length;
            if (skipped == 0) {
                throw new EOFException("the answer was cut");
            }
            left -= skipped;
        }
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("the connection was closed without an answer");
            }
            if (line.length() > LONGEST_LINE) {
                throw new IOException("a line of the answer is too long");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
