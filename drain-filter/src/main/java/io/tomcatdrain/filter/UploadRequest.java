package io.tomcatdrain.filter;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.Part;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Enumeration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An upload whose bytes are counted as the application reads them. As thread-safe as the request that it wraps. */
final class UploadRequest extends HttpServletRequestWrapper {
    /** Where an async dispatch, which comes with the container's own request, finds what has been counted so far. */
    private static final String ATTRIBUTE = ServletUpload.class.getName();

    private final ServletUpload progress;
    private @Nullable ServletInputStream stream;
    private @Nullable BufferedReader reader;

    private UploadRequest(HttpServletRequest request, ServletUpload progress) {
        super(request);
        this.progress = progress;
    }

    static HttpServletRequest wrap(HttpServletRequest request, ServletUpload progress) {
        request.setAttribute(ATTRIBUTE, progress);
        return new UploadRequest(request, progress);
    }

    /** Returns the request to pass on at an async dispatch: wrapped if it is an upload of ours that is not. */
    static HttpServletRequest wrapAgain(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof ServletUpload progress && !isWrapped(request)
                ? new UploadRequest(request, progress)
                : request;
    }

    private static boolean isWrapped(ServletRequest request) {
        ServletRequest layer = request;
        while (layer instanceof ServletRequestWrapper wrapper && !(layer instanceof UploadRequest)) {
            layer = wrapper.getRequest();
        }
        return layer instanceof UploadRequest;
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
        if (reader != null) {
            throw new IllegalStateException("getReader() has been called for this request");
        }
        return counted();
    }

    private ServletInputStream counted() throws IOException {
        ServletInputStream counted = stream;
        if (counted == null) {
            counted = new CountedStream(super.getInputStream());
            stream = counted;
            progress.opened();
        }
        return counted;
    }

    /** Decodes what the counted stream reads, since the container's own reader would bypass the count. */
    @Override
    public BufferedReader getReader() throws IOException {
        BufferedReader made = reader;
        if (made == null) {
            if (stream != null) {
                throw new IllegalStateException("getInputStream() has been called for this request");
            }
            String charset = getCharacterEncoding();
            if (charset == null && !isForm()) {
                made = super.getReader(); // which charset such a type has is the container's to know; its bytes are
                // not seen
                reader = made;
                return made;
            }
            made = charset == null
                    ? new BufferedReader(new InputStreamReader(counted(), StandardCharsets.ISO_8859_1))
                    : new BufferedReader(new InputStreamReader(counted(), charset));
            reader = made;
        }
        return made;
    }

    private boolean isForm() {
        String type = getContentType();
        return type == null || type.regionMatches(true, 0, "multipart/", 0, "multipart/".length());
    }

    @Override
    public @Nullable String getParameter(String name) {
        String value = super.getParameter(name);
        parametersRead();
        return value;
    }

    @Override
    public Enumeration<String> getParameterNames() {
        Enumeration<String> names = super.getParameterNames();
        parametersRead();
        return names;
    }

    @Override
    public String @Nullable [] getParameterValues(String name) {
        String[] values = super.getParameterValues(name);
        parametersRead();
        return values;
    }

    @Override
    public Map<String, String[]> getParameterMap() {
        Map<String, String[]> parameters = super.getParameterMap();
        parametersRead();
        return parameters;
    }

    private void parametersRead() {
        if (reader == null) { // the container's own bypasses the count
            progress.parametersRead();
        }
    }

    @Override
    public Collection<Part> getParts() throws IOException, ServletException {
        Collection<Part> parts = super.getParts();
        progress.parsed();
        return parts;
    }

    @Override
    public @Nullable Part getPart(String name) throws IOException, ServletException {
        Part part = super.getPart(name);
        progress.parsed();
        return part;
    }

    private final class CountedStream extends ServletInputStream {
        private final ServletInputStream in;

        /** True if the application has a ReadListener, which the container calls when there is more to read. */
        private boolean listened;

        CountedStream(ServletInputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            progress.wantsMore(true);
            try {
                int next = in.read();
                progress.received(next < 0 ? -1 : 1);
                return next;
            } finally {
                progress.wantsMore(listened);
            }
        }

        @Override
        public int read(byte[] buffer, int from, int length) throws IOException {
            progress.wantsMore(true);
            try {
                int count = in.read(buffer, from, length);
                progress.received(count);
                return count;
            } finally {
                progress.wantsMore(listened);
            }
        }

        @Override
        public int available() throws IOException {
            return in.available();
        }

        @Override
        public void close() throws IOException {
            in.close();
        }

        @Override
        public boolean isFinished() {
            return in.isFinished();
        }

        @Override
        public boolean isReady() {
            return in.isReady();
        }

        @Override
        public void setReadListener(ReadListener listener) {
            in.setReadListener(listener);
            listened = true;
            progress.wantsMore(true);
        }
    }
}
