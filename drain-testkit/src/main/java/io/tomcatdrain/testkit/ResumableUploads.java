package io.tomcatdrain.testkit;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.util.BitSet;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes files that come in several requests, in the four ways of the clients that people use, and keeps them in memory: a node knows only
 * what was begun on it.
 *
 * <p>{@code /files} speaks tus, {@code /pond} FilePond, {@code /chunks} Resumable.js, {@code /range} jQuery File Upload. A request with
 * the header {@code X-Session} gets a session, one with {@code X-Async} is answered on another thread. The answer to a part that makes a
 * file whole says so in {@code X-Whole}. Each answer names its node in {@code X-Node}.
 */
public final class ResumableUploads extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final Pattern RANGE = Pattern.compile("bytes (\\d+)-(\\d+)/(\\d+)");

    /** Where it is mapped to. */
    public static final String[] MAPPINGS = {"/files", "/files/*", "/pond", "/chunks", "/range"};

    /** One file. */
    private static final class Stored {
        private final long length;
        private final BitSet chunks = new BitSet();
        private long received;

        Stored(long length) {
            this.length = length;
        }
    }

    private final transient Map<String, Stored> files = new ConcurrentHashMap<>();
    private final AtomicInteger whole = new AtomicInteger();

    /** Returns how many files are whole. */
    public int whole() {
        return whole.get();
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        response.setHeader("X-Node", System.getProperty("node", "?"));
        if (request.getHeader("X-Session") != null) {
            request.getSession();
        }
        if (request.getHeader("X-Async") == null) {
            take(request, response);
            return;
        }
        AsyncContext async = request.startAsync();
        async.start(() -> {
            try {
                take(request, response);
            } catch (IOException gone) {
                response.setStatus(500);
            } finally {
                async.complete();
            }
        });
    }

    private void take(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String override = request.getHeader("X-HTTP-Method-Override");
        String method = override == null ? request.getMethod() : override;
        switch (request.getServletPath()) {
            case "/files" -> tus(method, request, response);
            case "/pond" -> pond(method, request, response);
            case "/chunks" -> chunk(method, request, response);
            default -> range(request, response);
        }
    }

    private void tus(String method, HttpServletRequest request, HttpServletResponse response) throws IOException {
        String id = request.getPathInfo();
        response.setHeader("Tus-Resumable", "1.0.0");
        if (method.equals("POST")) {
            response.setHeader("Location", request.getContextPath() + "/files/" + create(request));
            response.setStatus(201);
        } else if (method.equals("OPTIONS")) {
            response.setStatus(204);
        } else {
            resume(id == null ? "" : id.substring(1), method, request, response);
        }
    }

    private void pond(String method, HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (method.equals("POST")) {
            response.setContentType("text/plain");
            response.getWriter().print(create(request));
        } else {
            resume(String.valueOf(request.getParameter("patch")), method, request, response);
        }
    }

    private String create(HttpServletRequest request) {
        String id = UUID.randomUUID().toString();
        files.put(id, new Stored(Long.parseLong(request.getHeader("Upload-Length"))));
        return id;
    }

    private void resume(String id, String method, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        Stored file = files.get(id);
        if (file == null) {
            response.setStatus(404);
            return;
        }
        if (method.equals("DELETE")) {
            files.remove(id);
            response.setStatus(204);
            return;
        }
        if (method.equals("PATCH")) {
            if (Long.parseLong(request.getHeader("Upload-Offset")) != file.received) {
                response.setStatus(409);
                return;
            }
            receive(file, read(request), response);
        }
        response.setStatus(method.equals("PATCH") ? 204 : 200);
        response.setHeader("Upload-Offset", Long.toString(file.received));
        response.setHeader("Upload-Length", Long.toString(file.length));
    }

    private void chunk(String method, HttpServletRequest request, HttpServletResponse response) throws IOException {
        String id = String.valueOf(request.getParameter("resumableIdentifier"));
        int number = Integer.parseInt(request.getParameter("resumableChunkNumber"));
        int chunks = Integer.parseInt(request.getParameter("resumableTotalChunks"));
        Stored file = files.get(id);
        if (method.equals("GET")) {
            response.setStatus(file != null && file.chunks.get(number) ? 200 : 404);
            return;
        }
        if (file == null && number != 1) {
            response.setStatus(409); // begun elsewhere: the client's own file would never be whole here
            return;
        }
        Stored mine = files.computeIfAbsent(id, any -> new Stored(chunks));
        var unused = read(request);
        if (!mine.chunks.get(number)) {
            mine.chunks.set(number);
            receive(mine, 1, response);
        }
        response.setStatus(200);
    }

    private void range(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Matcher range = RANGE.matcher(String.valueOf(request.getHeader("Content-Range")));
        if (!range.matches()) {
            response.setStatus(400);
            return;
        }
        long from = Long.parseLong(range.group(1));
        // Not the session that was asked for: that may be one of another node, and the next part comes with this one.
        HttpSession session = request.getSession(false);
        String id = request.getHeader("Content-Disposition")
                + (session == null ? request.getRequestedSessionId() : session.getId());
        Stored file = from == 0 ? new Stored(Long.parseLong(range.group(3))) : files.get(id);
        if (file == null || file.received != from) {
            response.setStatus(409);
            return;
        }
        files.put(id, file);
        var unused = read(request); // the bytes alone, or as a part of a form
        receive(file, Long.parseLong(range.group(2)) - from + 1, response);
        response.setStatus(200);
    }

    private void receive(Stored file, long bytes, HttpServletResponse response) {
        boolean before = file.received >= file.length;
        file.received += bytes;
        if (file.received >= file.length) {
            response.setHeader("X-Whole", "1");
            whole.addAndGet(before ? 0 : 1);
        }
    }

    private static long read(HttpServletRequest request) throws IOException {
        return request.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
    }
}
