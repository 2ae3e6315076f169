package io.tomcatdrain.testkit;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/** One AJP/1.3 connection, as a front end's mod_jk or mod_proxy_ajp holds it. Not thread-safe. */
public final class AjpClient implements AutoCloseable {
    private static final int MOST_BODY = 8186;
    private static final String[] RESPONSE_HEADERS = {
        "Content-Type",
        "Content-Language",
        "Content-Length",
        "Date",
        "Last-Modified",
        "Location",
        "Set-Cookie",
        "Set-Cookie2",
        "Servlet-Engine",
        "Status",
        "WWW-Authenticate"
    };

    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;
    private boolean reusable = true;

    /** How many bytes of the body the server has asked for beyond the first packet. */
    private int chunksAskedFor;

    public AjpClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(30_000);
        in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
        out = socket.getOutputStream();
    }

    /** Where the bytes of a body come from, packet by packet. */
    public interface Body {
        /** Returns at most so many bytes; none at the end. */
        byte[] next(int most) throws IOException;

        public static Body of(byte[] all) {
            int[] at = {0};
            return most -> {
                byte[] next = Arrays.copyOfRange(all, at[0], Math.min(all.length, at[0] + most));
                at[0] += next.length;
                return next;
            };
        }
    }

    public static Answer get(int port, String path) throws IOException {
        try (var client = new AjpClient(port)) {
            return client.forward("GET", path, Map.of()).answer(Body.of(new byte[0]));
        }
    }

    public static Answer post(int port, String path, String contentType, byte[] body) throws IOException {
        try (var client = new AjpClient(port)) {
            return client.upload(path, contentType, body.length).answer(Body.of(body));
        }
    }

    /** Sends a POST's head; the body follows with {@link #body} or {@link #answer}. */
    public AjpClient upload(String path, String contentType, long length, String... more) throws IOException {
        Map<String, String> headers = Answer.newHeaders();
        headers.put("Content-Type", contentType);
        headers.put("Content-Length", String.valueOf(length));
        for (int i = 0; i < more.length; i += 2) {
            headers.put(more[i], more[i + 1]);
        }
        return forward("POST", path, headers);
    }

    public AjpClient forward(String method, String path, Map<String, String> headers) throws IOException {
        send(head(method, path, headers));
        return this;
    }

    /** Returns what a front end says of a request, to go into a packet. */
    public static byte[] head(String method, String path, Map<String, String> headers) {
        ByteArrayOutputStream packet = new ByteArrayOutputStream();
        packet.write(2);
        packet.write(method.equals("GET") ? 2 : method.equals("HEAD") ? 3 : 4);
        string(packet, "HTTP/1.1");
        string(packet, path);
        string(packet, "127.0.0.9");
        string(packet, "127.0.0.9");
        string(packet, "localhost");
        number(packet, 80);
        packet.write(0);
        number(packet, headers.size() + 1);
        number(packet, 0xA00B);
        string(packet, "localhost");
        for (Map.Entry<String, String> header : headers.entrySet()) {
            switch (header.getKey()) {
                case "Content-Type" -> number(packet, 0xA007);
                case "Content-Length" -> number(packet, 0xA008);
                default -> string(packet, header.getKey());
            }
            string(packet, header.getValue());
        }
        packet.write(0xFF);
        return packet.toByteArray();
    }

    /** Sends a piece of the body; none means its end. */
    public AjpClient body(byte[] piece) throws IOException {
        if (piece.length == 0) {
            send(new byte[0]);
            return this;
        }
        send(piece(piece));
        return this;
    }

    /** Returns a piece of a body, to go into a packet. */
    public static byte[] piece(byte[] bytes) {
        ByteArrayOutputStream piece = new ByteArrayOutputStream();
        number(piece, bytes.length);
        piece.writeBytes(bytes);
        return piece.toByteArray();
    }

    /** Sends the first packet of the body as front ends do unasked, then what is asked for, and returns the answer. */
    public Answer answer(Body body) throws IOException {
        byte[] first = body.next(MOST_BODY);
        if (first.length > 0) {
            bodyUnlessRefused(first);
        }
        return finish(body);
    }

    /** Who refuses a body may close the connection under it; what has come before that can still be read. */
    private void bodyUnlessRefused(byte[] piece) {
        try {
            body(piece);
        } catch (IOException refused) {
            reusable = false;
        }
    }

    /** Sends what the server asks for and returns the answer. */
    public Answer finish(Body body) {
        Map<String, String> headers = Answer.newHeaders();
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        int status = Answer.NONE;
        try {
            while (true) {
                if (in.readUnsignedShort() != 0x4142) {
                    throw new IOException("no AJP answer");
                }
                byte[] packet = new byte[in.readUnsignedShort()];
                in.readFully(packet);
                DataInputStream fields = new DataInputStream(new java.io.ByteArrayInputStream(packet));
                switch (fields.readUnsignedByte()) {
                    case 3 -> {
                        byte[] piece = new byte[fields.readUnsignedShort()];
                        fields.readFully(piece);
                        content.write(piece);
                    }
                    case 4 -> {
                        status = fields.readUnsignedShort();
                        string(fields);
                        for (int left = fields.readUnsignedShort(); left > 0; left--) {
                            String name = headerName(fields);
                            headers.merge(name, string(fields), (a, b) -> a + ", " + b);
                        }
                    }
                    case 5 -> {
                        reusable = fields.readUnsignedByte() == 1;
                        return new Answer(status, headers, content.toByteArray(), true);
                    }
                    case 6 -> {
                        chunksAskedFor++;
                        bodyUnlessRefused(body.next(Math.min(MOST_BODY, fields.readUnsignedShort())));
                    }
                    default -> throw new IOException("unknown AJP packet");
                }
            }
        } catch (IOException ended) {
            reusable = false;
            return new Answer(status, headers, content.toByteArray(), false);
        }
    }

    /** Returns true if the server let the connection be used again. */
    public boolean isReusable() {
        return reusable;
    }

    /** Returns how often the server asked for more of the body. */
    public int chunksAskedFor() {
        return chunksAskedFor;
    }

    /** Returns true if something has arrived, or nothing ever will. */
    public boolean hasInput() {
        try {
            return Http11Client.hasInput(socket, in);
        } catch (IOException closed) {
            return true;
        }
    }

    public int localPort() {
        return socket.getLocalPort();
    }

    public void fin() throws IOException {
        socket.shutdownOutput();
    }

    public void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private void send(byte[] data) throws IOException {
        out.write(packet(data));
        out.flush();
    }

    /** Returns a packet from a front end. */
    public static byte[] packet(byte[] data) {
        ByteArrayOutputStream packet = new ByteArrayOutputStream();
        number(packet, 0x1234);
        number(packet, data.length);
        packet.writeBytes(data);
        return packet.toByteArray();
    }

    private static void number(ByteArrayOutputStream to, int value) {
        to.write(value >> 8);
        to.write(value);
    }

    private static void string(ByteArrayOutputStream to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        number(to, bytes.length);
        to.write(bytes, 0, bytes.length);
        to.write(0);
    }

    private static String headerName(DataInputStream from) throws IOException {
        int code = from.readUnsignedShort();
        return code >= 0xA001 ? RESPONSE_HEADERS[code - 0xA001] : string(from, code);
    }

    private static String string(DataInputStream from) throws IOException {
        int length = from.readUnsignedShort();
        return length == 0xFFFF ? "" : string(from, length);
    }

    private static String string(DataInputStream from, int length) throws IOException {
        byte[] bytes = new byte[length];
        from.readFully(bytes);
        if (from.readUnsignedByte() != 0) {
            throw new EOFException("AJP string without its end");
        }
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
