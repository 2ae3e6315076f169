package io.tomcatdrain.testkit;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * The application under the valve: one path for each way in which an application can end a request.
 *
 * <p>A request with the header {@code X-Key} announces itself to the test that chose the key; where it waits, it waits for that test.
 */
public final class App {
    public static final String KEY = "X-Key";

    /** A body that a multipart parser accepts, of about the given size. */
    public static byte[] multipart(int size) {
        String head = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        StringBuilder body = new StringBuilder(head);
        while (body.length() < size) {
            body.append("0123456789abcdef");
        }
        return body.append("\r\n--cut--\r\n").toString().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }

    public static final String MULTIPART = "multipart/form-data; boundary=cut";

    /** Where a request and its test meet. */
    private static final class Meeting {
        private final CountDownLatch entered = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);
    }

    private final Map<String, Meeting> meetings = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "app");
        thread.setDaemon(true);
        return thread;
    });

    /** How often any servlet was called. */
    public final AtomicInteger calls = new AtomicInteger();

    private Meeting meeting(String key) {
        return meetings.computeIfAbsent(key, any -> new Meeting());
    }

    /** Waits until the request with this key is inside, or until there is no hope of it. */
    public boolean awaitEntered(String key, BooleanSupplier hopeless) throws InterruptedException {
        Meeting meeting = meeting(key);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!meeting.entered.await(2, TimeUnit.MILLISECONDS)) {
            if (hopeless.getAsBoolean()) {
                return false;
            }
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("request [" + key + "] never came");
            }
        }
        return true;
    }

    /** Waits until the request with this key is inside. */
    public void awaitEntered(String key) throws InterruptedException {
        awaitEntered(key, () -> false);
    }

    /** Lets the request with this key go on. */
    public void release(String key) {
        meeting(key).released.countDown();
    }

    private void entered(HttpServletRequest request) {
        String key = request.getHeader(KEY);
        if (key != null) {
            meeting(key).entered.countDown();
        }
    }

    private void awaitRelease(HttpServletRequest request) {
        String key = request.getHeader(KEY);
        try {
            if (key != null && !meeting(key).released.await(10, TimeUnit.MINUTES)) {
                throw new IllegalStateException("nobody released [" + key + "]");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    public void close() {
        meetings.values().forEach(meeting -> meeting.released.countDown());
        threads.shutdownNow();
    }

    /** Answers by path info. */
    public final class Main extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response)
                throws ServletException, IOException {
            calls.incrementAndGet();
            switch (request.getServletPath()) {
                case "/ok" -> text(response, "ok");
                case "/sendError" -> response.sendError(500, "on purpose");
                case "/runtime" -> throw new IllegalStateException("on purpose");
                case "/io" -> throw new IOException("on purpose");
                case "/servletException" -> throw new ServletException("on purpose");
                case "/error" -> throw new AssertionError("on purpose");
                case "/vmError" -> {
                    entered(request);
                    throw new InternalError("on purpose");
                }
                case "/forward" -> request.getRequestDispatcher("/ok").forward(request, response);
                case "/big" -> big(response);
                case "/slow" -> {
                    entered(request);
                    awaitRelease(request);
                    text(response, "slow");
                }
                case "/slowBody" -> {
                    text(response, "begun");
                    response.flushBuffer();
                    entered(request);
                    awaitRelease(request);
                    text(response, "done");
                }
                case "/unread" -> text(response, "unread");
                case "/upload" -> {
                    entered(request);
                    text(response, sha256(request.getInputStream()));
                }
                case "/uploadSized" -> {
                    entered(request);
                    byte[] sum = sha256(request.getInputStream()).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
                    response.setContentType("text/plain");
                    response.setContentLength(sum.length);
                    response.getOutputStream().write(sum);
                }
                case "/uploadThenThrow" -> {
                    sha256(request.getInputStream());
                    throw new IllegalStateException("on purpose");
                }
                case "/uploadThenWait" -> {
                    String sum = sha256(request.getInputStream());
                    entered(request);
                    awaitRelease(request);
                    text(response, sum);
                }
                case "/parts" -> {
                    entered(request);
                    for (Part part : request.getParts()) {
                        text(response, sha256(part.getInputStream()));
                    }
                }
                case "/partsThenWait" -> {
                    String sums = "";
                    for (Part part : request.getParts()) {
                        sums += sha256(part.getInputStream());
                    }
                    entered(request);
                    awaitRelease(request);
                    text(response, sums);
                }
                case "/upgrade" -> request.upgrade(Echo.class);
                default -> async(request, response);
            }
        }

        private void async(HttpServletRequest request, HttpServletResponse response) throws IOException {
            AsyncContext async = request.startAsync();
            async.setTimeout(0);
            switch (request.getServletPath()) {
                case "/async/complete" ->
                    threads.execute(() -> {
                        entered(request);
                        awaitRelease(request);
                        complete(async, "async");
                    });
                case "/async/completeBeforeReturn" -> complete(async, "async");
                case "/async/timeout" -> async.setTimeout(20);
                case "/async/timeoutListener" -> {
                    async.addListener(new CompletesOnTimeout());
                    async.setTimeout(20);
                }
                case "/async/dispatch" ->
                    threads.execute(() -> {
                        entered(request);
                        awaitRelease(request);
                        try {
                            async.dispatch("/ok");
                        } catch (IllegalStateException gone) {
                            // the client has left, and the container has ended it
                        }
                    });
                case "/async/dispatchTwice" -> async.dispatch("/async/dispatch");
                case "/async/throw" -> {
                    async.setTimeout(50);
                    throw new IllegalStateException("on purpose");
                }
                case "/async/never" -> entered(request);
                case "/async/events" -> {
                    response.setContentType("text/event-stream");
                    response.getOutputStream().print("data: begun\n\n");
                    response.flushBuffer();
                    entered(request);
                }
                case "/async/upload" -> readWithoutBlocking(request, async);
                case "/async/read" ->
                    threads.execute(() -> {
                        try {
                            entered(request);
                            complete(async, sha256(request.getInputStream()));
                        } catch (IOException | RuntimeException gone) {
                            completeFailed(async);
                        }
                    });
                case "/async/big" ->
                    threads.execute(() -> {
                        try {
                            entered(request);
                            awaitRelease(request);
                            big(response);
                            async.complete();
                        } catch (IOException | RuntimeException gone) {
                            // the client has left, and the container ends it
                        }
                    });
                default -> throw new IllegalArgumentException(request.getServletPath());
            }
        }

        private void readWithoutBlocking(HttpServletRequest request, AsyncContext async) throws IOException {
            ServletInputStream in = request.getInputStream();
            MessageDigest digest = newDigest();
            in.setReadListener(new ReadListener() {
                private final byte[] buffer = new byte[8192];

                @Override
                public void onDataAvailable() throws IOException {
                    while (in.isReady() && !in.isFinished()) {
                        int read = in.read(buffer);
                        if (read > 0) {
                            digest.update(buffer, 0, read);
                        }
                    }
                }

                @Override
                public void onAllDataRead() {
                    complete(async, HexFormat.of().formatHex(digest.digest()));
                }

                @Override
                public void onError(Throwable fault) {
                    // the container ends it
                }
            });
            entered(request);
        }
    }

    private static void complete(AsyncContext async, String text) {
        try {
            text((HttpServletResponse) async.getResponse(), text);
            async.complete();
        } catch (IOException | RuntimeException gone) {
            // the container has ended it already
        }
    }

    /** Over HTTP/1.1 and AJP a thread of the application's own that meets the end of a connection is the only one that does. */
    private static void completeFailed(AsyncContext async) {
        try {
            async.complete();
        } catch (RuntimeException gone) {
            // the container has ended it already
        }
    }

    private static void text(HttpServletResponse response, String text) throws IOException {
        response.setContentType("text/plain");
        response.getWriter().print(text);
    }

    private static void big(HttpServletResponse response) throws IOException {
        byte[] block = new byte[64 * 1024];
        for (int i = 0; i < 256; i++) {
            response.getOutputStream().write(block);
        }
    }

    private static final class CompletesOnTimeout implements AsyncListener {
        @Override
        public void onTimeout(AsyncEvent event) {
            App.complete(event.getAsyncContext(), "timeout");
        }

        @Override
        public void onComplete(AsyncEvent event) {}

        @Override
        public void onError(AsyncEvent event) {}

        @Override
        public void onStartAsync(AsyncEvent event) {}
    }

    public static String sha256(InputStream in) throws IOException {
        MessageDigest digest = newDigest();
        byte[] buffer = new byte[8192];
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
            digest.update(buffer, 0, read);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    public static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(newDigest().digest(bytes));
    }

    private static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
