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
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whoever listens to events and takes none is dropped, and holds nobody until then. */
@Timeout(180)
class SlowReadersIT {
    private static final int PLACES = 16;

    @TempDir
    Path directory;

    @Test
    void areDroppedAndHoldNoDrain() throws Exception {
        try (SmallServer server = new SmallServer(directory)) {
            Connector slow = new Connector();
            slow.setPort(0);
            slow.setProperty("address", "127.0.0.1");
            slow.setProperty("connectionTimeout", "500"); // for writing, too
            slow.setProperty("socket.txBufSize", "8192");
            server.tomcat.getService().addConnector(slow);
            server.start();
            List<Socket> sockets = new ArrayList<>();
            try {
                for (int listening = 0; listening < PLACES; ) {
                    Socket socket = connect(slow.getLocalPort());
                    sockets.add(socket);
                    listening += beginsToListen(socket) ? 1 : 0;
                }
                assertThat(statusOfAListener(server)).isEqualTo(429);

                // So long a status that no buffer on the way takes two.
                List<Socket> uploads = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    uploads.add(server.beginUpload("/app/" + "x".repeat(6000), 100, 10));
                }
                sockets.addAll(uploads);
                await().until(() -> server.valve.drain().summary().inFlight().uploads() == 8);
                server.valve.drain().start("test");

                await().until(() -> statusOfAListener(server) == 200);
                for (Socket upload : uploads) {
                    upload.getOutputStream().write(new byte[90]);
                }
                assertThat(server.valve.drain().awaitDrained(Duration.ofMinutes(1)))
                        .isTrue();
            } finally {
                for (Socket socket : sockets) {
                    socket.close();
                }
            }
        }
    }

    /** Returns a socket that takes little unless it is read. */
    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(2048);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return socket;
    }

    /** Returns false if the connector's patience ended before the request came. */
    private static boolean beginsToListen(Socket socket) {
        try {
            socket.getOutputStream()
                    .write(("GET /drain/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                                    + SmallServer.TOKEN + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] begin = socket.getInputStream().readNBytes(12);
            return new String(begin, StandardCharsets.US_ASCII).equals("HTTP/1.1 200");
        } catch (IOException late) {
            return false;
        }
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
