package io.tomcatdrain.sample.web;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Tells the page where it is: {@code {"node":"n1","server":"Apache Tomcat/11.0.27","slowLine":true}}. Where
 * {@code slowLine} is true, {@code POST /upload?bytesPerSecond=N} is read no faster than that.
 */
@WebServlet(name = "info", urlPatterns = "/info")
public final class InfoServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    /** Made by the container. */
    public InfoServlet() {}

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("node", Node.NAME);
        answer.put("server", getServletContext().getServerInfo());
        answer.put("slowLine", Boolean.parseBoolean(getServletContext().getInitParameter("slowLine")));
        Json.send(response, HttpServletResponse.SC_OK, answer);
    }
}
