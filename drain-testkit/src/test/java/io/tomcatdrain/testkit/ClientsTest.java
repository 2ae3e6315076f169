package io.tomcatdrain.testkit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Clients of a peer that closes under them, which is here the test itself: an answer that came before is theirs all the same. */
final class ClientsTest {
    private static final int SEVERAL = 10;

    private static ServerSocket listener() throws IOException {
        return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }

    /** Closed with something unread, a connection is reset. */
    private static Void answerAndReset(Socket peer, byte[] answer) throws IOException {
        try (peer) {
            assertThat(peer.getInputStream().read()).isNotNegative();
            peer.getOutputStream().write(answer);
        }
        return null;
    }

    @RepeatedTest(SEVERAL)
    void anAnswerThatComesWhileTheBodyIsSentIsRead() throws Exception {
        try (ServerSocket listener = listener()) {
            byte[] refusal = "HTTP/1.1 503 \r\nContent-Length: 2\r\n\r\nno".getBytes(US_ASCII);
            Background<Void> peer = Background.call(() -> answerAndReset(listener.accept(), refusal));
            String head = Http11Client.head("POST", "/", "Content-Length: 20000000");
            Answer answer = Http11Client.exchange(listener.getLocalPort(), head, new byte[20_000_000]);
            peer.result();
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.text()).isEqualTo("no");
        }
    }

    @RepeatedTest(SEVERAL)
    void theLastFramesOfAServerThatHasClosedAreRead() throws Exception {
        try (ServerSocket listener = listener()) {
            Background<Socket> accepting = Background.call(() -> {
                Socket peer = listener.accept();
                peer.getOutputStream().write(Http2Client.bytes(Http2Client.SETTINGS, 0, 0, new byte[0]));
                peer.getOutputStream().write(Http2Client.bytes(Http2Client.SETTINGS, Http2Client.ACK, 0, new byte[0]));
                return peer;
            });
            try (var client = new Http2Client(listener.getLocalPort())) {
                int stream = client.upload("/", "text/plain", 100);
                ByteArrayOutputStream frames = new ByteArrayOutputStream();
                byte[] status200 = {(byte) 0x88};
                frames.writeBytes(Http2Client.bytes(Http2Client.HEADERS, Http2Client.END_HEADERS, stream, status200));
                for (byte piece : "answer".getBytes(US_ASCII)) {
                    frames.writeBytes(Http2Client.bytes(Http2Client.DATA, 0, stream, new byte[] {piece}));
                }
                frames.writeBytes(Http2Client.bytes(Http2Client.DATA, Http2Client.END_STREAM, stream, new byte[0]));
                answerAndReset(accepting.result(), frames.toByteArray());
                while (client.data(stream, new byte[1], false)) {
                    Thread.onSpinWait();
                }
                Answer answer = client.answer(stream);
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.text()).isEqualTo("answer");
                assertThat(answer.complete()).isTrue();
            }
        }
    }

    @Test
    void theEndOfAConnectionIsInputToo() throws Exception {
        try (ServerSocket listener = listener();
                var client = new Http11Client(listener.getLocalPort())) {
            Socket peer = listener.accept();
            assertThat(client.hasInput()).isFalse();
            peer.close();
            await().until(client::hasInput);
            assertThat(client.answer().status()).isEqualTo(Answer.NONE);
        }
    }

    @Test
    void inputThatWasSeenIsStillThere() throws Exception {
        try (ServerSocket listener = listener();
                var client = new Http11Client(listener.getLocalPort());
                Socket peer = listener.accept()) {
            peer.getOutputStream().write("HTTP/1.1 204 \r\n\r\n".getBytes(US_ASCII));
            client.awaitInput();
            assertThat(client.hasInput()).isTrue();
            assertThat(client.answer().status()).isEqualTo(204);
        }
    }
}
