package io.tomcatdrain.testkit;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** One HTTP/1.1 connection of which a test controls every byte. Not thread-safe. */
public final class Http11Client implements AutoCloseable {
    final InputStream in;

    private final Socket socket;
    private final OutputStream out;

    public Http11Client(int port) throws IOException {
        this(new Socket(InetAddress.getLoopbackAddress(), port));
    }

    /** Takes over a connection that has been made. */
    public Http11Client(Socket socket) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(30_000);
        in = new java.io.BufferedInputStream(socket.getInputStream());
        out = socket.getOutputStream();
    }

    /** Sends one request on a connection of its own and returns the answer, which may come before all of the body could be sent. */
    public static Answer exchange(int port, String head, byte[] body) throws IOException {
        try (var client = new Http11Client(port)) {
            client.send(head);
            try {
                client.send(body);
            } catch (IOException refused) {
                // who refuses a body may close the connection under it; the answer, if there is one, tells
            }
            return client.answer();
        }
    }

    public static Answer get(int port, String path, String... headerLines) throws IOException {
        return exchange(port, head("GET", path, headerLines), new byte[0]);
    }

    /** Returns a request's head; the lines are headers besides Host. */
    public static String head(String method, String path, String... headerLines) {
        StringBuilder head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n");
        for (String line : headerLines) {
            head.append(line).append("\r\n");
        }
        return head.append("\r\n").toString();
    }

    public Http11Client send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    public Http11Client send(byte[] bytes) throws IOException {
        return send(bytes, 0, bytes.length);
    }

    public Http11Client send(byte[] bytes, int from, int length) throws IOException {
        out.write(bytes, from, length);
        out.flush();
        return this;
    }

    /** Sends bytes as one chunk of a chunked body; none end it. */
    public Http11Client chunk(byte[] bytes) throws IOException {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream();
        chunk.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        chunk.write(bytes);
        chunk.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        return send(chunk.toByteArray());
    }

    /** Returns true if something has arrived, or nothing ever will. */
    boolean hasInput() {
        try {
            return hasInput(socket, in);
        } catch (IOException closed) {
            return true;
        }
    }

    /** The same for another client: that a connection has ended shows only to who reads. */
    static boolean hasInput(Socket socket, InputStream buffered) throws IOException {
        if (buffered.available() > 0) {
            return true;
        }
        int patience = socket.getSoTimeout();
        socket.setSoTimeout(1);
        buffered.mark(1);
        try {
            int unused = buffered.read();
            buffered.reset();
            return true;
        } catch (java.net.SocketTimeoutException nothingYet) {
            return false;
        } finally {
            socket.setSoTimeout(patience);
        }
    }

    /** Waits until something has arrived, and takes nothing of it away. */
    public void awaitInput() {
        org.awaitility.Awaitility.await().until(this::hasInput);
    }

    /** Reads the next final answer; none if the connection ends first. */
    public Answer answer() {
        return answer(false);
    }

    /** Reads the next answer, which has no body if the request was HEAD. */
    public Answer answer(boolean toHead) {
        Answer answer = readOne(toHead);
        while (answer.status() == 100) {
            answer = readOne(toHead);
        }
        return answer;
    }

    /** Reads the next answer, 100 Continue included. */
    public Answer readOne(boolean toHead) {
        Map<String, String> headers = Answer.newHeaders();
        int status = Answer.NONE;
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try {
            String line = line();
            status = Integer.parseInt(line.substring(9, 12));
            for (line = line(); !line.isEmpty(); line = line()) {
                int colon = line.indexOf(':');
                headers.merge(
                        line.substring(0, colon), line.substring(colon + 1).trim(), (a, b) -> a + ", " + b);
            }
            if (!toHead && status >= 200 && status != 204 && status != 304) {
                readBody(headers, body);
            }
            return new Answer(status, headers, body.toByteArray(), true);
        } catch (IOException ended) {
            return new Answer(status, headers, body.toByteArray(), false);
        }
    }

    private void readBody(Map<String, String> headers, ByteArrayOutputStream body) throws IOException {
        if ("chunked".equalsIgnoreCase(headers.get("Transfer-Encoding"))) {
            for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
                copy(size, body);
                line();
            }
            line();
        } else if (headers.containsKey("Content-Length")) {
            copy(Integer.parseInt(headers.get("Content-Length")), body);
        } else {
            in.transferTo(body);
        }
    }

    private void copy(int length, ByteArrayOutputStream to) throws IOException {
        byte[] bytes = in.readNBytes(length);
        to.write(bytes);
        if (bytes.length < length) {
            throw new EOFException();
        }
    }

    public byte[] read(int length) throws IOException {
        return in.readNBytes(length);
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException();
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }

    /** Reads what comes until the server closes; returns false if it does not within the time. */
    public boolean isClosedWithin(int millis) throws IOException {
        socket.setSoTimeout(millis);
        try {
            in.transferTo(OutputStream.nullOutputStream());
            return true;
        } catch (java.net.SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    public Socket socket() {
        return socket;
    }

    /** Ends this side of the connection. */
    void fin() throws IOException {
        socket.shutdownOutput();
    }

    /** Breaks the connection. */
    public void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
