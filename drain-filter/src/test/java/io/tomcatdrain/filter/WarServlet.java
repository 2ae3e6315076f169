package io.tomcatdrain.filter;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.annotation.WebFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;

/** A web application that knows nothing of a drain: answers with the length of what it was sent. Loaded from {@code WEB-INF/classes}. */
public final class WarServlet extends HttpServlet {
    private static final long serialVersionUID = 1;

    /** The application's own filter. */
    @WebFilter("/*")
    public static final class Own implements Filter {
        @Override
        public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            ((HttpServletResponse) response).setHeader("X-Own", "seen");
            chain.doFilter(request, response);
        }
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        long length = request.getInputStream().transferTo(OutputStream.nullOutputStream());
        response.getWriter().print(length);
    }
}
