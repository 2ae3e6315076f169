package io.tomcatdrain.sample.web;

import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.MultipartConfig;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Takes a form with fields and files the usual, blocking way, and answers with what arrived:
 * {@code {"node":"n1","fields":{"title":"…"},"files":[{"field":"file","name":"a.bin","size":123,"sha256":"…"}]}}.
 * A field that was sent several times becomes an array. Files go to the container's temporary directory and are
 * deleted with the request; their size is limited by nothing but the disk.
 */
@WebServlet(name = "upload", urlPatterns = "/upload")
@MultipartConfig(fileSizeThreshold = 64 * 1024)
public final class UploadServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    /** Made by the container. */
    public UploadServlet() {}

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String contentType = request.getContentType();
        if (contentType == null || !contentType.toLowerCase(Locale.ROOT).startsWith("multipart/form-data")) {
            Json.sendError(
                    response,
                    HttpServletResponse.SC_UNSUPPORTED_MEDIA_TYPE,
                    "content type [" + contentType + "] is not [multipart/form-data]; send a form with a file");
            return;
        }

        Collection<Part> parts;
        try {
            parts = request.getParts();
        } catch (IllegalStateException e) {
            Json.sendError(
                    response,
                    HttpServletResponse.SC_REQUEST_ENTITY_TOO_LARGE,
                    "the container's limits do not allow this form: " + e.getMessage());
            return;
        } catch (IOException | ServletException e) {
            // A broken body, or a client that went away: then nobody reads this answer, and it does no harm.
            Json.sendError(response, HttpServletResponse.SC_BAD_REQUEST, "the form cannot be read: " + e.getMessage());
            return;
        }

        Map<String, Object> fields = new LinkedHashMap<>();
        List<Object> files = new ArrayList<>();
        for (Part part : parts) {
            String fileName = part.getSubmittedFileName();
            if (fileName == null) {
                fields.merge(part.getName(), text(part), UploadServlet::both);
            } else if (!fileName.isEmpty() || part.getSize() > 0) { // else: a browser's empty file input
                files.add(describe(part, fileName));
            }
        }
        if (files.isEmpty()) {
            Json.sendError(
                    response, HttpServletResponse.SC_BAD_REQUEST, "the form has no file; add a part with a file name");
            return;
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("node", Node.NAME);
        answer.put("fields", fields);
        answer.put("files", files);
        Json.send(response, HttpServletResponse.SC_OK, answer);
    }

    private static String text(Part part) throws IOException {
        try (InputStream in = part.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Object both(Object earlier, Object later) {
        List<Object> values = new ArrayList<>();
        if (earlier instanceof List<?> list) {
            values.addAll(list);
        } else {
            values.add(earlier);
        }
        values.add(later);
        return values;
    }

    private static Map<String, Object> describe(Part part, String fileName) throws IOException {
        try (InputStream in = part.getInputStream()) {
            Checksum checksum = Checksum.of(in);
            Map<String, Object> file = new LinkedHashMap<>();
            file.put("field", part.getName());
            file.put("name", fileName);
            file.put("size", checksum.size());
            file.put("sha256", checksum.sha256Hex());
            return file;
        }
    }
}
