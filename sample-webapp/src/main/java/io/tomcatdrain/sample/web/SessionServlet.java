package io.tomcatdrain.sample.web;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts a session's visits, {@code {"node":"n1","id":"…","count":3}}: makes clients stick to a node. */
@WebServlet(name = "session", urlPatterns = "/session")
public final class SessionServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final String VISITS = "visits";

    /** Made by the container. */
    public SessionServlet() {}

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        HttpSession session = request.getSession();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("node", Node.NAME);
        answer.put("id", session.getId());
        answer.put("count", visits(session).incrementAndGet());
        Json.send(response, HttpServletResponse.SC_OK, answer);
    }

    private static synchronized AtomicInteger visits(HttpSession session) {
        if (session.getAttribute(VISITS) instanceof AtomicInteger visits) {
            return visits;
        }
        var visits = new AtomicInteger();
        session.setAttribute(VISITS, visits);
        return visits;
    }
}
