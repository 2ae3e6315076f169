package io.tomcatdrain.sample.web;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Takes a raw body of any content type without blocking a thread, and answers {@code {"node":"n1","size":123,"sha256":"…"}}.
 */
@WebServlet(name = "upload-stream", urlPatterns = "/upload-stream", asyncSupported = true)
public final class UploadStreamServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    /** Made by the container. */
    public UploadStreamServlet() {}

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        AsyncContext async = request.startAsync();
        async.setTimeout(0); // an upload may take hours; a client that sends nothing is the connector's business
        ServletInputStream in = request.getInputStream();
        in.setReadListener(new Receiver(async, in, response));
    }

    @Override
    protected void doPut(HttpServletRequest request, HttpServletResponse response) throws IOException {
        doPost(request, response);
    }

    private static final class Receiver implements ReadListener {
        private final AsyncContext async;
        private final ServletInputStream in;
        private final HttpServletResponse response;
        private final Checksum checksum = new Checksum();
        private final byte[] buffer = new byte[16 * 1024];

        Receiver(AsyncContext async, ServletInputStream in, HttpServletResponse response) {
            this.async = async;
            this.in = in;
            this.response = response;
        }

        @Override
        public void onDataAvailable() throws IOException {
            while (in.isReady() && !in.isFinished()) {
                int n = in.read(buffer);
                if (n > 0) {
                    checksum.update(buffer, n);
                }
            }
        }

        @Override
        public void onAllDataRead() throws IOException {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("node", Node.NAME);
            answer.put("size", checksum.size());
            answer.put("sha256", checksum.sha256Hex());
            Json.send(response, HttpServletResponse.SC_OK, answer);
            async.complete();
        }

        @Override
        public void onError(Throwable cause) {
            // The client is gone, or its chunks are broken: hardly anybody to tell, but no success either.
            if (!response.isCommitted()) {
                response.setStatus(HttpServletResponse.SC_BAD_REQUEST);
            }
            async.complete();
        }
    }
}
