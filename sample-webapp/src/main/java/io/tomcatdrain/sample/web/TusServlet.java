package io.tomcatdrain.sample.web;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes a file in several requests, by the tus protocol 1.0 with creation and termination (https://tus.io/protocols/resumable-upload). What
 * has come lies on the disk of this node alone, so that its parts must all come here.
 *
 * <p>{@code POST /files} begins one, {@code HEAD} and {@code PATCH} continue it, {@code DELETE} ends it; {@code GET} tells size and SHA-256 of
 * one that is whole, and takes it away.
 */
@WebServlet(name = "tus", urlPatterns = "/files/*")
public final class TusServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final String VERSION = "1.0.0";
    private static final int MOST_FILES = 200;
    private static final long LONGEST = 4L << 30;

    /** One file; its monitor orders the requests that bring its parts. */
    private record Incoming(Path path, long length) {}

    private final transient Map<String, Incoming> files = new ConcurrentHashMap<>();

    /** Made by the container. */
    public TusServlet() {}

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setHeader("Tus-Resumable", VERSION);
        response.setHeader("Cache-Control", "no-store");
        String info = request.getPathInfo();
        String id = info == null || info.length() < 2 ? null : info.substring(1);
        switch (request.getMethod()) {
            case "OPTIONS" -> options(response);
            case "POST" -> create(request, response);
            case "HEAD", "PATCH", "GET", "DELETE" -> {
                Incoming file = id == null ? null : files.get(id);
                if (id == null || file == null) {
                    response.setStatus(HttpServletResponse.SC_NOT_FOUND);
                } else {
                    serve(id, file, request, response);
                }
            }
            default -> response.setStatus(HttpServletResponse.SC_METHOD_NOT_ALLOWED);
        }
    }

    private static void options(HttpServletResponse response) {
        response.setHeader("Tus-Version", VERSION);
        response.setHeader("Tus-Extension", "creation,termination");
        response.setHeader("Tus-Max-Size", Long.toString(LONGEST));
        response.setStatus(HttpServletResponse.SC_NO_CONTENT);
    }

    private void create(HttpServletRequest request, HttpServletResponse response) throws IOException {
        long length = number(request.getHeader("Upload-Length"));
        if (length < 0 || length > LONGEST) {
            response.setStatus(
                    length < 0 ? HttpServletResponse.SC_BAD_REQUEST : HttpServletResponse.SC_REQUEST_ENTITY_TOO_LARGE);
            return;
        }
        if (files.size() >= MOST_FILES) {
            response.setStatus(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
            return;
        }
        request.getSession(); // so that a front end sends the other parts here, too
        String id = UUID.randomUUID().toString();
        Path path = Files.createTempFile("tus-", null);
        path.toFile().deleteOnExit();
        files.put(id, new Incoming(path, length));
        String query = request.getQueryString(); // what the slow line is told, for the other parts, too
        response.setHeader(
                "Location",
                request.getContextPath() + request.getServletPath() + "/" + id + (query == null ? "" : "?" + query));
        response.setStatus(HttpServletResponse.SC_CREATED);
    }

    private void serve(String id, Incoming file, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        synchronized (file) {
            switch (request.getMethod()) {
                case "PATCH" -> append(file, request, response);
                case "GET" -> tell(id, file, response);
                case "DELETE" -> {
                    forget(id, file);
                    response.setStatus(HttpServletResponse.SC_NO_CONTENT);
                }
                default -> {
                    response.setHeader("Upload-Offset", Long.toString(Files.size(file.path())));
                    response.setHeader("Upload-Length", Long.toString(file.length()));
                }
            }
        }
    }

    private static void append(Incoming file, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        long offset = Files.size(file.path());
        if (number(request.getHeader("Upload-Offset")) != offset) {
            response.setStatus(HttpServletResponse.SC_CONFLICT);
            return;
        }
        InputStream in = request.getInputStream();
        byte[] buffer = new byte[64 * 1024];
        try (OutputStream out = Files.newOutputStream(file.path(), StandardOpenOption.APPEND)) {
            for (int n = in.read(buffer); n >= 0 && offset < file.length(); n = in.read(buffer)) {
                int taken = (int) Math.min(n, file.length() - offset);
                out.write(buffer, 0, taken); // what has come is kept, whatever happens to the rest
                offset += taken;
            }
        }
        response.setHeader("Upload-Offset", Long.toString(offset));
        response.setStatus(HttpServletResponse.SC_NO_CONTENT);
    }

    private void tell(String id, Incoming file, HttpServletResponse response) throws IOException {
        if (Files.size(file.path()) < file.length()) {
            Json.sendError(response, HttpServletResponse.SC_CONFLICT, "the file is not whole");
            return;
        }
        Checksum checksum;
        try (InputStream in = Files.newInputStream(file.path())) {
            checksum = Checksum.of(in);
        }
        forget(id, file);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("node", Node.NAME);
        answer.put("size", checksum.size());
        answer.put("sha256", checksum.sha256Hex());
        Json.send(response, HttpServletResponse.SC_OK, answer);
    }

    private void forget(String id, Incoming file) throws IOException {
        files.remove(id);
        Files.deleteIfExists(file.path());
    }

    private static long number(@Nullable String text) {
        try {
            return text == null ? -1 : Long.parseLong(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
