package io.tomcatdrain.http;

import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One request and what was answered. Any other call than those that cannot touch the request's body or parameters fails the test.
 */
final class Exchange {
    final Map<String, String> sent = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    final Map<String, Object> attributes = new HashMap<>();
    String remote = "192.0.2.7";
    final BlockingQueue<String> flushed = new LinkedBlockingQueue<>();
    volatile int status = 200;
    volatile boolean broken;

    private final String method;
    private final String query;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private int shown;
    private long contentLength = -1;
    private WriteHook beforeWrite = () -> {};

    @FunctionalInterface
    interface WriteHook {
        void run() throws InterruptedException;
    }

    private Exchange(String method, String query) {
        this.method = method;
        this.query = query;
    }

    static Exchange of(String method, String query) {
        return new Exchange(method, query);
    }

    static Exchange of(String method) {
        return new Exchange(method, null);
    }

    Exchange with(String header, String value) {
        sent.put(header, value);
        return this;
    }

    Exchange withToken() {
        return with("Authorization", "Bearer " + Drains.TOKEN);
    }

    Exchange withBodyOf(long bytes) {
        contentLength = bytes;
        return this;
    }

    Exchange beforeEachWrite(WriteHook hook) {
        beforeWrite = hook;
        return this;
    }

    synchronized String body() {
        return body.toString(StandardCharsets.UTF_8);
    }

    String header(String name) {
        return headers.get(name);
    }

    String nextFlushed() throws InterruptedException {
        String next = flushed.poll(60, TimeUnit.SECONDS);
        if (next == null) {
            throw new AssertionError("nothing was written within 60 s");
        }
        return next;
    }

    HttpServletRequest request() {
        return (HttpServletRequest) Proxy.newProxyInstance(
                Exchange.class.getClassLoader(),
                new Class<?>[] {HttpServletRequest.class},
                (proxy, called, arguments) -> switch (called.getName()) {
                    case "getMethod" -> method;
                    case "getQueryString" -> query;
                    case "getRemoteAddr" -> remote;
                    case "getAttribute" -> attributes.get((String) arguments[0]);
                    case "getContentLengthLong" -> contentLength;
                    case "getHeader" -> sent.get((String) arguments[0]);
                    case "getHeaders" -> {
                        List<String> values = new ArrayList<>();
                        if (sent.containsKey((String) arguments[0])) {
                            values.addAll(
                                    List.of(sent.get((String) arguments[0]).split("\n")));
                        }
                        yield Collections.enumeration(values);
                    }
                    default -> throw new AssertionError("the request was asked for " + called);
                });
    }

    HttpServletResponse response() {
        return (HttpServletResponse) Proxy.newProxyInstance(
                Exchange.class.getClassLoader(),
                new Class<?>[] {HttpServletResponse.class},
                (proxy, called, arguments) -> {
                    switch (called.getName()) {
                        case "setStatus" -> status = (int) arguments[0];
                        case "setHeader", "addHeader" -> headers.put((String) arguments[0], (String) arguments[1]);
                        case "setContentType" -> headers.put("Content-Type", (String) arguments[0]);
                        case "setContentLength" -> headers.put("Content-Length", String.valueOf(arguments[0]));
                        case "flushBuffer" -> flush();
                        case "getOutputStream" -> {
                            return new Output();
                        }
                        default -> throw new AssertionError("the response was asked for " + called);
                    }
                    return null;
                });
    }

    private synchronized void flush() {
        byte[] all = body.toByteArray();
        flushed.add(new String(all, shown, all.length - shown, StandardCharsets.UTF_8));
        shown = all.length;
    }

    private final class Output extends ServletOutputStream {
        @Override
        public void write(int oneByte) throws IOException {
            write(new byte[] {(byte) oneByte}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            try {
                beforeWrite.run();
            } catch (InterruptedException told) {
                throw new IOException(told);
            }
            if (broken) {
                throw new IOException("Broken pipe");
            }
            synchronized (Exchange.this) {
                body.write(bytes, from, length);
            }
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setWriteListener(WriteListener listener) {
            throw new AssertionError("blocking writes only");
        }
    }
}
