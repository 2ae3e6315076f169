package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whoever listens to events and takes none is dropped, and holds nobody until then. */
@Timeout(60)
class SlowReadersIT {
    private static final int PLACES = 16;

    @TempDir
    Path directory;

    @Test
    void areDroppedAndHoldNoDrain() throws Exception {
        try (SmallServer server = new SmallServer(directory)) {
            server.tomcat.getConnector().setProperty("connectionTimeout", "500"); // for writing, too
            server.tomcat.getConnector().setProperty("disableUploadTimeout", "false");
            server.tomcat.getConnector().setProperty("connectionUploadTimeout", "60000");
            server.tomcat.getConnector().setProperty("socket.txBufSize", "8192");
            server.start();
            List<Socket> sockets = new ArrayList<>();
            try {
                for (int i = 0; i < PLACES; i++) {
                    sockets.add(listenWithoutReading(server));
                }
                await().until(() -> statusOfAListener(server) == 429);

                // So long a status that no buffer on the way takes two.
                for (int i = 0; i < 8; i++) {
                    sockets.add(server.beginUpload("/app/" + "x".repeat(6000), 100, 10));
                }
                await().until(() -> server.valve.drain().summary().inFlight().uploads() == 8);
                server.valve.drain().start("test");

                await().atMost(Duration.ofSeconds(20)).until(() -> statusOfAListener(server) == 200);
                for (Socket upload : sockets.subList(PLACES, sockets.size())) {
                    upload.getOutputStream().write(new byte[90]);
                }
                assertThat(server.valve.drain().awaitDrained(Duration.ofMillis(10_000)))
                        .isTrue();
            } finally {
                for (Socket socket : sockets) {
                    socket.close();
                }
            }
        }
    }

    private static Socket listenWithoutReading(SmallServer server) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(2048);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
        socket.getOutputStream()
                .write(("GET /drain/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + SmallServer.TOKEN
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static int statusOfAListener(SmallServer server) throws Exception {
        HttpRequest request = server.request("/drain/events")
                .header("Authorization", "Bearer " + SmallServer.TOKEN)
                .build();
        HttpResponse<InputStream> answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofInputStream());
        answer.body().close();
        return answer.statusCode();
    }
}
