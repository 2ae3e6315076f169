package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletContext;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.lang.management.ManagementFactory;
import java.util.Collections;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.Test;

/** A request that is no upload costs nothing but its place in the count: no attribute, and not one byte. */
class FilterCostTest {
    private static final int REQUESTS = 20_000;

    /** A request that answers without allocating, and counts what it is asked to keep. */
    private static final class PlainRequest extends HttpServletRequestWrapper {
        private int attributes;

        PlainRequest() {
            super(mock(HttpServletRequest.class));
        }

        @Override
        public Object getAttribute(String name) {
            return null;
        }

        @Override
        public DispatcherType getDispatcherType() {
            return DispatcherType.REQUEST;
        }

        @Override
        public void setAttribute(String name, Object value) {
            attributes++;
        }

        @Override
        public String getMethod() {
            return "GET";
        }

        @Override
        public String getServletPath() {
            return "/shop";
        }

        @Override
        public String getPathInfo() {
            return "/basket";
        }

        @Override
        public String getContentType() {
            return "application/json";
        }

        @Override
        public boolean isAsyncStarted() {
            return false;
        }
    }

    private static final class PlainResponse extends HttpServletResponseWrapper {
        PlainResponse() {
            super(mock(HttpServletResponse.class));
        }

        @Override
        public int getStatus() {
            return 200;
        }

        @Override
        public boolean isCommitted() {
            return false;
        }
    }

    @Test
    void plainRequestAllocatesNothing() throws Exception {
        assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported()
                        && threads.isThreadAllocatedMemoryEnabled(),
                "this JVM does not count what threads allocate");
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        DrainFilter filter = new DrainFilter();
        filter.init(config());
        PlainRequest request = new PlainRequest();
        PlainResponse response = new PlainResponse();
        FilterChain chain = (given, answer) -> assertThatItPasses(given == request);
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = threads.getThreadAllocatedBytes(self);
            for (int i = 0; i < REQUESTS; i++) {
                filter.doFilter(request, response, chain);
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(self) - before);
        }
        assertThat(least / REQUESTS).isZero();
        assertThat(request.attributes).isZero();
        filter.destroy();
    }

    private static void assertThatItPasses(boolean unwrapped) {
        if (!unwrapped) {
            throw new AssertionError("a request that is no upload was wrapped");
        }
    }

    private static FilterConfig config() {
        // A real one, since the filter looks up one of its attributes for each request.
        ServletContext context = new Tomcat().addContext("/cost", null).getServletContext();
        FilterConfig config = mock(FilterConfig.class);
        when(config.getServletContext()).thenReturn(context);
        when(config.getInitParameterNames()).thenReturn(Collections.emptyEnumeration());
        return config;
    }
}
