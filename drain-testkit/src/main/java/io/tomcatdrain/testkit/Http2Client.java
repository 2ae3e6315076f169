package io.tomcatdrain.testkit;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** One HTTP/2 connection with prior knowledge, able to break off a stream at any point. Thread-safe. */
public final class Http2Client implements AutoCloseable {
    public static final int DATA = 0;
    public static final int HEADERS = 1;
    public static final int PRIORITY = 2;
    public static final int RST_STREAM = 3;
    public static final int SETTINGS = 4;
    public static final int PING = 6;
    public static final int GOAWAY = 7;
    public static final int WINDOW_UPDATE = 8;
    public static final int CONTINUATION = 9;
    public static final int END_STREAM = 1;
    public static final int ACK = 1;
    public static final int END_HEADERS = 4;
    private static final int CANCEL = 8;
    private static final int MOST_TRIES = 3;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    private final Map<Integer, Exchange> exchanges = new ConcurrentHashMap<>();
    private int nextStream = 1;
    private long window = 65_535;
    private long initialWindow = 65_535;
    private int lastGoAway = -1;
    private boolean settled;
    private boolean ended;
    private long toTake = Long.MAX_VALUE;

    /** What is known of one stream; guarded by the connection's lock. */
    private final class Exchange {
        private final Map<String, String> headers = Answer.newHeaders();
        private final ByteArrayOutputStream body = new ByteArrayOutputStream();
        private long window = initialWindow;
        private boolean answered;
        private boolean complete;
        private boolean broken;
    }

    public Http2Client(int port) throws IOException {
        this(new Socket(InetAddress.getLoopbackAddress(), port));
    }

    /** Goes on on a connection on which nothing was sent but what TLS needs. */
    public Http2Client(Socket socket) throws IOException {
        this(socket, socket.getInputStream(), false);
        awaitSettings();
    }

    private Http2Client(Socket socket, InputStream in, boolean upgraded) throws IOException {
        this.socket = socket;
        this.in = in;
        if (upgraded) {
            exchanges.put(1, new Exchange());
            nextStream = 3;
        }
        socket.setTcpNoDelay(true);
        out = socket.getOutputStream();
        out.write(preface());
        Thread reader = new Thread(this::read, "http2-client");
        reader.setDaemon(true);
        reader.start();
    }

    /** Waits until the server has taken the settings, so that no answer is packed in a way that this client cannot read. */
    private void awaitSettings() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        lock.lock();
        try {
            while (!settled && !ended) {
                awaitNews(deadline);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Goes on as HTTP/2 on a connection that the server has just upgraded; its first request is stream 1. */
    public static Http2Client upgraded(Http11Client client) throws IOException {
        // Its buffer may hold frames that came right behind the answer.
        return new Http2Client(client.socket(), client.in, true);
    }

    public static Answer get(int port, String path, String... headers) throws IOException {
        return exchange(port, client -> client.request("GET", path, true, headers));
    }

    public static Answer post(int port, String path, String contentType, byte[] body) throws IOException {
        return exchange(port, client -> {
            int stream = client.upload(path, contentType, body.length);
            client.data(stream, body, true);
            return stream;
        });
    }

    /** Sends one request on a connection; returns its stream. */
    private interface Sending {
        int by(Http2Client client) throws IOException;
    }

    /** Sends one request on a connection of its own, and again on the next where the server did not look at it. */
    private static Answer exchange(int port, Sending sending) throws IOException {
        for (int left = MOST_TRIES - 1; ; left--) {
            try (var client = new Http2Client(port)) {
                int stream = sending.by(client);
                Answer answer = client.answer(stream);
                if (left == 0 || !client.wasNotLookedAt(stream)) {
                    return answer;
                }
            }
        }
    }

    /** Opens a stream with a POST; its body follows with {@link #data}. */
    public int upload(String path, String contentType, long length, String... headers) throws IOException {
        String[] all = Arrays.copyOf(headers, headers.length + 4);
        all[headers.length] = "content-type";
        all[headers.length + 1] = contentType;
        all[headers.length + 2] = "content-length";
        all[headers.length + 3] = String.valueOf(length);
        return request("POST", path, false, all);
    }

    /** Opens a stream; header names and values alternate. */
    public int request(String method, String path, boolean end, String... headers) throws IOException {
        byte[] block = Hpack.block(method, path, headers);
        lock.lock();
        try {
            int stream = nextStream;
            nextStream += 2;
            Exchange exchange = new Exchange();
            exchange.broken = isBeyondGoAway(stream);
            exchanges.put(stream, exchange);
            frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, block);
            return stream;
        } finally {
            lock.unlock();
        }
    }

    /** Sends a piece of a body as fast as the server's windows allow; returns false if the stream ended before. */
    public boolean data(int stream, byte[] bytes, boolean end) throws IOException {
        Exchange exchange = exchanges.get(stream);
        int at = 0;
        lock.lock();
        try {
            do {
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
                while (at < bytes.length && Math.min(window, exchange.window) <= 0 && !isOver(exchange)) {
                    awaitNews(deadline);
                }
                if (isOver(exchange)) {
                    return false;
                }
                int size = (int) Math.min(Math.min(bytes.length - at, 16_384), Math.min(window, exchange.window));
                boolean last = at + size == bytes.length;
                try {
                    frame(DATA, end && last ? END_STREAM : 0, stream, Arrays.copyOfRange(bytes, at, at + size));
                } catch (IOException closed) {
                    return false; // the server may have answered before; the reading finds that out
                }
                window -= size;
                exchange.window -= size;
                at += size;
            } while (at < bytes.length);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean isOver(Exchange exchange) {
        return ended || exchange.complete || exchange.broken;
    }

    /** Breaks off one stream. */
    public void cancel(int stream) throws IOException {
        lock.lock();
        try {
            exchanges.get(stream).broken = true;
            frame(RST_STREAM, 0, stream, new byte[] {0, 0, 0, CANCEL});
        } finally {
            lock.unlock();
        }
    }

    /** Returns true if the answer has begun, or will never come. */
    public boolean hasInput(int stream) {
        lock.lock();
        try {
            Exchange exchange = exchanges.get(stream);
            return ended || exchange.answered || exchange.broken;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the end of an answer. */
    public Answer answer(int stream) throws IOException {
        Exchange exchange = exchanges.get(stream);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        lock.lock();
        try {
            while (!isOver(exchange)) {
                awaitNews(deadline);
            }
            String status = exchange.headers.get(":status");
            return new Answer(
                    status == null ? Answer.NONE : Integer.parseInt(status),
                    exchange.headers,
                    exchange.body.toByteArray(),
                    exchange.complete);
        } finally {
            lock.unlock();
        }
    }

    private void awaitNews(long deadline) throws IOException {
        try {
            if (news.awaitNanos(deadline - System.nanoTime()) <= 0) {
                throw new IOException("nothing came for 30 s");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException(interrupted);
        }
    }

    /** Returns the last stream that the server's GOAWAY named; −1 if it sent none. */
    public int lastGoAway() {
        lock.lock();
        try {
            return lastGoAway;
        } finally {
            lock.unlock();
        }
    }

    /** Returns true if the server said that it would not look at a stream: its client may repeat the request (RFC 9113, section 6.8). */
    public boolean wasNotLookedAt(int stream) {
        lock.lock();
        try {
            return isBeyondGoAway(stream);
        } finally {
            lock.unlock();
        }
    }

    private boolean isBeyondGoAway(int stream) {
        return lastGoAway >= 0 && stream > lastGoAway;
    }

    /** Returns true once the server has closed the connection. */
    public boolean isClosed() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- reading

    /** Lets the server send as much as it likes without waiting for this client: only the connection's buffers stop it then. */
    public void openWindows() throws IOException {
        byte[] most = ByteBuffer.allocate(4).putInt(1 << 30).array();
        byte[] setting = ByteBuffer.allocate(6).putShort((short) 4).put(most).array();
        lock.lock();
        try {
            frame(SETTINGS, 0, 0, setting);
            frame(WINDOW_UPDATE, 0, 0, most);
        } finally {
            lock.unlock();
        }
    }

    /** Takes so many more bytes of bodies, and then nothing any more; at 0 it may take the one frame that comes next. */
    public void take(long bytes) {
        lock.lock();
        try {
            toTake = bytes;
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void awaitTurn() throws IOException {
        lock.lock();
        try {
            while (toTake <= 0) {
                news.await();
            }
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        } finally {
            lock.unlock();
        }
    }

    /** Returns how much of the body of an answer has come. */
    public int bodyLength(int stream) {
        lock.lock();
        try {
            return exchanges.get(stream).body.size();
        } finally {
            lock.unlock();
        }
    }

    private void read() {
        try {
            DataInputStream frames = new DataInputStream(in);
            ByteArrayOutputStream block = new ByteArrayOutputStream();
            while (true) {
                awaitTurn();
                int length = frames.readUnsignedByte() << 16 | frames.readUnsignedShort();
                int type = frames.readUnsignedByte();
                int flags = frames.readUnsignedByte();
                int stream = frames.readInt();
                byte[] payload = new byte[length];
                frames.readFully(payload);
                lock.lock();
                try {
                    handle(type, flags, stream, payload, block);
                    news.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        } catch (IOException | RuntimeException end) {
            lock.lock();
            try {
                ended = true;
                news.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void handle(int type, int flags, int stream, byte[] payload, ByteArrayOutputStream block)
            throws IOException {
        Exchange exchange = exchanges.get(stream);
        switch (type) {
            case DATA -> {
                toTake -= payload.length;
                if (payload.length > 0) {
                    byte[] grant = ByteBuffer.allocate(4).putInt(payload.length).array();
                    reply(WINDOW_UPDATE, 0, 0, grant);
                    if ((flags & END_STREAM) == 0) {
                        reply(WINDOW_UPDATE, 0, stream, grant);
                    }
                }
                if (exchange != null) {
                    exchange.body.write(payload);
                    exchange.complete |= (flags & END_STREAM) != 0;
                }
            }
            case HEADERS, CONTINUATION -> {
                block.write(payload);
                if ((flags & END_HEADERS) != 0) {
                    Hpack.decode(ByteBuffer.wrap(block.toByteArray()), exchange.headers);
                    block.reset();
                    exchange.answered = !"100".equals(exchange.headers.get(":status"));
                }
                exchange.complete |= type == HEADERS && (flags & END_STREAM) != 0;
            }
            case RST_STREAM -> {
                if (exchange != null) {
                    exchange.broken = true;
                }
            }
            case SETTINGS -> {
                if ((flags & ACK) == 0) {
                    ByteBuffer settings = ByteBuffer.wrap(payload);
                    while (settings.hasRemaining()) {
                        int id = settings.getShort();
                        int value = settings.getInt();
                        if (id == 4) {
                            long more = value - initialWindow;
                            initialWindow = value;
                            exchanges.values().forEach(each -> each.window += more);
                        }
                    }
                    reply(SETTINGS, ACK, 0, new byte[0]);
                } else {
                    settled = true;
                }
            }
            case WINDOW_UPDATE -> {
                int more = ByteBuffer.wrap(payload).getInt();
                if (stream == 0) {
                    window += more;
                } else if (exchange != null) {
                    exchange.window += more;
                }
            }
            case PING -> {
                if ((flags & ACK) == 0) {
                    reply(PING, ACK, 0, payload);
                }
            }
            case GOAWAY -> {
                lastGoAway = ByteBuffer.wrap(payload).getInt();
                exchanges.forEach((number, each) -> each.broken |= isBeyondGoAway(number));
            }
            default -> {
                // nothing that a test needs
            }
        }
    }

    // ---------------------------------------------------------------- writing

    /** Returns what a client sends first: the preface, and settings without a dynamic table, which needs no memory to be read. */
    public static byte[] preface() {
        ByteArrayOutputStream preface = new ByteArrayOutputStream();
        preface.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        preface.writeBytes(bytes(SETTINGS, 0, 0, new byte[] {0, 1, 0, 0, 0, 0}));
        return preface.toByteArray();
    }

    /** Returns one frame, whatever it may mean. */
    public static byte[] bytes(int type, int flags, int stream, byte[] payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .putInt(payload.length << 8 | type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    private void frame(int type, int flags, int stream, byte[] payload) throws IOException {
        send(bytes(type, flags, stream, payload));
    }

    /** Sends what a frame that has come asks for; a server that has closed behind it needs none, and what it sent is still to be read. */
    private void reply(int type, int flags, int stream, byte[] payload) {
        try {
            frame(type, flags, stream, payload);
        } catch (IOException closed) {
            // the reading finds that out
        }
    }

    /** Sends bytes as they are, be they frames or not. */
    public void send(byte[] bytes) throws IOException {
        lock.lock();
        try {
            out.write(bytes);
            out.flush();
        } finally {
            lock.unlock();
        }
    }

    public int localPort() {
        return socket.getLocalPort();
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
