package io.tomcatdrain.filter;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletContainerInitializer;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What Spring Security is to an application: leads strangers to a login, and reads bodies in search of a token. From a jar of its own. */
public final class WarGuard implements Filter {
    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException {
        var answer = (HttpServletResponse) response;
        answer.setHeader("X-Guard", "seen");
        if (((HttpServletRequest) request).getRequestURI().endsWith("/upload")) {
            answer.getWriter().print(request.getInputStream().transferTo(OutputStream.nullOutputStream()));
        } else {
            answer.sendRedirect("/login");
        }
    }

    /** Puts it before the filters of web.xml, as Spring Boot does in a WAR. */
    public static final class Initializer implements ServletContainerInitializer {
        @Override
        public void onStartup(@Nullable Set<Class<?>> classes, ServletContext context) {
            context.addFilter("guard", new WarGuard())
                    .addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), false, "/*");
        }
    }
}
