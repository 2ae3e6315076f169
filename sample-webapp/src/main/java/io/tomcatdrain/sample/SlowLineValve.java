package io.tomcatdrain.sample;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.InputBuffer;
import org.apache.tomcat.util.net.ApplicationBufferHandler;

/**
 * Reads a request's body no faster than {@code ?bytesPerSecond=N} says, as it would arrive over a slow line: browser
 * and server on one machine would otherwise be done before a person can look. Blocking reads only.
 */
final class SlowLineValve extends ValveBase {
    private static final Pattern RATE = Pattern.compile("(?:^|&)bytesPerSecond=([1-9][0-9]{0,9})(?:&|$)");

    SlowLineValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        // Not by getParameter: that would read a form's body.
        String query = request.getQueryString();
        Matcher rate = RATE.matcher(query == null ? "" : query);
        if (!rate.find()) {
            getNext().invoke(request, response);
            return;
        }
        org.apache.coyote.Request coyote = request.getCoyoteRequest();
        InputBuffer line = coyote.getInputBuffer();
        coyote.setInputBuffer(new SlowLine(line, Long.parseLong(rate.group(1))));
        try {
            getNext().invoke(request, response);
        } finally {
            // The coyote request serves others after this one.
            coyote.setInputBuffer(line);
        }
    }

    private static final class SlowLine implements InputBuffer {
        private final InputBuffer line;
        private final long bytesPerSecond;
        private final long startNanos = System.nanoTime();
        private long bytes;

        SlowLine(InputBuffer line, long bytesPerSecond) {
            this.line = line;
            this.bytesPerSecond = bytesPerSecond;
        }

        @Override
        public int doRead(ApplicationBufferHandler handler) throws IOException {
            long dueNanos = (long) ((double) bytes / bytesPerSecond * TimeUnit.SECONDS.toNanos(1));
            try {
                TimeUnit.NANOSECONDS.sleep(dueNanos - (System.nanoTime() - startNanos));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted on a slow line");
            }
            int n = line.doRead(handler);
            if (n > 0) {
                bytes += n;
            }
            return n;
        }

        @Override
        public int available() {
            return line.available();
        }
    }
}
