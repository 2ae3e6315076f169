package io.tomcatdrain.valve;

import static org.awaitility.Awaitility.await;

import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;

/** One connection over which a client sends one small upload after the other, whatever the protocol. Not thread-safe. */
interface Line extends AutoCloseable {
    byte[] BODY = App.multipart(100);

    /** What a client is spoken to with. */
    enum Protocol {
        HTTP_1,
        HTTP_2,
        AJP;

        /** Connects; throws ConnectException if the kernel refuses. */
        Line connect(TestServer server) throws IOException {
            return connect(server.port(), server.ajpPort());
        }

        Line connect(int port, int ajpPort) throws IOException {
            return switch (this) {
                case HTTP_1 -> new Http11(new Http11Client(port));
                case HTTP_2 -> new Http2(new Http2Client(port));
                case AJP -> new Ajp(new AjpClient(ajpPort));
            };
        }
    }

    /** Sends an upload and returns its answer; one without a status if the connection ended before. */
    Answer upload() throws IOException;

    /** Returns true if the last answer lets the client send again on this connection. */
    boolean isReusable();

    /**
     * Returns true if the server has said that it did not look at the last request, so that its client may send it again elsewhere:
     * HTTP/2 alone can (RFC 9113, section 6.8).
     */
    default boolean wasNotLookedAt() {
        return false;
    }

    /** Waits until the server has closed the connection, on which nothing is under way; returns false if it does not. */
    boolean isClosedByServer() throws IOException;

    @Override
    void close() throws IOException;

    /** The client's port. */
    int localPort();

    /**
     * Uploads without a pause, over connections that are kept for as long as they may be and over fresh ones, until the kernel refuses to
     * connect. Returns what was wrong; nothing if each upload over a connection that was accepted was answered, or was not looked at.
     *
     * @param answered is told of each answer
     */
    static String uploadUntilRefused(Protocol protocol, int port, int ajpPort, Runnable answered, Accepted accepted) {
        String lost = "";
        while (true) {
            long connecting = System.nanoTime();
            try (Line line = protocol.connect(port, ajpPort)) {
                if (!lost.isEmpty()) {
                    return lost + ", by a listener that is open";
                }
                lost = uploadWhileReusable(line, connecting, answered);
                if (accepted.forget(line.localPort()) && !lost.isEmpty()) {
                    return protocol + " " + lost;
                }
            } catch (ConnectException refused) {
                return "";
            } catch (IOException reset) {
                lost = wasIdle(connecting) ? "" : protocol + " lost a fresh connection: " + reset;
            }
        }
    }

    /** Returns what was wrong; nothing if all is well. */
    private static String uploadWhileReusable(Line line, long connecting, Runnable answered) {
        long idleSince = connecting; // at the earliest: an answer may have waited for its client
        int answers = 0;
        try {
            do {
                long sent = System.nanoTime();
                Answer answer = line.upload();
                if (line.wasNotLookedAt()) {
                    return "";
                }
                if (!answer.complete()) {
                    throw new EOFException(
                            answer.toString()); // a client tells what it reads so, be it an end or a reset
                }
                if (isWrong(answer)) {
                    return "answered " + answer;
                }
                answered.run();
                answers++;
                idleSince = sent;
            } while (line.isReusable());
            return "";
        } catch (IOException lost) {
            return wasIdle(idleSince) ? "" : "lost behind " + answers + " answers: " + lost;
        }
    }

    private static boolean isWrong(Answer answer) {
        return answer.status() == 200 ? !answer.text().equals(App.sha256(BODY)) : answer.status() != 503;
    }

    /** Returns true if a client of a slow machine may have sent when the server had closed its connection as idle. */
    private static boolean wasIdle(long since) {
        return System.nanoTime() - since >= OpenConnections.IDLE_NANOS;
    }

    /** HTTP/1.1. */
    final class Http11 implements Line {
        private final Http11Client client;
        private boolean reusable = true;

        private Http11(Http11Client client) {
            this.client = client;
        }

        @Override
        public Answer upload() throws IOException {
            Answer answer = client.send(Http11Client.head(
                            "POST", "/app/upload", "Content-Type: " + App.MULTIPART, "Content-Length: " + BODY.length))
                    .send(BODY)
                    .answer();
            reusable = answer.complete() && !"close".equals(answer.header("Connection"));
            return answer;
        }

        @Override
        public boolean isReusable() {
            return reusable;
        }

        @Override
        public boolean isClosedByServer() throws IOException {
            return client.isClosedWithin(30_000);
        }

        @Override
        public int localPort() {
            return client.socket().getLocalPort();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    /** HTTP/2, one stream after the other. */
    final class Http2 implements Line {
        private final Http2Client client;
        private int stream = -1;

        private Http2(Http2Client client) {
            this.client = client;
        }

        @Override
        public Answer upload() throws IOException {
            stream += 2;
            try {
                var unused = client.upload("/app/upload", App.MULTIPART, BODY.length) == stream
                        && client.data(stream, BODY, true);
            } catch (IOException closed) {
                // What the server has said before is still to be read.
            }
            return client.answer(stream);
        }

        @Override
        public boolean isReusable() {
            return client.lastGoAway() < 0 && !client.isClosed();
        }

        @Override
        public boolean wasNotLookedAt() {
            return client.wasNotLookedAt(stream);
        }

        @Override
        public boolean isClosedByServer() {
            await().until(client::isClosed);
            return client.lastGoAway() >= 0;
        }

        @Override
        public int localPort() {
            return client.localPort();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    /** AJP, as a front end speaks it. */
    final class Ajp implements Line {
        private final AjpClient client;

        private Ajp(AjpClient client) {
            this.client = client;
        }

        @Override
        public Answer upload() throws IOException {
            return client.upload("/app/upload", App.MULTIPART, BODY.length).answer(AjpClient.Body.of(BODY));
        }

        @Override
        public boolean isReusable() {
            return client.isReusable();
        }

        @Override
        public boolean isClosedByServer() {
            return !client.finish(AjpClient.Body.of(new byte[0])).complete();
        }

        @Override
        public int localPort() {
            return client.localPort();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }
}
