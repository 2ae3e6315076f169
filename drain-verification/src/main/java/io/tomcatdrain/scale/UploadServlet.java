package io.tomcatdrain.scale;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Answers an upload with the checksum of its body, which it reads with a thread of its own or with none. */
final class UploadServlet extends HttpServlet {
    private static final long serialVersionUID = 1;

    private final boolean blocking;

    UploadServlet(boolean blocking) {
        this.blocking = blocking;
    }

    /** A page, which is no upload. */
    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.getOutputStream().print("page");
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (blocking) {
            MessageDigest digest = Body.sha256();
            byte[] buffer = new byte[1024];
            ServletInputStream in = request.getInputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
            answer(response, digest);
        } else {
            AsyncContext async = request.startAsync();
            async.setTimeout(0);
            request.getInputStream().setReadListener(new Receiver(async));
        }
    }

    private static void answer(HttpServletResponse response, MessageDigest digest) throws IOException {
        byte[] text = HexFormat.of().formatHex(digest.digest()).getBytes(StandardCharsets.US_ASCII);
        response.setContentLength(text.length);
        response.getOutputStream().write(text);
    }

    private static final class Receiver implements ReadListener {
        private final AsyncContext async;
        private final MessageDigest digest = Body.sha256();
        private final byte[] buffer = new byte[1024];

        Receiver(AsyncContext async) {
            this.async = async;
        }

        @Override
        public void onDataAvailable() throws IOException {
            ServletInputStream in = async.getRequest().getInputStream();
            while (in.isReady() && !in.isFinished()) {
                int read = in.read(buffer);
                if (read > 0) {
                    digest.update(buffer, 0, read);
                }
            }
        }

        @Override
        public void onAllDataRead() throws IOException {
            answer((HttpServletResponse) async.getResponse(), digest);
            async.complete();
        }

        @Override
        public void onError(Throwable fault) {
            async.complete();
        }
    }
}
