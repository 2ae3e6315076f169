package io.tomcatdrain.valve;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;

/** A Tomcat with the valve in its engine and one servlet under {@code /app}, which reads what it is sent. */
final class SmallServer implements AutoCloseable {
    static final String TOKEN = "a-token-of-16-or-more";

    final Tomcat tomcat = new Tomcat();
    final DrainValve valve = new DrainValve();
    final Context context;

    /** Let the requests to /app/wait go on. */
    final CountDownLatch mayAnswer = new CountDownLatch(1);

    private final HttpClient client = HttpClient.newHttpClient();

    SmallServer(Path directory) {
        tomcat.setBaseDir(directory.toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.getConnector().setProperty("maxKeepAliveRequests", "-1");
        valve.setLameDuck("off");
        valve.setToken(TOKEN);
        tomcat.getEngine().getPipeline().addValve(valve);
        context = tomcat.addContext("/app", directory.toString());
        Tomcat.addServlet(context, "reads", new Reads()).addMapping("/*");
    }

    private final class Reads extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            long read = request.getInputStream().transferTo(OutputStream.nullOutputStream());
            if ("/wait".equals(request.getPathInfo())) {
                awaitPermission();
            }
            if ("/exit".equals(request.getPathInfo())) {
                Thread.currentThread().setName("renamed, as some applications do");
                System.exit(3);
            }
            if ("/fail".equals(request.getPathInfo())) {
                response.sendError(500);
            } else {
                byte[] answer = Long.toString(read).getBytes(StandardCharsets.US_ASCII);
                response.setContentLength(answer.length);
                response.getOutputStream().write(answer);
            }
        }

        private void awaitPermission() throws IOException {
            try {
                if (!mayAnswer.await(60, TimeUnit.SECONDS)) {
                    throw new IOException("nobody let it go on");
                }
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    SmallServer start() throws LifecycleException {
        tomcat.start();
        return this;
    }

    int port() {
        return tomcat.getConnector().getLocalPort();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path));
    }

    HttpRequest.Builder upload(String path, int bytes) {
        return request(path)
                .header("Content-Type", "multipart/form-data; boundary=cut")
                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[bytes]));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    String get(String path) throws IOException, InterruptedException {
        return send(request(path)).body();
    }

    /** Returns the status as JSON, as an operator gets it. */
    String status() throws IOException, InterruptedException {
        return send(request("/drain").header("Authorization", "Bearer " + TOKEN))
                .body();
    }

    /** Begins an upload on a connection of its own and sends so much of it. */
    Socket beginUpload(String path, int length, int sent) throws IOException {
        return beginUpload(port(), path, length, sent);
    }

    /** The same on a server of another process. */
    static Socket beginUpload(int port, String path, int length, int sent) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.getOutputStream().write(head(path, "multipart/form-data; boundary=cut", length));
        socket.getOutputStream().write(new byte[sent]);
        return socket;
    }

    static byte[] head(String path, String contentType, int length) {
        return ("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + contentType + "\r\nContent-Length: "
                        + length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void close() throws LifecycleException {
        mayAnswer.countDown();
        if (tomcat.getServer().getState().isAvailable()) {
            tomcat.stop();
        }
        tomcat.destroy();
    }
}
