package io.tomcatdrain.sample.web;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/** A small page that takes as many milliseconds as {@code ms} says, 0 to 60000: work that is no upload. */
@WebServlet(name = "page", urlPatterns = "/page")
public final class PageServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final int LONGEST_MILLIS = 60_000;
    private static final String PAGE = """
            <!doctype html>
            <html lang="en"><title>A page of the sample</title>
            <p>Answered at %s after %d ms.</p></html>
            """;

    /** Made by the container. */
    public PageServlet() {}

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String ms = request.getParameter("ms");
        OptionalInt millis = ms == null ? OptionalInt.of(0) : millis(ms);
        if (millis.isEmpty()) {
            Json.sendError(
                    response,
                    HttpServletResponse.SC_BAD_REQUEST,
                    "ms [" + ms + "] is not a whole number from 0 to " + LONGEST_MILLIS);
            return;
        }
        try {
            TimeUnit.MILLISECONDS.sleep(millis.getAsInt());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            Json.sendError(response, HttpServletResponse.SC_SERVICE_UNAVAILABLE, "interrupted by the server");
            return;
        }
        byte[] page = PAGE.formatted(Instant.now(), millis.getAsInt()).getBytes(StandardCharsets.UTF_8);
        response.setContentType("text/html;charset=UTF-8");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Node", Node.NAME);
        response.setContentLength(page.length);
        response.getOutputStream().write(page);
    }

    private static OptionalInt millis(String text) {
        try {
            int millis = Integer.parseInt(text);
            return millis >= 0 && millis <= LONGEST_MILLIS ? OptionalInt.of(millis) : OptionalInt.empty();
        } catch (NumberFormatException e) {
            return OptionalInt.empty();
        }
    }
}
