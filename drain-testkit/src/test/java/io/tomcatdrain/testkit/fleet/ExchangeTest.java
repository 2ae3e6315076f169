package io.tomcatdrain.testkit.fleet;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The client of the fleet, whose peer is here the test itself: no server can be told to send its answer in such pieces. */
final class ExchangeTest {
    private static final Duration NOT_LONG = Duration.ofMillis(1);
    private static final Duration LOOKS = Duration.ofMillis(300);

    /** Taken for the answer, it would end the upload in its middle, and both sides would wait for each other. */
    @Test
    void takesNoLateContinueForTheAnswer() throws IOException {
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var exchange = Exchange.with(listener.getLocalPort());
                var peer = listener.accept()) {
            exchange.sendHead("POST", "/upload", "Expect: 100-continue\r\nContent-Length: 4\r\n");
            assertThat(exchange.mayContinue(NOT_LONG))
                    .as("waits no longer for it")
                    .isTrue();
            exchange.send("ab".getBytes(US_ASCII));

            send(peer, "HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 Continue\r\nX-Twice: yes\r\n\r\n");
            await().during(LOOKS).until(() -> !exchange.hasAnswer());

            exchange.send("cd".getBytes(US_ASCII));
            send(peer, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
            await().until(exchange::hasAnswer);
            assertThat(exchange.answer().body()).isEqualTo("ok");
        }
    }

    @Test
    void seesAnAnswerBeforeTheBodysEnd() throws IOException {
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var exchange = Exchange.with(listener.getLocalPort());
                var peer = listener.accept()) {
            exchange.sendHead("POST", "/upload", "Content-Length: 4\r\n");
            assertThat(exchange.hasAnswer()).isFalse();

            send(peer, "HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n");

            await().until(exchange::hasAnswer);
            assertThat(exchange.hasAnswer()).as("asked again").isTrue();
            assertThat(exchange.answer().status()).isEqualTo(503);
        }
    }

    private static void send(Socket peer, String text) throws IOException {
        peer.getOutputStream().write(text.getBytes(US_ASCII));
    }
}
